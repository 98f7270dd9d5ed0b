// Media types by file name.
#pragma once

#include <string_view>

namespace mpsup::static_files {

/// The value for Content-Type: by the extension, in any case; text types say charset=utf-8. What is not known is
/// application/octet-stream. The table is built in, so that every machine answers the same.
[[nodiscard]] std::string_view media_type(std::string_view path) noexcept;

} // namespace mpsup::static_files

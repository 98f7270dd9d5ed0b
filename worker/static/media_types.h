// Media types by file name.
#pragma once

#include "worker/contract/files.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mpsup::static_files {

/// The value for Content-Type: by the extension, in any case; text types say charset=utf-8. What is not known is
/// application/octet-stream. The table is built in, so that every machine answers the same.
[[nodiscard]] std::string_view media_type(std::string_view path) noexcept;

/// The same with additions: endings without a dot, in any case, and the types of such files; they go before the table. A
/// type that is text and names no charset gets ours.
class MediaTypes {
public:
    explicit MediaTypes(const contract::TextPairs& additions);

    /// Good as long as this lives.
    [[nodiscard]] std::string_view of(std::string_view path) const noexcept;

private:
    contract::TextPairs additions_; // lower-case endings
};

} // namespace mpsup::static_files

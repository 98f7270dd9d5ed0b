// Files that are there whole or not at all.
#pragma once

#include "base/error.h"

#include <string>
#include <string_view>

namespace mpsup {

/// A new file (0600) in the place of the one at `path`; it and its name are on the disk before this returns. Until then it lies
/// beside it, as PATH.new. After an error either of them may be there.
[[nodiscard]] Result<> write_whole_file(const std::string& path, std::string_view text);

} // namespace mpsup

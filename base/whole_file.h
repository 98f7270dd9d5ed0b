// Files that are there whole or not at all.
#pragma once

#include "base/error.h"

#include <string>
#include <string_view>

namespace mpsup {

/// A new file (0600) in the place of the one at `path`, on the disk before this returns. Until then it lies beside it, as PATH.new.
[[nodiscard]] Result<> write_whole_file(const std::string& path, std::string_view text);

} // namespace mpsup

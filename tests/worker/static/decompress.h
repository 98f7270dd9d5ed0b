// Undoes content codings, for tests.
#pragma once

#include "worker/static/content_coding.h"

#include <string>
#include <string_view>

namespace mpsup::static_files {

/// The text, or "[bad]" when the coded form is not what it should be, to its last byte.
[[nodiscard]] std::string decompress(Coding coding, std::string_view coded);

} // namespace mpsup::static_files

// Which build of this program is this?
#pragma once

#include <string>

namespace mpsup {

/// The GNU build id that the linker put into the running program, in hex: two builds have the same only when they are the
/// same (ld(1), --build-id). Empty when there is none.
[[nodiscard]] std::string build_id();

} // namespace mpsup

// Which requests are slow at the same place.
#pragma once

#include <string>
#include <vector>

namespace mpsup::state {

/// Of a stack of frames "file:line sub", innermost first: 16 hexadecimal digits, the same for stacks whose files and
/// subs are the same in the same order, whatever the lines and the numbers of string evals ("(eval 12)"). It is on the
/// disk: never computed otherwise.
[[nodiscard]] std::string fingerprint_of(const std::vector<std::string>& frames);

} // namespace mpsup::state

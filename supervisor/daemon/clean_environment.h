// What programs that the supervisor starts may know of the environment it was started in.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace mpsup {

/// PATH, HOME and their like, as far as they are set.
[[nodiscard]] std::map<std::string, std::string> clean_environment();
/// "NAME=value" of each.
[[nodiscard]] std::vector<std::string> to_lines(const std::map<std::string, std::string>& variables);

} // namespace mpsup

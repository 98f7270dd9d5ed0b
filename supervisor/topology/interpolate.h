// ${VARIABLES} in the values of a topology file.
#pragma once

#include "supervisor/topology/node.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace mpsup::topology {

constexpr int max_nested_variables = 16;               // ${A:-${B:-…}}
constexpr std::size_t max_expanded_value = 64UL << 10; // bytes, of one value
constexpr std::size_t max_expanded_values = 4UL << 20; // of all values of a file that have variables in them

/// The value of a variable, nothing when it is not set.
using Variables = std::function<std::optional<std::string>(const std::string& name)>;

/// Of the environment of this process.
[[nodiscard]] std::optional<std::string> variable_of_process(const std::string& name);

/// The tree with ${NAME}, ${NAME:-default}, ${NAME:?message}, ${NAME:+text}, their forms without the colon (which take an
/// empty variable for one that is set) and $$ replaced in its scalars; keys stay as they are. Where that cannot be done the
/// node says so (Node::fault), and nothing is wrong until somebody wants its text. `text` is what the tree was read from; its
/// marks are of file number `file` then.
[[nodiscard]] NodePtr interpolate(const NodePtr& root, std::string_view text, const Variables& variables, int file = 0);

} // namespace mpsup::topology

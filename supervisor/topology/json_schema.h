// The topology language as a JSON Schema, for editors.
#pragma once

#include <string>

namespace mpsup::topology {

/// Draft-07 (which every yaml-language-server takes), made from the key table, so that it knows what the loader
/// knows: keys, their texts, words, bounds of numbers, and which keys are of which kind of worker. Looser than the
/// loader: nothing is said of what keys must agree on, of files, or of the bounds of sizes and durations. Values
/// other than texts may also be ${VARIABLES}. It is for YAML 1.2, where `on` is no truth value. A file with `include`
/// needs neither `site` nor a `kind`. Lines of at most 120 columns where that can be, and a newline at the end.
[[nodiscard]] std::string json_schema();

} // namespace mpsup::topology

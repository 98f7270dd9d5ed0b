// What a crawler wrote, line by line.
#pragma once

#include "worker/contract/link_check.h"

#include <string>
#include <string_view>
#include <vector>

namespace mpsup::cli {

struct LinkFacts {
    std::vector<contract::LinkFact> facts{};
    std::vector<std::string> losses{}; // what is missing, in words
};

/// Lines that are no facts are counted and left out, a last one without its end too: whoever wrote it was killed.
[[nodiscard]] LinkFacts read_link_facts(std::string_view text);

} // namespace mpsup::cli

#include "supervisor/cluster/topology_facts.h"

#include <algorithm>

namespace mpsup::cluster {

bool TopologyFacts::has(std::string_view machine) const {
    return std::ranges::any_of(machines, [&](const Machine& each) { return each.name == machine; });
}

} // namespace mpsup::cluster

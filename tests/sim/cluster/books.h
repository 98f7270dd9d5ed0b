// The topologies of a simulated fleet: what a document is, nobody but its machines has to know.
#pragma once

#include "supervisor/cluster/topology_facts.h"
#include "tests/sim/machine.h"

#include <map>
#include <set>
#include <string>

namespace mpsup::sim {

struct Document {
    cluster::TopologyFacts facts{};
    std::set<std::string> refused_by{}; // machines
    int fails = 0;                      // on one machine of so many it does not come up; 0: on none
    bool rots = false;                  // where it serves for a while it is unwell
};

class Books {
public:
    /// The digest of it. The document's text is the same.
    std::string enter(Document document);
    [[nodiscard]] const Document& of(const std::string& digest) const { return documents_.at(digest); }

private:
    std::map<std::string, Document> documents_;
};

} // namespace mpsup::sim

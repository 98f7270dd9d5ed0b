#include "supervisor/topology/certificates.h"

#include "supervisor/topology/value_parts.h"

#include <algorithm>
#include <string>

namespace mpsup::topology {

namespace {

// Where a pair stands.
struct PairPlace {
    std::string key; // "workers.front.tls"
    const Node* node = nullptr;
};

} // namespace

Findings check_certificates(const Topology& topology, const Node& root, const CertificateCheck& check) {
    if (!check) return {};
    std::vector<contract::Certificate> pairs;
    std::vector<PairPlace> places;
    for (const WorkerSpec& worker : topology.workers) {
        const Node* const written = entry(entry(entry(&root, "workers"), worker.name), "tls");
        const auto nodes = written ? one_or_many(*written) : std::vector<const Node*>{};
        const auto& of_worker = worker.front->rest.certificates;
        for (std::size_t i = 0; i < of_worker.size(); ++i) {
            pairs.push_back(of_worker[i]);
            places.push_back({"workers." + worker.name + ".tls", i < nodes.size() ? nodes[i] : nullptr});
        }
    }
    if (pairs.empty()) return {};
    Findings findings;
    const auto verdicts = check(topology.binaries, pairs);
    for (std::size_t i = 0; i < std::min(pairs.size(), verdicts.size()); ++i)
        if (!verdicts[i].problem.empty())
            findings.push_back({mark_of(places[i].node, verdicts[i].of_key ? "key" : "cert"), places[i].key,
                                verdicts[i].problem, verdicts[i].remedy, verdicts[i].harmless});
    return findings;
}

} // namespace mpsup::topology

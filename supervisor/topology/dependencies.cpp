#include "supervisor/topology/dependencies.h"

#include "supervisor/topology/suggest.h"

#include <algorithm>
#include <set>

namespace mpsup::topology {

namespace {

Finding unknown_dependency(const Topology& topology, const Node::Entry& given, const std::string& where) {
    std::vector<std::string_view> names;
    for (const auto& worker : topology.workers) names.push_back(worker.name);
    return {given.key_mark, where, "there is no worker " + in_ticks(given.key), did_you_mean(given.key, names)};
}

/// "a -> b -> a"; of one that only waits for such, the way there.
std::string circle_of(const Topology& topology, const WorkerSpec& first, const std::vector<std::string>& order) {
    std::string text = first.name;
    std::set<std::string> seen{first.name};
    for (const auto* worker = &first;;) {
        const auto next = std::ranges::find_if(worker->depends_on, [&](const auto& dependency) {
            return topology.find(dependency.first) && std::ranges::find(order, dependency.first) == order.end();
        });
        text += " -> " + next->first; // there is one: else it would be in the order
        if (!seen.insert(next->first).second) return text;
        worker = topology.find(next->first);
    }
}

} // namespace

std::vector<std::string> start_order(std::span<const WorkerSpec> workers) {
    std::vector<std::string> order;
    std::set<std::string> waiting;
    for (const WorkerSpec& worker : workers) waiting.insert(worker.name);
    const auto is_next = [&](const WorkerSpec& worker) {
        return waiting.contains(worker.name) && std::ranges::none_of(worker.depends_on, [&](const auto& dependency) {
                   return waiting.contains(dependency.first);
               });
    };
    for (;;) {
        const auto next = std::ranges::find_if(workers, is_next);
        if (next == workers.end()) return order;
        waiting.erase(next->name);
        order.push_back(next->name);
    }
}

Findings check_dependencies(const Topology& topology, const Node& root) {
    Findings findings;
    const auto* section = entry(&root, "workers");
    const auto order = start_order(topology.workers);
    for (const auto& worker : topology.workers) {
        const auto where = "workers." + worker.name + ".depends_on";
        const auto* named = entry(section, worker.name);
        const auto* node = entry(named, "depends_on");
        if (!node || node->type != Node::Type::map) continue;
        for (const auto& given : node->entries)
            if (!topology.find(given.key)) findings.push_back(unknown_dependency(topology, given, where));
        if (std::ranges::find(order, worker.name) == order.end())
            findings.push_back({node->mark, where,
                                in_ticks(worker.name) + " waits for itself: " + circle_of(topology, worker, order)});
    }
    return findings;
}

} // namespace mpsup::topology

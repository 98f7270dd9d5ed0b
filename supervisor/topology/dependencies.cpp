#include "supervisor/topology/dependencies.h"

#include <algorithm>
#include <set>

namespace mpsup::topology {

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

} // namespace mpsup::topology

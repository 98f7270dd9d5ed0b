#include "supervisor/daemon/up_steps.h"

#include "base/joined.h"
#include "supervisor/daemon/changes.h"
#include "supervisor/topology/dependencies.h"

#include <algorithm>
#include <map>
#include <ranges>

namespace mpsup {

namespace {

template <typename List, typename Item> bool contains(const List& list, const Item& item) {
    return std::ranges::find(list, item) != list.end();
}

// Of those in `these` that are not in `others`.
void add_addresses(std::vector<UpStep>& steps, const char* verb, const topology::Topology& these,
                   const topology::Topology& others) {
    const auto has = [&](const Address& address) {
        return std::ranges::any_of(
            others.workers, [&](const topology::WorkerSpec& worker) { return contains(worker.listen, address); });
    };
    for (const topology::WorkerSpec& worker : these.workers)
        for (const Address& address : worker.listen)
            if (!has(address)) steps.push_back({verb, address.to_string(), "of " + worker.name});
}

} // namespace

std::vector<UpStep> steps_of_up(const topology::Topology& before, const topology::Topology& wanted) {
    const topology::Diff changes = changes_between(before, wanted);
    std::vector<UpStep> steps;
    add_addresses(steps, "listen", wanted, before);
    std::map<std::string, UpStep> started;
    std::vector<UpStep> adjusted;
    for (const std::string& name : changes.added) started[name] = {"start", name, {}};
    for (const auto& change : changes.changed) {
        if (needs_no_generation(change))
            adjusted.push_back({"adjust", change.worker, joined(change.keys, ", ")});
        else
            started[change.worker] = {"replace", change.worker, joined(change.keys, ", ")};
    }
    const auto order = topology::start_order(wanted.workers);
    for (const std::string& name : order)
        if (started.contains(name)) steps.push_back(started[name]);
    for (const std::string& name : order)
        if (started.contains(name)) steps.push_back({"serve", name, {}});
    for (const std::string& name : topology::start_order(before.workers) | std::views::reverse)
        if (contains(changes.removed, name)) steps.push_back({"stop", name, {}});
    steps.insert(steps.end(), adjusted.begin(), adjusted.end());
    for (const std::string& key : changes.site_keys)
        if (!before.workers.empty()) steps.push_back({"adjust", "site", key});
    add_addresses(steps, "close", before, wanted);
    return steps;
}

} // namespace mpsup

#include "supervisor/daemon/up_steps.h"

#include "base/joined.h"
#include "supervisor/daemon/changes.h"
#include "supervisor/daemon/conversion.h"
#include "supervisor/daemon/rollout_driver.h"
#include "supervisor/topology/dependencies.h"

#include <algorithm>
#include <map>

namespace mpsup {

namespace {

bool is_same(const Address& address, const Address& other) { return address == other; }
// Its socket stays, for the one that stands for it too (Listeners::keep_only).
bool is_kept(const Address& address, const Address& other) {
    return address == other || (other.is_any() && other.overlaps(address));
}

// Of those in `these` that are not in `others`.
void add_addresses(std::vector<UpStep>& steps, const char* verb, const topology::Topology& these,
                   const topology::Topology& others, bool (*is_there)(const Address&, const Address&)) {
    const auto has = [&](const Address& address) {
        return std::ranges::any_of(others.workers, [&](const topology::WorkerSpec& worker) {
            return std::ranges::any_of(worker.listen, [&](const Address& other) { return is_there(address, other); });
        });
    };
    for (const topology::WorkerSpec& worker : these.workers)
        for (const Address& address : worker.listen)
            if (!has(address)) steps.push_back({verb, address.to_string(), "of " + worker.name});
}

// Those on trial come first, each for itself.
void add_switchover(std::vector<UpStep>& steps, const topology::Topology& before, const topology::Topology& wanted,
                    const topology::Diff& changes) {
    Conversion conversion{before, wanted, {}, {}};
    conversion.coming.insert(changes.added.begin(), changes.added.end());
    conversion.leaving.insert(changes.removed.begin(), changes.removed.end());
    for (const auto& change : changes.changed) {
        if (needs_no_generation(change)) continue;
        conversion.coming.insert(change.worker);
        conversion.leaving.insert(change.worker);
    }
    const auto free = free_to_roll(conversion);
    for (const std::string& name : topology::start_order(wanted.workers)) {
        if (!free.contains(name) || !is_tried(*wanted.find(name))) continue;
        steps.push_back({"serve", name, {}});
        steps.push_back({"drain", name, {}});
        conversion.coming.erase(name);
        conversion.leaving.erase(name);
    }
    for (const ConversionStep& step : steps_of(conversion)) {
        const char* leaves = wanted.find(step.worker) ? "drain" : "stop";
        steps.push_back({step.kind == ConversionStep::Kind::let_in ? "serve" : leaves, step.worker, {}});
    }
}

} // namespace

std::vector<UpStep> steps_of_up(const topology::Topology& before, const topology::Topology& wanted) {
    const topology::Diff changes = changes_between(before, wanted);
    std::vector<UpStep> steps;
    add_addresses(steps, "listen", wanted, before, is_same);
    std::map<std::string, UpStep> started;
    std::vector<UpStep> adjusted;
    for (const std::string& name : changes.added) started[name] = {"start", name, {}};
    for (const auto& change : changes.changed) {
        if (needs_no_generation(change))
            adjusted.push_back({"adjust", change.worker, joined(change.keys, ", ")});
        else
            started[change.worker] = {"replace", change.worker, joined(change.keys, ", ")};
    }
    for (const std::string& name : topology::start_order(wanted.workers))
        if (started.contains(name)) steps.push_back(started[name]);
    add_switchover(steps, before, wanted, changes);
    steps.insert(steps.end(), adjusted.begin(), adjusted.end());
    for (const std::string& key : changes.site_keys)
        if (!before.workers.empty()) steps.push_back({"adjust", "site", key});
    add_addresses(steps, "close", before, wanted, is_kept);
    return steps;
}

} // namespace mpsup

#include "supervisor/cluster/stand_ins.h"

#include "base/joined.h"

#include <algorithm>
#include <map>
#include <string_view>

namespace mpsup::cluster {

namespace {

// Empty: it can be asked.
std::string why_not(const std::string& machine, const ClusterView& view) {
    const Known<MachineRecord>* known = view.machine(machine);
    const FenceRecord fence = view.fence(machine);
    if (fence.removed) return "removed";
    if (fence.drained) return "drained";
    if (!known || !*known) return "absent";
    return known->value.well ? "" : "not well";
}

bool takes_part(const std::string& machine, const ClusterView& view) {
    const Known<MachineRecord>* known = view.machine(machine);
    return known && *known && !passes_by(view.fence(machine));
}

using Places = std::map<std::string_view, std::vector<std::string>>; // machines, by worker

Places places_in(const TopologyFacts& facts) {
    Places places;
    for (const TopologyFacts::Machine& machine : facts.machines)
        for (const std::string& worker : machine.workers) places[worker].push_back(machine.name);
    return places;
}

std::string sentence(const std::string& machine, const TopologyFacts::Need& need, const std::string& others) {
    std::string text = machine + " is the " + (others.empty() ? "only" : "last") + " machine of " + need.what +
                       ", which " + (need.by.empty() ? "clients need" : need.by + " needs");
    return others.empty() ? text : text + " (" + others + ")";
}

} // namespace

StandIns stand_ins_for(const std::string& machine, const TopologyFacts& facts, const ClusterView& view) {
    StandIns found;
    const auto is_chosen = [&](const std::string& name) {
        return std::ranges::find(found.machines, name) != found.machines.end();
    };
    for (const TopologyFacts::Need& need : facts.needs) {
        if (std::ranges::find(need.on, machine) == need.on.end() || std::ranges::any_of(need.on, is_chosen)) continue;
        std::string others;
        std::string stand_in;
        for (const std::string& name : need.on) {
            if (name == machine || !stand_in.empty()) continue;
            const std::string why = why_not(name, view);
            if (why.empty())
                stand_in = name;
            else
                others += (others.empty() ? "" : ", ") + name + " is " + why;
        }
        if (!stand_in.empty())
            found.machines.push_back(stand_in);
        else
            found.lacking += (found.lacking.empty() ? "" : "; ") + sentence(machine, need, others);
    }
    return found;
}

std::string taken_from_all(const TopologyFacts& before, const TopologyFacts& after, const ClusterView& view) {
    const Places earlier = places_in(before);
    const auto is_there = [&](const std::string& machine) { return takes_part(machine, view); };
    for (const auto& [worker, machines] : places_in(after)) {
        const auto was = earlier.find(worker);
        if (was == earlier.end() || std::ranges::any_of(machines, is_there)) continue;
        const auto has_it = std::ranges::find_if(was->second, is_there);
        if (has_it == was->second.end()) continue;
        return std::string(worker) + " is on " + *has_it + " now, and would be on " + joined(machines, ", ") +
               " alone, where no supervisor would take it";
    }
    return {};
}

} // namespace mpsup::cluster

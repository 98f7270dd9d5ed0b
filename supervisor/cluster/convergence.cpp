#include "supervisor/cluster/convergence.h"

#include "supervisor/cluster/budget.h"

#include <algorithm>
#include <string>
#include <vector>

namespace mpsup::cluster {

namespace {

std::vector<std::string> living_others(const Turn& turn) {
    std::vector<std::string> names = turn.view.converging().value.machines;
    std::erase_if(names, [&](const std::string& name) { return name == turn.me.machine || !turn.view.machine(name); });
    return names;
}

int allowed(const TopologyFacts* facts) { return facts ? std::max(facts->allowed, 1) : 1; }

// It was given for another topology, of which more might be out of service.
bool has_turn_too_many(const Turn& turn) {
    const std::vector<std::string>& machines = turn.view.converging().value.machines;
    const auto own = std::ranges::find(machines, turn.me.machine);
    const auto before = std::count_if(machines.begin(), own,
                                      [&](const std::string& name) { return turn.view.machine(name) != nullptr; });
    return before >= allowed(turn.facts.of(turn.view.wanted()->now.digest));
}

bool has_room(const Turn& turn) {
    const TopologyFacts* facts = turn.facts.of(turn.view.wanted()->now.digest);
    Budget budget{allowed(facts)};
    budget.granted = static_cast<int>(living_others(turn).size());
    if (facts)
        for (const TopologyFacts::Machine& each : facts->machines) {
            const std::string& name = each.name;
            if (name == turn.me.machine || turn.view.fence(name).removed) continue;
            const Known<MachineRecord>* machine = turn.view.machine(name);
            if (!machine || !*machine)
                ++budget.absent;
            else if (!turn.view.is_converging(name) && (!machine->value.well || turn.view.fence(name).drained))
                ++budget.unwell;
        }
    return budget.has_room(false);
}

} // namespace

bool Convergence::has_turn(Turn& turn) {
    const bool is_in_service = turn.local.well && !turn.local.workers.empty();
    if (!is_in_service) return true;
    if (!flight_.is_free(turn)) return false; // a turn that is being given back is none
    if (turn.view.is_converging(turn.me.machine)) {
        if (!has_turn_too_many(turn)) return true;
        give_back(turn);
        return false;
    }
    const Known<ChangeRecord>& change = turn.view.change();
    if ((change && !change->is_over()) || !has_room(turn)) return false;
    const Keys& keys = turn.keys();
    ConvergingRecord record{living_others(turn)};
    record.machines.push_back(turn.me.machine);
    flight_.submit(turn,
                   {{turn.unchanged(keys.converging()), turn.unchanged(keys.change()), turn.unchanged(keys.wanted())},
                    {Put{keys.converging(), encode(record)}},
                    {}});
    return false;
}

void Convergence::give_back(Turn& turn) {
    if (!turn.view.is_converging(turn.me.machine) || !flight_.is_free(turn)) return;
    const Keys& keys = turn.keys();
    const ConvergingRecord others{living_others(turn)};
    Transaction transaction{{turn.unchanged(keys.converging())}, {Put{keys.converging(), encode(others)}}, {}};
    if (others.machines.empty()) transaction.then = {Delete{{keys.converging()}}};
    flight_.submit(turn, std::move(transaction));
}

} // namespace mpsup::cluster

#include "tests/sim/cluster/curve.h"

#include "tests/sim/cluster/fleet.h"

#include <algorithm>
#include <ctime>

namespace mpsup::sim {

using namespace std::chrono_literals;

CurvePoint run_curve(int count, int pools_each, std::uint64_t seed) {
    const std::clock_t begun = std::clock();
    Fleet fleet(seed, count, ClusterBug::none, false);
    fleet.world.has_faults = false;
    fleet.world.pools = pools_each;
    fleet.world.shortest_operation = 5s;
    fleet.world.longest_operation = 15s;
    Document document;
    for (const FleetMachine& machine : fleet.machines)
        document.facts.machines.push_back({machine.name(), document.facts.machines.size() % 10 == 0});
    document.facts.allowed = std::max(1, count * 5 / 100);
    for (FleetMachine& machine : fleet.machines) {
        machine.boot();
        fleet.advance_until(fleet.now() + 5ms);
    }
    fleet.advance_until(fleet.now() + 10s);
    CurvePoint point{count, count * pools_each};
    const Time start = fleet.now();
    for (FleetMachine& machine : fleet.machines) machine.operations = machine.renewals = machine.news_bytes = 0;
    const std::uint64_t told = fleet.etcd.told;
    const auto ask = fleet.ask(fleet.machines.front(), fleet.up(fleet.enter(document)), "up");
    fleet.wait(start + 36'000s, "an end", [&] { return fleet.answer_to(ask) != nullptr; });
    if (*fleet.answer_to(ask) != 0) throw Violation("the rollout failed");
    point.seconds = std::chrono::duration<double>(fleet.now() - start).count();
    double operations = 0, renewals = 0, bytes = 0;
    for (const FleetMachine& machine : fleet.machines) {
        operations += static_cast<double>(machine.operations - machine.renewals);
        renewals += static_cast<double>(machine.renewals);
        bytes += static_cast<double>(machine.news_bytes);
        if (machine.runs() != fleet.wanted()->now) throw Violation(machine.name() + " runs another topology");
    }
    point.operations = operations / count;
    point.renewals = renewals / count / point.seconds * 60;
    point.news = static_cast<double>(fleet.etcd.told - told) / count;
    point.news_bytes = bytes / count;
    for (const auto& [key, item] : fleet.etcd.keys()) {
        if (key.starts_with(fleet.keys.machine("")))
            point.listing_bytes += static_cast<double>(key.size() + item.value.size());
        if (key == fleet.keys.change()) point.change_bytes = static_cast<double>(item.value.size());
    }
    point.allowed = document.facts.allowed;
    point.most_out = fleet.oracle.most_out();
    point.processor = static_cast<double>(std::clock() - begun) / CLOCKS_PER_SEC;
    return point;
}

} // namespace mpsup::sim

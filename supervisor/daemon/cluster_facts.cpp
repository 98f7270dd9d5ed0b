#include "supervisor/daemon/cluster_facts.h"

#include "supervisor/topology/placement.h"
#include "supervisor/topology/share.h"

#include <algorithm>

namespace mpsup {

cluster::TopologyFacts facts_of(const topology::Topology& whole) {
    cluster::TopologyFacts facts;
    for (const topology::Machine& machine : whole.machines) {
        const auto is_here = [&](const topology::WorkerSpec& worker) {
            return worker.kind == topology::Kind::accelerator &&
                   std::ranges::find(worker.on, machine.name) != worker.on.end();
        };
        facts.machines.push_back({machine.name, std::ranges::any_of(whole.workers, is_here)});
    }
    facts.allowed = whole.cluster.allowed(static_cast<int>(whole.machines.size()));
    if (!whole.vip.ip.empty()) facts.vip = {whole.vip.text(), whole.vip.on};
    return facts;
}

std::set<Address> addresses_of(const topology::Topology& whole, const std::vector<std::string>& machines) {
    std::set<Address> addresses;
    for (const std::string& name : machines) {
        const topology::Machine* machine = topology::find_machine(whole, name);
        if (!machine) continue;
        for (const topology::WorkerSpec& worker : share_of(whole, name).workers)
            for (const Address& address : worker.listen) addresses.insert(topology::reached_at(address, *machine));
    }
    return addresses;
}

} // namespace mpsup

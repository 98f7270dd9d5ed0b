#include "supervisor/daemon/cluster_machines.h"

#include "supervisor/topology/placement.h"

#include <algorithm>

namespace mpsup {

namespace {

using State = cluster::MachineStatus::State;

std::string remark_on(const cluster::MachineStatus& machine) {
    if (!machine.problem.empty()) return "its record cannot be read: " + machine.problem;
    if (machine.state == State::unknown) return "not heard of: etcd was not reached since this supervisor was started";
    if (machine.state == State::removed)
        return machine.lives ? "was removed and lives: `mpsup uncordon " + machine.name + "` has it take part again"
                             : "counted no more; `mpsup uncordon " + machine.name + "` brings it back";
    if (machine.in_topology == false) return machine.lives ? "not in the topology" : "";
    if (machine.state == State::drained && machine.record && machine.record->in_flight)
        return "in flight: " + std::to_string(machine.record->in_flight->requests) +
               (machine.record->in_flight->unknown.empty() ? "" : " or more");
    if (machine.drifts) return "runs another topology than is wanted";
    return machine.record && !machine.record->well ? "not all of it serves" : "";
}

std::string own_note(const std::string& note, const std::string& trouble) {
    return trouble + (trouble.empty() || note.empty() ? "" : "; ") + note;
}

std::string address_of(const std::string& machine, const topology::Topology* topology) {
    const topology::Machine* found = topology ? topology::find_machine(*topology, machine) : nullptr;
    return found ? found->ip : "";
}

} // namespace

std::vector<ClusterMachine> cluster_machines(const cluster::ClusterStatus& status, const std::string& here,
                                             const topology::Topology* topology, const std::string& trouble) {
    std::vector<ClusterMachine> machines;
    const std::string strange = cluster::words_on_stranger(status, here);
    for (const cluster::MachineStatus& machine : status.machines) {
        const bool is_gone = machine.state == State::removed && !machine.lives && machine.in_topology == false;
        if (is_gone) continue;
        ClusterMachine one{.name = machine.name,
                           .address = address_of(machine.name, topology),
                           .api = machine.record ? machine.record->api : "",
                           .state = std::string(cluster::to_string(machine.state)),
                           .number = machine.record ? machine.record->runs.number : 0,
                           .is_here = machine.name == here,
                           .lives = machine.lives,
                           .fingerprint = machine.record ? machine.record->fingerprint : "",
                           .note = remark_on(machine)};
        if (one.is_here) one.note = own_note(strange.empty() ? one.note : strange, trouble);
        machines.push_back(std::move(one));
    }
    if (std::ranges::none_of(machines, &ClusterMachine::is_here))
        machines.push_back({.name = here,
                            .address = address_of(here, topology),
                            .state = std::string(cluster::to_string(State::living)),
                            .is_here = true,
                            .lives = true,
                            .note = own_note(strange, trouble)});
    return machines;
}

} // namespace mpsup

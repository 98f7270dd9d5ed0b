#include "supervisor/daemon/cluster_machines.h"

#include <gtest/gtest.h>

namespace mpsup {
namespace {

using State = cluster::MachineStatus::State;

cluster::MachineStatus machine(const char* name, State state, bool lives = true) {
    cluster::MachineStatus machine{.name = name, .state = state, .lives = lives, .in_topology = true};
    if (lives) machine.record = cluster::MachineRecord{.address = "10.9.0.2", .api = "10.9.0.2:7117", .well = true};
    return machine;
}

// "app1: its note, web1: ", as web1 has them.
std::string listed(const std::vector<cluster::MachineStatus>& machines, const std::string& trouble = {}) {
    cluster::ClusterStatus status;
    status.machines = machines;
    std::string text;
    for (const ClusterMachine& each : cluster_machines(status, "web1", nullptr, trouble))
        text += (text.empty() ? "" : ", ") + each.name + ": " + each.note;
    return text;
}

const cluster::MachineStatus web1 = machine("web1", State::living);

TEST(ClusterMachines, HaveWhatPeopleShouldKnowOfThem) {
    cluster::MachineStatus drifting = machine("app1", State::living);
    drifting.drifts = true;
    EXPECT_EQ(listed({drifting, web1}), "app1: runs another topology than is wanted, web1: ");
    cluster::MachineStatus unwell = machine("app1", State::living);
    unwell.record->well = false;
    EXPECT_EQ(listed({unwell, web1}), "app1: not all of it serves, web1: ");
    cluster::MachineStatus drained = machine("app1", State::drained);
    drained.record->in_flight = cluster::InFlight{3, "the pool does not say"};
    EXPECT_EQ(listed({drained, web1}), "app1: in flight: 3 or more, web1: ");
    cluster::MachineStatus strange = machine("app1", State::living);
    strange.in_topology = false;
    EXPECT_EQ(listed({strange, web1}), "app1: not in the topology, web1: ");
}

TEST(ClusterMachines, ThatWereRemovedAreThereAsLongAsAnythingIsLeftOfThem) {
    cluster::MachineStatus removed = machine("app1", State::removed, false);
    EXPECT_EQ(listed({removed, web1}), "app1: counted no more; `mpsup uncordon app1` brings it back, web1: ");
    removed.in_topology = false;
    EXPECT_EQ(listed({removed, web1}), "web1: ");
}

TEST(ClusterMachines, HaveThisOneBeforeAnyWasHeardOf) {
    EXPECT_EQ(listed({}), "web1: ");
    EXPECT_EQ(listed({}, "has no certificate"), "web1: has no certificate");
}

TEST(ClusterMachines, OfThisOneSayAllThatIsWrong) {
    const std::string said = listed({machine("app1", State::living)}, "has no certificate");
    EXPECT_NE(said.find("web1: has no certificate; not in the topology"), std::string::npos) << said;
}

} // namespace
} // namespace mpsup

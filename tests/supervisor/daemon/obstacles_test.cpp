#include "supervisor/daemon/obstacles.h"

#include <gtest/gtest.h>

namespace mpsup {
namespace {

topology::Topology site_of(topology::WorkerSpec worker) {
    topology::Topology topology;
    worker.name = "web";
    topology.workers.push_back(std::move(worker));
    return topology;
}

TEST(Obstacles, NoneWhereTheMachineHasAll) {
    topology::WorkerSpec worker;
    worker.listen = {{"0.0.0.0", 80}, {"127.0.0.1", 80}, {"127.9.9.9", 80}, {"::", 80}};
    worker.root = "/usr";
    EXPECT_TRUE(obstacles_to(site_of(worker)).empty());
}

TEST(Obstacles, NamesAnAddressOfAnotherMachine) {
    topology::WorkerSpec worker;
    worker.listen = {{"192.0.2.7", 80}}; // RFC 5737: nobody's
    const auto found = obstacles_to(site_of(worker));
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0], "workers.web.listen: this machine does not have 192.0.2.7:80");
    EXPECT_TRUE(obstacles_to(site_of(worker), "192.0.2.7").empty()) << "one that follows a living machine may be away";
}

TEST(Obstacles, NamesTheMachinesOwnAddressOnce) {
    topology::WorkerSpec worker;
    worker.listen = {{"192.0.2.7", 80}};
    topology::Topology share = site_of(worker);
    share.machines = {{"app1", "192.0.2.7"}};
    share.here = "app1";
    const auto found = obstacles_to(share);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0], "machines.app1.address: this machine does not have 192.0.2.7");
}

TEST(Obstacles, NamesWhatIsNotThere) {
    topology::WorkerSpec worker;
    worker.kind = topology::Kind::dynamic;
    worker.app = "/nonexistent/app.psgi";
    const auto found = obstacles_to(site_of(worker));
    ASSERT_EQ(found.size(), 1U);
    EXPECT_NE(found[0].find("/nonexistent/app.psgi"), std::string::npos) << found[0];
}

} // namespace
} // namespace mpsup

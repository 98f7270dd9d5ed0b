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
    EXPECT_EQ(found[0], "web: listens on 192.0.2.7:80, an address that this machine does not have");
    EXPECT_TRUE(obstacles_to(site_of(worker), "192.0.2.7").empty()) << "one that follows a living machine may be away";
}

TEST(Obstacles, NamesWhatIsNotThere) {
    topology::WorkerSpec worker;
    worker.root = "/nonexistent/public";
    worker.app = "/nonexistent/app.psgi";
    worker.cgi.dir = "/etc/hostname";
    const auto found = obstacles_to(site_of(worker));
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(found[0], "web: root /nonexistent/public: No such file or directory");
    EXPECT_EQ(found[1], "web: cgi /etc/hostname is no folder");
    EXPECT_EQ(found[2], "web: its app /nonexistent/app.psgi cannot be read: No such file or directory");
}

} // namespace
} // namespace mpsup

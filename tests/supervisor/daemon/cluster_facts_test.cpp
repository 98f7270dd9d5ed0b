#include "supervisor/daemon/cluster_facts.h"

#include "supervisor/topology/load.h"

#include <gtest/gtest.h>

namespace mpsup {
namespace {

using Need = cluster::TopologyFacts::Need;

cluster::TopologyFacts facts_with(const std::string& workers) {
    const auto loaded = topology::load_text("site: s\nmachines: {web1: {address: 10.9.0.1}, app1: {address: 10.9.0.3}, "
                                            "app2: {address: 10.9.0.4}}\nworkers:\n" +
                                                workers,
                                            "site.yaml", "/srv");
    EXPECT_TRUE(loaded);
    return loaded ? facts_of(loaded->topology) : cluster::TopologyFacts();
}

std::vector<Need> needs_of(const std::string& workers) { return facts_with(workers).needs; }

std::string front(const std::string& routes, const std::string& on = "web1") {
    return "  front: {kind: accelerator, on: [" + on + "], listen: 8080, routes: [" + routes + "]}\n";
}

const std::string pool = "  app: {kind: dynamic, on: [app1, app2], gateway: 8090, app: app.psgi}\n";
const std::string docs = "  docs: {kind: static, on: app1, listen: 8081, root: htdocs}\n";

TEST(ClusterFacts, NeededIsWhatAnotherMachineAsksFor) {
    EXPECT_EQ(needs_of(front("{path: /, to: app}") + pool),
              (std::vector<Need>{{"pool app", "front", {"app1", "app2"}}}));
    EXPECT_EQ(needs_of(front("{path: /x, to: app}, {path: /, to: app}") + pool).size(), 1U) << "once";
    EXPECT_EQ(needs_of(front("{path: /, to: \"10.9.0.3:8081\"}") + docs),
              (std::vector<Need>{{"docs", "front", {"app1"}}}));
}

TEST(ClusterFacts, NothingIsNeededThatIsHereOrElsewhereToo) {
    EXPECT_TRUE(needs_of(front("{path: /, to: app}", "app1, app2") + pool).empty()) << "each asks its own";
    EXPECT_TRUE(needs_of(front("{path: /, to: [\"10.9.0.3:8081\", \"192.0.2.1:80\"]}") + docs).empty())
        << "not of the site";
    EXPECT_TRUE(needs_of(front("{path: /, root: htdocs}") + docs).empty());
}

TEST(ClusterFacts, OfferedIsWhereOthersReachSomething) {
    using Offers = std::set<std::string>;
    const auto machines = facts_with(front("{path: /, to: app}") + pool + docs).machines;
    ASSERT_EQ(machines.size(), 3U);
    EXPECT_EQ(machines[0].address, "10.9.0.1");
    EXPECT_EQ(machines[0].offers, (Offers{"10.9.0.1:8080"}));
    EXPECT_EQ(machines[1].offers, (Offers{"10.9.0.3:8081", "10.9.0.3:8090"}));
    EXPECT_EQ(machines[2].offers, (Offers{"10.9.0.4:8090"}));
}

TEST(ClusterFacts, WorkersOfAMachineAreThoseThatRunThereGatewaysToo) {
    using Workers = std::set<std::string>;
    const auto machines = facts_with(front("{path: /, to: app}") + pool + docs).machines;
    ASSERT_EQ(machines.size(), 3U);
    EXPECT_EQ(machines[0].workers, (Workers{"front"}));
    EXPECT_EQ(machines[1].workers, (Workers{"app", "app-gateway", "docs"}));
    EXPECT_EQ(machines[2].workers, (Workers{"app", "app-gateway"}));
}

TEST(ClusterFacts, AnAddressThatFollowsAMachineIsNeededByClients) {
    const auto needs =
        needs_of("  front: {kind: accelerator, on: [web1, app1], listen: [\"10.9.0.100:80\"], routes: [{path: /, root: "
                 "htdocs}]}\nvip: 10.9.0.100/24\n");
    EXPECT_EQ(needs, (std::vector<Need>{{"the address 10.9.0.100/24", "", {"web1", "app1"}}}));
}

} // namespace
} // namespace mpsup

#include "supervisor/topology/diff.h"

#include <gtest/gtest.h>

namespace mpsup::topology {
namespace {

Topology site(std::vector<WorkerSpec> workers) {
    return {.site = "s", .machines = {{"here", "127.0.0.1"}}, .workers = std::move(workers)};
}

WorkerSpec worker(const std::string& name, int pool = 2) {
    return {.name = name, .kind = Kind::dynamic, .listen = {{"127.0.0.1", 1}}, .app = "/a", .pool = {.size = pool}};
}

TEST(TopologyDiff, IsEmptyBetweenEquals) {
    const auto found = diff(site({worker("a"), worker("b")}), site({worker("b"), worker("a")}));
    EXPECT_TRUE(found.empty());
    EXPECT_EQ(found.unchanged, (std::vector<std::string>{"b", "a"}));
    EXPECT_EQ(to_string(found), "");
}

TEST(TopologyDiff, NamesAddedRemovedAndChangedWorkersWithTheirKeys) {
    auto changed = worker("b", 3);
    changed.health.path = "/up";
    changed.stop.grace = Duration(1);
    const auto found = diff(site({worker("a"), worker("b")}), site({worker("c"), changed}));
    EXPECT_FALSE(found.empty());
    EXPECT_EQ(found.added, (std::vector<std::string>{"c"}));
    EXPECT_EQ(found.removed, (std::vector<std::string>{"a"}));
    ASSERT_EQ(found.changed.size(), 1U);
    EXPECT_EQ(found.changed[0].worker, "b");
    EXPECT_EQ(found.changed[0].keys, (std::vector<std::string>{"pool.size", "health.path", "stop.grace"}));
    EXPECT_EQ(to_string(found), "- a\n~ b (pool.size, health.path, stop.grace)\n+ c\n");
}

TEST(TopologyDiff, SeesAnotherKindUnderTheSameName) {
    WorkerSpec files{.name = "a", .listen = {{"127.0.0.1", 1}}, .root = "/r"};
    const auto found = diff(site({worker("a")}), site({files}));
    ASSERT_EQ(found.changed.size(), 1U);
    EXPECT_EQ(found.changed[0].keys, (std::vector<std::string>{"kind", "root", "app", "pool.size"}));
}

TEST(TopologyDiff, SeesChangesOfTheSite) {
    auto other = site({worker("a")});
    other.site = "t";
    other.binaries = Binaries::one;
    other.history.raw = Duration(1);
    other.machines[0].ip = "127.0.0.2";
    const auto found = diff(site({worker("a")}), other);
    EXPECT_EQ(found.site_keys, (std::vector<std::string>{"site", "binaries", "machines", "history.raw"}));
    EXPECT_EQ(to_string(found), "~ site (site, binaries, machines, history.raw)\n");
}

} // namespace
} // namespace mpsup::topology

#include "supervisor/topology/moved.h"

#include "supervisor/topology/links.h"
#include "supervisor/topology/resolve.h"
#include "supervisor/topology/urls.h"

#include <gtest/gtest.h>

namespace mpsup::topology {
namespace {

constexpr std::int64_t now = 1'000'000;

WorkerSpec docs(std::uint16_t port) {
    return {.name = "docs",
            .kind = Kind::static_files,
            .listen = {{"127.0.0.1", port}},
            .root = "/srv",
            .serves = {"/static/"}};
}
WorkerSpec perl(std::vector<Address> listen) {
    return {.name = "perl", .kind = Kind::dynamic, .listen = std::move(listen), .app = "/srv/app.psgi"};
}
WorkerSpec front(std::uint16_t port) {
    WorkerSpec spec{.name = "front", .kind = Kind::accelerator, .listen = {{"127.0.0.1", port}}};
    spec.front.edit().routes.push_back({.to = {"perl"}});
    return spec;
}
Topology site(std::vector<WorkerSpec> workers) {
    return {.site = "s", .machines = {{"here", "127.0.0.1"}}, .workers = std::move(workers)};
}

const Topology two_ports = site({docs(1), perl({{"127.0.0.1", 2}})});
const Topology one_big = site({perl({{"127.0.0.1", 1}})});
const Topology accelerated = site({front(1), perl({})});

TEST(Moved, AnswersForAddressesThatNobodyHasAnyMore) {
    const Topology site = with_moved(two_ports, one_big, now);
    ASSERT_TRUE(site.find(moved_worker));
    EXPECT_EQ(site.find(moved_worker)->listen, (std::vector<Address>{{"127.0.0.1", 2}}));
    EXPECT_EQ(site.workers.back().name, moved_worker);
    EXPECT_EQ(moved_until(site), now + 30'000);
    EXPECT_EQ(without_moved(site), one_big);
    EXPECT_EQ(urls_of(site), urls_of(one_big)) << "nobody is told of it";
    EXPECT_EQ(layout_of(with_moved(site, two_ports, now)), "two-ports");
}

TEST(Moved, IsNotThereWithoutNeed) {
    EXPECT_EQ(with_moved({}, two_ports, now), two_ports) << "nothing ran";
    EXPECT_EQ(with_moved(one_big, two_ports, now), two_ports) << "no address is given up";
    Topology at_once = one_big;
    at_once.moved = Duration(0);
    EXPECT_EQ(with_moved(two_ports, at_once, now), at_once);
    const Topology wide = site({perl({{"0.0.0.0", 2}})});
    EXPECT_FALSE(with_moved(wide, one_big, now) == one_big) << "another port";
    EXPECT_EQ(with_moved(site({perl({{"0.0.0.0", 1}})}), one_big, now), one_big)
        << "it would stand in the way of the other";
}

TEST(Moved, LeavesAddressesWithTlsAlone) {
    Topology before = two_ports;
    before.workers[0].listen.push_back({"127.0.0.1", 3});
    before.workers[0].front.edit().flags[{"127.0.0.1", 3}] = {.tls = true};
    const Topology site = with_moved(before, one_big, now);
    EXPECT_EQ(site.find(moved_worker)->listen, (std::vector<Address>{{"127.0.0.1", 2}}));
}

TEST(Moved, LeavesBackendsOfAcceleratorsAlone) {
    WorkerSpec leads = front(1);
    leads.front.edit().routes.push_back({.to = {"127.0.0.1:2"}});
    EXPECT_EQ(with_moved(site({leads, docs(2), perl({})}), one_big, now), one_big);
}

TEST(Moved, KeepsItsTimeUntilAnotherAddressIsAdded) {
    const Topology first = with_moved(two_ports, one_big, now);
    EXPECT_EQ(with_moved(first, one_big, now + 10), first) << "nothing changes";
    EXPECT_EQ(with_moved(first, one_big, now + 30'000), one_big) << "its time is over";
    EXPECT_EQ(with_moved(first, two_ports, now + 10), two_ports) << "it is wanted again";
    const Topology second = with_moved(first, site({perl({{"127.0.0.1", 4}})}), now + 10);
    EXPECT_EQ(second.find(moved_worker)->listen.size(), 2U);
    EXPECT_EQ(moved_until(second), now + 30'010);
}

TEST(Moved, KnowsWhoseAPathIs) {
    const auto links = links_of(with_moved(two_ports, site({docs(5), perl({{"127.0.0.1", 6}})}), now)).at("moved");
    EXPECT_EQ(links.mode, contract::Links::Mode::redirect);
    ASSERT_EQ(links.servers.size(), 3U);
    EXPECT_EQ(links.servers[0].url, "http://127.0.0.1:5");
    EXPECT_EQ(links.servers[1].url, "http://127.0.0.1:6");
    EXPECT_EQ(links.own, 2U);
    const auto behind = links_of(with_moved(two_ports, accelerated, now)).at("moved");
    ASSERT_EQ(behind.servers.size(), 2U);
    EXPECT_EQ(behind.servers[0].url, "http://127.0.0.1:1");
    EXPECT_TRUE(behind.servers[0].serves.empty()) << "all paths are the accelerator's";
}

TEST(Moved, ComesBackFromTheDatabase) {
    const Topology site = with_moved(two_ports, one_big, now);
    const auto read = from_document(to_document(site));
    ASSERT_TRUE(read) << read.error().to_string();
    EXPECT_EQ(moved_until(*read), moved_until(site));
    EXPECT_EQ(read->find(moved_worker)->listen, site.find(moved_worker)->listen);
}

} // namespace
} // namespace mpsup::topology

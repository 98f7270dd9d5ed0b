#include "supervisor/daemon/urls.h"

#include <gtest/gtest.h>

namespace mpsup {
namespace {

topology::Topology two(const char* files, const char* pages) {
    topology::Topology topology;
    topology.site = "shop";
    topology.machines = {{"here", "10.0.0.5"}};
    topology.workers.resize(2);
    topology.workers[0].name = "docs";
    topology.workers[0].listen = {*Address::parse(files)};
    topology.workers[1].name = "app";
    topology.workers[1].kind = topology::Kind::dynamic;
    topology.workers[1].listen = {*Address::parse(pages)};
    return topology;
}

TEST(Urls, TellWorkersOfEachOther) {
    const auto urls = urls_of(two("127.0.0.1:8080", "127.0.0.1:8081"));
    EXPECT_EQ(urls.at("MPSUP_STATIC_URL"), "http://127.0.0.1:8080");
    EXPECT_EQ(urls.at("MPSUP_DYNAMIC_URL"), "http://127.0.0.1:8081");
}

TEST(Urls, NameTheMachineWhereAListenerIsOnEveryAddress) {
    const auto urls = urls_of(two("0.0.0.0:8080", "[::1]:8081"));
    EXPECT_EQ(urls.at("MPSUP_STATIC_URL"), "http://10.0.0.5:8080");
    EXPECT_EQ(urls.at("MPSUP_DYNAMIC_URL"), "http://[::1]:8081");
}

TEST(Urls, KnowTheLayoutsByName) {
    EXPECT_EQ(layout_of(two("127.0.0.1:8080", "127.0.0.1:8081")), "two-ports");
    EXPECT_EQ(layout_of(two("127.0.0.1:8080", "127.0.0.2:8080")), "two-ips");
    topology::Topology one = two("127.0.0.1:8080", "127.0.0.1:8081");
    one.workers.pop_back();
    EXPECT_EQ(layout_of(one), "custom");
}

} // namespace
} // namespace mpsup

#include "supervisor/topology/urls.h"

#include <gtest/gtest.h>

namespace mpsup::topology {
namespace {

Topology two(const char* files, const char* pages) {
    Topology topology;
    topology.site = "shop";
    topology.machines = {{"here", "10.0.0.5"}};
    topology.workers.resize(2);
    topology.workers[0].name = "docs";
    topology.workers[0].listen = {*Address::parse(files)};
    topology.workers[1].name = "app";
    topology.workers[1].kind = Kind::dynamic;
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

TEST(Urls, AreWhatClientsCallAWorker) {
    Topology topology = two("0.0.0.0:8080", "127.0.0.1:8081");
    topology.workers[0].public_url = "https://static.example.org";
    EXPECT_EQ(urls_of(topology).at("MPSUP_STATIC_URL"), "https://static.example.org");
}

TEST(Urls, NameAllServersAndTheirPaths) {
    Topology topology = two("127.0.0.1:8080", "127.0.0.1:8081");
    topology.workers[0].serves = {"/static/", "/img"};
    EXPECT_EQ(servers_in_words(topology), "http://127.0.0.1:8081 / http://127.0.0.1:8080 /static/ /img");
    topology.workers[1].serves = {"/static/own"};
    EXPECT_EQ(servers_in_words(topology), "http://127.0.0.1:8081 / /static/own http://127.0.0.1:8080 /static/ /img");
}

TEST(Urls, NameNoServersThatSayNothingOfTheirPaths) {
    Topology topology = two("127.0.0.1:8080", "127.0.0.1:8081");
    EXPECT_EQ(servers_in_words(topology), "http://127.0.0.1:8081 /");
    topology.workers.push_back(topology.workers[1]);
    topology.workers[2].listen = {{"127.0.0.1", 8082}};
    EXPECT_EQ(servers_in_words(topology), "http://127.0.0.1:8081 /") << "another application has no paths of its own";
    topology.workers[0].serves = {"/static/"};
    topology.workers.resize(1);
    EXPECT_EQ(servers_in_words(topology), "http://127.0.0.1:8080 /static/");
}

TEST(Urls, KnowTheLayoutsByName) {
    EXPECT_EQ(layout_of(two("127.0.0.1:8080", "127.0.0.1:8081")), "two-ports");
    EXPECT_EQ(layout_of(two("127.0.0.1:8080", "127.0.0.2:8080")), "two-ips");
    Topology one = two("127.0.0.1:8080", "127.0.0.1:8081");
    one.workers.pop_back();
    EXPECT_EQ(layout_of(one), "custom");
}

TEST(Urls, OfAPoolBehindAnAcceleratorAreTheAccelerators) {
    Topology topology = two("127.0.0.1:80", "127.0.0.1:8081");
    WorkerSpec& front = topology.workers[0];
    front.kind = Kind::accelerator;
    front.front.edit().routes.emplace_back().to = {"app"};
    topology.workers[1].listen.clear();
    EXPECT_EQ(urls_of(topology).at("MPSUP_DYNAMIC_URL"), "http://127.0.0.1");
    EXPECT_EQ(urls_of(topology).at("MPSUP_STATIC_URL"), "http://127.0.0.1") << "the files are there too";
    EXPECT_EQ(servers_in_words(topology), "") << "all paths are the accelerator's";
    EXPECT_EQ(layout_of(topology), "accelerated");
    front.listen = {{"127.0.0.1", 80}, {"0.0.0.0", 8443}};
    front.front.edit().flags[{"0.0.0.0", 8443}] = {true, false};
    EXPECT_EQ(urls_of(topology).at("MPSUP_DYNAMIC_URL"), "https://10.0.0.5:8443") << "TLS if there is any";
}

} // namespace
} // namespace mpsup::topology

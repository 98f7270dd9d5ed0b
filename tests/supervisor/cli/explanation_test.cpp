#include "supervisor/cli/explanation.h"
#include "supervisor/topology/moved.h"
#include "supervisor/topology/share.h"

#include <gtest/gtest.h>

namespace mpsup::cli {
namespace {

topology::RouteSpec route_to(const char* path, std::vector<std::string> to) {
    topology::RouteSpec route;
    route.rule.path = contract::PathPattern::parse(path).value();
    route.to = std::move(to);
    return route;
}

topology::Topology site() {
    topology::Topology topology;
    topology.site = "shop";
    topology.machines = {{"here", "10.0.0.5"}};
    topology.workers.resize(3);
    topology::WorkerSpec& front = topology.workers[0];
    front.name = "front";
    front.kind = topology::Kind::accelerator;
    front.listen = {{"0.0.0.0", 80}, {"0.0.0.0", 443}};
    front.front.edit().flags[{"0.0.0.0", 443}] = {true, false};
    front.front.edit().routes = {route_to("/api/", {"127.0.0.1:90"}), route_to("/", {"perl"})};
    topology.workers[1].name = "perl";
    topology.workers[1].kind = topology::Kind::dynamic;
    topology::WorkerSpec& direct = topology.workers[2];
    direct.name = "direct";
    direct.kind = topology::Kind::dynamic;
    direct.listen = {{"127.0.0.1", 8081}};
    direct.root = "/srv";
    direct.serves = {"/static/"};
    return topology;
}

std::string wrong_with(const std::string& url, std::vector<std::string> headers = {}) {
    const auto request = parse_request(url, "GET", headers);
    return request ? "" : request.error().what;
}

TEST(Explanation, ReadsUrlsAndFields) {
    const auto request = parse_request("https://shop.example:8443/a?b=c#d", "POST", {"Accept: x/y", "X-Empty:"});
    ASSERT_TRUE(request);
    EXPECT_EQ(*request, (contract::ExplainedRequest{
                            "POST", "https", "shop.example:8443", "/a?b=c", {{"Accept", "x/y"}, {"X-Empty", ""}}}));
    EXPECT_EQ(parse_request("http://h?q", "GET", {})->target, "/?q");
    EXPECT_EQ(parse_request("/a", "GET", {})->authority, "");
    EXPECT_NE(wrong_with("shop.example/a"), "");
    EXPECT_NE(wrong_with("ftp://h/"), "");
    EXPECT_NE(wrong_with("http:///a"), "");
    EXPECT_NE(wrong_with("/a", {"no field"}), "");
}

TEST(Explanation, FindsTheListenerAndTheRoute) {
    const topology::Topology topology = site();
    const auto way = [&](const std::string& url) {
        auto found = way_of(topology, parse_request(url, "GET", {}).value(), {"/run/pool", {}, {}});
        EXPECT_TRUE(found) << found.error().what;
        return std::move(found).value_or(Way{});
    };
    const Way api = way("http://shop.example/x/../api/%61");
    EXPECT_EQ(api.worker, &topology.workers[0]);
    EXPECT_EQ(api.listener, (Address{"0.0.0.0", 80}));
    EXPECT_EQ(api.path, "/api/a");
    EXPECT_EQ(api.routing.index, 0U);
    EXPECT_EQ(api.routing.route, &api.front.routes[0]) << "of its own front";
    const Way page = way("https://10.0.0.5/page");
    EXPECT_TRUE(page.tls);
    EXPECT_EQ(page.routing.route->backends.front().address, "unix:/run/pool/perl.sock");
    EXPECT_EQ(way("/page").request.authority, "0.0.0.0:80") << "of the first accelerator";
    EXPECT_TRUE(way("/..").routing.bad_path);
    EXPECT_EQ(way("/..").path, "");
    EXPECT_TRUE(way("http://127.0.0.1:8081/static/x").is_file);
    EXPECT_FALSE(way("http://127.0.0.1:8081/page").is_file);
}

std::string joined_key(const Way& way) {
    std::string text;
    for (const std::string& part : key_of(way)) text += (text.empty() ? "" : ".") + part;
    return text;
}

TEST(Explanation, FollowsARequestToWhoAnswersIt) {
    topology::Topology topology = site();
    topology.workers[1].app = "/srv/app.psgi";
    topology::WorkerSpec& docs = topology.workers.emplace_back();
    docs.name = "docs";
    docs.listen = {{"127.0.0.1", 90}};
    docs.root = "/srv/docs";
    docs.serves = {"/api/"};
    docs.front.edit().own.rule.path = contract::PathPattern::parse("/").value();
    const topology::FrontPlaces places{"/run/pool", {}, {}};
    const auto ways = [&](const std::string& url) {
        auto first = way_of(topology, parse_request(url, "GET", {}).value(), places);
        EXPECT_TRUE(first) << first.error().what;
        return ways_from(topology, std::move(*first), places);
    };
    const auto file = ways("http://shop.example/api/x.css");
    ASSERT_EQ(file.size(), 2U);
    EXPECT_EQ(joined_key(file[0]), "workers.front.routes.0");
    EXPECT_EQ(file[1].worker->name, "docs");
    EXPECT_EQ(joined_key(file[1]), "workers.docs.root");
    EXPECT_EQ(file_of(file[1]), "/srv/docs/api/x.css");
    const auto page = ways("http://shop.example/page");
    ASSERT_EQ(page.size(), 2U);
    EXPECT_EQ(joined_key(page[1]), "workers.perl.app");
    EXPECT_EQ(file_of(page[1]), "");
    const auto other = ways("http://127.0.0.1:90/page");
    ASSERT_EQ(other.size(), 1U);
    EXPECT_FALSE(other[0].is_file);
    EXPECT_EQ(joined_key(other[0]), "workers.docs.serves");
    EXPECT_EQ(file_of(ways("http://127.0.0.1:8081/static/a")[0]), "/srv/static/a");
}

TEST(Explanation, KnowsRedirectsToTheOtherServer) {
    topology::Topology topology = site();
    topology.workers.erase(topology.workers.begin(), topology.workers.begin() + 2); // leaves `direct`
    topology.workers[0].root.clear();
    topology.workers[0].serves.clear();
    topology::WorkerSpec& docs = topology.workers.emplace_back();
    docs.name = "docs";
    docs.listen = {{"127.0.0.1", 90}};
    docs.root = "/srv/docs";
    docs.serves = {"/static/"};
    docs.front.edit().own.rule.path = contract::PathPattern::parse("/").value();
    const auto redirect = [&](const char* url) {
        return way_of(topology, parse_request(url, "GET", {}).value(), {}).value().redirect;
    };
    EXPECT_EQ(redirect("http://127.0.0.1:8081/static/a"), "") << "links are off";
    topology.links = contract::Links::Mode::redirect;
    EXPECT_EQ(redirect("http://127.0.0.1:8081/static/a?b"), "http://127.0.0.1:90/static/a?b");
    EXPECT_EQ(redirect("http://127.0.0.1:90/page"), "http://127.0.0.1:8081/page");
    EXPECT_EQ(redirect("http://127.0.0.1:90/static/a"), "");
    EXPECT_EQ(redirect("http://127.0.0.1:8081/page"), "");
}

TEST(Explanation, KnowsRedirectsFromAddressesThatWereGivenUp) {
    topology::Topology one = site();
    one.workers.erase(one.workers.begin(), one.workers.begin() + 2); // leaves `direct`
    topology::Topology two = one;
    two.workers[0].listen.push_back({"127.0.0.1", 9000});
    const topology::Topology moved = with_moved(two, one, 0);
    const auto redirect = [](const topology::Topology& topology, const char* url) {
        return way_of(topology, parse_request(url, "GET", {}).value(), {}).value().redirect;
    };
    EXPECT_EQ(redirect(moved, "http://127.0.0.1:9000/page?a"), "http://127.0.0.1:8081/page?a");
    EXPECT_EQ(redirect(moved, "http://127.0.0.1:8081/page"), "");
    one.workers[0].listen = {{"0.0.0.0", 8081}};
    EXPECT_EQ(redirect(with_moved(two, one, 0), "http://shop.example:9000/page"), "http://10.0.0.5:8081/page");
    one.machines = {topology::assumed_machine()};
    EXPECT_EQ(redirect(with_moved(two, one, 0), "http://shop.example:9000/page"), "http://shop.example:8081/page");
}

TEST(Explanation, OfRoutesInACircleEnds) {
    topology::Topology topology = site();
    topology.workers[0].front.edit().routes = {route_to("/", {"0.0.0.0:80"})};
    auto first = way_of(topology, parse_request("/", "GET", {}).value(), {});
    EXPECT_LE(ways_from(topology, std::move(*first), {}).size(), 8U);
}

TEST(Explanation, SaysWhereSomebodyListensWhenNobodyDoesThere) {
    const topology::Topology topology = site();
    const auto error = [&](const std::string& url) {
        const auto found = way_of(topology, parse_request(url, "GET", {}).value(), {});
        return found ? std::string() : found.error().what;
    };
    EXPECT_EQ(error("http://shop.example:81/"),
              "nothing listens at http://shop.example:81; listeners are http://0.0.0.0, "
              "https://0.0.0.0, http://127.0.0.1:8081");
    EXPECT_NE(error("http://shop.example:443/"), "") << "that one has TLS";
    EXPECT_NE(error("http://127.0.0.2:8081/"), "");
    EXPECT_NE(error("http://h:x/"), "");
}

// web1 and web2 have accelerators, web2 and app1 the pool, app1 a file server.
topology::Topology several() {
    topology::Topology topology = site();
    topology.machines = {{"web1", "10.9.0.1"}, {"web2", "10.9.0.2"}, {"app1", "10.9.0.3"}};
    topology.vip = {"10.9.0.100", 24, {"web2", "web1"}};
    topology::WorkerSpec& front = topology.workers[0];
    front.on = {"web1", "web2"};
    front.listen = {{"", 80}, {"0.0.0.0", 81}};
    front.front.edit().routes = {route_to("/static/", {"10.9.0.3:90"}), route_to("/", {"perl"})};
    topology::WorkerSpec& pool = topology.workers[1];
    pool.on = {"app1", "web2"};
    pool.app = "/srv/app.psgi";
    pool.gateway = topology::Gateway{{"", 8090}, {}};
    topology::WorkerSpec& docs = topology.workers[2];
    docs = {.name = "docs", .on = {"app1"}, .listen = {{"0.0.0.0", 90}, {"127.0.0.1", 91}}, .root = "/srv"};
    docs.front.edit().own.rule.path = contract::PathPattern::parse("/").value();
    return topology;
}

// "web1 front 10.9.0.1:80 > app1 perl-gateway > app1 perl"
std::string path_through(const topology::Topology& share, const std::string& url, const MachineNames& out = {}) {
    const topology::Topology topology = topology::over_all_machines(share);
    auto first = way_of(topology, parse_request(url, "GET", {}).value(), {"/run/pool", {}, {}});
    if (!first) return first.error().what;
    std::string text;
    for (const Way& way : ways_from(topology, std::move(*first), {"/run/pool", {}, {}}, out))
        text += (text.empty() ? "" : " > ") + machine_of(topology, way) + " " + way.worker->name +
                (way.listener ? " " + way.listener->to_string() : "");
    return text;
}

TEST(Explanation, FollowsARequestFromMachineToMachine) {
    const topology::Topology whole = several();
    EXPECT_EQ(path_through(whole, "http://10.9.0.1/page"), "web1 front 10.9.0.1:80 > app1 perl-gateway > app1 perl");
    EXPECT_EQ(path_through(whole, "http://10.9.0.2/page"), "web2 front 10.9.0.2:80 > web2 perl") << "its own pool";
    EXPECT_EQ(path_through(whole, "http://10.9.0.1/static/a"), "web1 front 10.9.0.1:80 > app1 docs");
    EXPECT_EQ(path_through(topology::share_of(whole, "web2"), "/page"), "web2 front 10.9.0.2:80 > web2 perl")
        << "of this machine";
    EXPECT_EQ(path_through(topology::share_of(whole, "app1"), "/page"),
              "web1 front 10.9.0.1:80 > app1 perl-gateway > app1 perl")
        << "a gateway is for no client";
    EXPECT_EQ(path_through(whole, "http://10.9.0.3:8090/page"), "app1 perl-gateway 10.9.0.3:8090 > app1 perl");
}

TEST(Explanation, PassesByMachinesThatGetNothingNew) {
    const topology::Topology whole = several();
    EXPECT_EQ(path_through(whole, "http://10.9.0.1/page", {"app1"}),
              "web1 front 10.9.0.1:80 > web2 perl-gateway > web2 perl");
    EXPECT_EQ(path_through(whole, "http://10.9.0.1/page", {"app1", "web2"}), "web1 front 10.9.0.1:80");
    EXPECT_EQ(path_through(whole, "http://10.9.0.2/page", {"web2"}), "web2 front 10.9.0.2:80 > web2 perl") << "its own";
    const topology::Topology topology = topology::over_all_machines(whole);
    const auto first = way_of(topology, parse_request("http://10.9.0.1/page", "GET", {}).value(), {});
    EXPECT_EQ(passed_by(topology, *first, {"app1", "web7"}), MachineNames{"app1"});
}

TEST(Explanation, KnowsWhichMachineAnAddressIsOf) {
    const topology::Topology whole = several();
    EXPECT_EQ(path_through(whole, "http://10.9.0.2:81/static/a"), "web2 front 0.0.0.0:81 > app1 docs");
    EXPECT_EQ(path_through(whole, "http://10.9.0.3:90/a"), "app1 docs 0.0.0.0:90");
    EXPECT_EQ(path_through(whole, "http://shop.example:81/static/a"), "web1 front 0.0.0.0:81 > app1 docs");
    EXPECT_EQ(path_through(whole, "http://192.0.2.1:90/a"), "app1 docs 0.0.0.0:90") << "any of its addresses";
    EXPECT_EQ(path_through(topology::share_of(whole, "app1"), "http://127.0.0.1:91/a"), "app1 docs 127.0.0.1:91");
    EXPECT_EQ(path_through(topology::share_of(whole, "web1"), "http://127.0.0.1:91/a").substr(0, 15), "nothing listens")
        << "that is another machine's";
    EXPECT_EQ(path_through(whole, "http://10.9.0.3:81/a").substr(0, 15), "nothing listens");
}

TEST(Explanation, AtTheVipAsksAMachineThatHasIt) {
    topology::Topology whole = several();
    whole.workers[0].listen = {{"10.9.0.100", 80}, {"0.0.0.0", 81}};
    const auto machine_at = [&](const std::string& url) {
        const topology::Topology topology = topology::over_all_machines(whole);
        const auto way = way_of(topology, parse_request(url, "GET", {}).value(), {"/run/pool", {}, {}});
        return way ? machine_of(topology, *way) + (way->is_at_vip ? " by the vip" : "") : way.error().what;
    };
    for (const char* url : {"http://10.9.0.100/", "http://10.9.0.100:81/", "http://shop.example/", "/"})
        for (const char* machine : {"web1", "web2"}) {
            whole.vip.on = {machine};
            EXPECT_EQ(machine_at(url), std::string(machine) + " by the vip") << url;
        }
    EXPECT_EQ(machine_at("http://10.9.0.1:81/"), "web1") << "its own address is not the vip";
    whole.vip.on = {"app1"};
    EXPECT_EQ(machine_at("http://10.9.0.100/").substr(0, 47), "nothing listens at http://10.9.0.100 on app1; l");
    whole.vip.on = {"web2"};
    whole.workers[2].front.edit().own.rule.path = contract::PathPattern::parse("/").value();
    whole.workers.push_back(
        {.name = "outer", .kind = topology::Kind::accelerator, .on = {"app1"}, .listen = {{"", 82}}});
    whole.workers.back().front.edit().routes = {route_to("/", {"10.9.0.100:80"})};
    EXPECT_EQ(path_through(whole, "http://10.9.0.3:82/static/a"), "app1 outer 10.9.0.3:82 > web2 front > app1 docs");
}

TEST(Explanation, NamesTheKeyOfAGateway) {
    const topology::Topology topology = topology::over_all_machines(several());
    auto first = way_of(topology, parse_request("http://10.9.0.1/page", "GET", {}).value(), {});
    const auto ways = ways_from(topology, std::move(*first), {});
    EXPECT_EQ(joined_key(ways.at(1)), "workers.perl.gateway");
    EXPECT_EQ(joined_key(ways.at(0)), "workers.front.routes.1");
}

} // namespace
} // namespace mpsup::cli

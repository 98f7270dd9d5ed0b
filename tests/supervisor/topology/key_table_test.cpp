#include "supervisor/topology/key_table.h"
#include "supervisor/topology/routes.h"

#include <gtest/gtest.h>
#include <set>

namespace mpsup::topology {
namespace {

// Nothing in it is at its default.
RouteSpec unusual_route() {
    RouteSpec route{
        .root = "/r", .alias = "/a", .fallback = "pool", .to = {"127.0.0.1:1"}, .strip = true, .cache_size = 9};
    contract::Route& rule = route.rule;
    rule.host = "h";
    rule.path = contract::PathPattern::parse("*.x").value();
    rule.files.index = {"i"};
    rule.files.expires = {{contract::PathPattern::parse("/e/").value(), std::chrono::seconds(5)}};
    rule.files.fingerprinted = true;
    rule.files.compress = false;
    rule.files.precompressed = {"gz"};
    rule.files.symlinks = contract::Symlinks::anywhere;
    rule.files.listing = true;
    rule.files.types = {{"e", "a/b"}};
    rule.internal = true;
    rule.retry = false;
    rule.cache = {true, std::chrono::seconds(1), std::chrono::seconds(2), std::chrono::seconds(3), 4, Duration(5),
                  {"q"}};
    rule.buffer = {1, 2, 3};
    rule.queue = {4, Duration(5), Duration(6)};
    rule.timeouts = {Duration(1), Duration(2), Duration(3), Duration(4)};
    rule.health = {"/h", Duration(1), Duration(2), 3, Duration(4), Duration(5)};
    rule.request_headers = {{"A", "b"}};
    rule.headers = {{"C", ""}};
    rule.error_pages = "/p";
    return route;
}

contract::Front unusual_front() {
    contract::Front front;
    front.threads = 2;
    front.cache_disk = 3;
    front.certificates = {{"/c", "/k"}};
    front.tls13_only = true;
    front.trusted_proxies = {contract::Cidr::parse("10.0.0.0/8").value()};
    front.limits = {1, 2, 3, 4, 5};
    front.quarantine_deaths = 7;
    front.quarantine_for = Duration(8);
    front.log_json = true;
    return front;
}

// What keys of workers do not say.
void only_in_routes(const RouteSpec& from, RouteSpec& to) {
    to.rule.host = from.rule.host;
    to.rule.path = from.rule.path;
    to.root = from.root;
    to.to = from.to;
    to.strip = from.strip;
    to.rule.internal = from.rule.internal;
}

TEST(KeyTable, KnowsEveryKeyOnceAndSaysWhatItIsFor) {
    std::set<std::string_view> seen;
    for (const auto& key : all_keys()) {
        EXPECT_TRUE(seen.insert(key.path).second) << key.path;
        EXPECT_FALSE(key.doc.empty()) << key.path;
        EXPECT_EQ(find_key(key.path), &key);
    }
    EXPECT_EQ(find_key("workers.*.lisen"), nullptr);
}

TEST(KeyTable, BoundsEveryNumberAndTime) {
    for (const auto& key : all_keys())
        if (key.type == Type::integer || key.type == Type::duration) {
            EXPECT_LT(key.least, key.most) << key.path;
        }
}

TEST(KeyTable, SetsWhatItGets) {
    WorkerSpec from{.name = "w",
                    .on = {"m"},
                    .listen = {{"127.0.0.1", 1}},
                    .gateway = Gateway{{"10.0.0.1", 2}, {"/c", "/k", "/a"}},
                    .public_url = "http://a",
                    .root = "/r",
                    .serves = {"/a"},
                    .env = {{"A", {"b"}}, {"S", {.secret_file = "/s"}}},
                    .depends_on = {{"x", "started"}},
                    .app = "/p",
                    .cgi = {"/c", "fork", {{"*.pl", "exec"}}},
                    .development = true,
                    .pool = {9, PoolMode::dynamic, 1, 2, 3, 4, Duration(5)},
                    .recycle = {1, Duration(2), Duration(3), 4, 5, 6},
                    .refork_after = 7,
                    .reshare = false,
                    .warmup = {"/w"},
                    .request_timeout = {Duration(8), Duration(9)},
                    .slow = Duration(10),
                    .health = {.path = "/up",
                               .every = Duration(1),
                               .timeout = Duration(2),
                               .startup = {"/a", {{"127.0.0.1", 1}}, {"/b", "c"}, Duration(3), Duration(4)},
                               .within = Duration(5),
                               .readiness = {"/d", {{"127.0.0.1", 2}}, {"/e"}, Duration(6), Duration(7)},
                               .liveness = {"/f", {{"127.0.0.1", 3}}, {"/g"}, Duration(8), Duration(9)},
                               .fails = 10},
                    .rolling = {.surge = {1, false},
                                .unavailable = {2, true},
                                .passes = 3,
                                .min_healthy = Duration(4),
                                .deadline = Duration(5),
                                .judge = {false, 6, Duration(7), 8},
                                .on_failure = OnFailure::freeze,
                                .steps = {"1", "pause"},
                                .keep = Duration(9)},
                    .restart = {3, Duration(4), Duration(5), Duration(6)},
                    .stop = {Duration(7)}};
    for (int i = 0; i <= static_cast<int>(HookPoint::on_alert); ++i)
        from.hooks[static_cast<HookPoint>(i)] = {{{"/h", std::to_string(i)}, {}, Duration(i)}};
    from.front.edit().flags[{"127.0.0.1", 1}] = {true, true};
    from.front.edit().own = unusual_route();
    from.front.edit().rest = unusual_front();
    WorkerSpec to{.name = "w"};
    for (const auto& key : all_keys()) {
        EXPECT_EQ(key.get == nullptr, key.set == nullptr) << key.path;
        EXPECT_EQ(key.get_of_site == nullptr, key.set_of_site == nullptr) << key.path;
        EXPECT_EQ(key.get_of_route == nullptr, key.set_of_route == nullptr) << key.path;
        if (!key.is_held()) continue;
        const auto value = key.value_in(from);
        ASSERT_TRUE(value) << key.path << " is at its default, or lost";
        key.put(to, *value);
    }
    settle_cache(to.front.edit().own);
    only_in_routes(from.front.edit().own, to.front.edit().own);
    EXPECT_EQ(from, to);
}

TEST(KeyTable, SetsInARouteWhatItGetsOfOne) {
    const RouteSpec from = unusual_route();
    RouteSpec to;
    for (const auto& key : all_keys())
        if (key.is_of_a_route() && key.get_of_route) key.set_of_route(to, key.get_of_route(from).value());
    settle_cache(to);
    EXPECT_EQ(from, to);
}

TEST(KeyTable, HoldsEveryValueOfThisVersion) {
    for (const auto& key : all_keys()) {
        const bool leaf = key.type != Type::section && key.type != Type::sections && key.type != Type::anything &&
                          key.type != Type::items;
        if (leaf && key.path.starts_with("workers.") && key.name() != "kind" &&
            key.name() != "env_file") { // becomes part of `env`
            EXPECT_TRUE(key.get || key.get_of_route) << key.path;
        }
    }
}

TEST(KeyTable, FindsTheKeysOfASection) {
    std::vector<std::string_view> names;
    for (const auto* key : keys_under("workers.*.health")) names.push_back(key->name());
    EXPECT_EQ(names, (std::vector<std::string_view>{"path", "every", "timeout", "startup", "readiness", "liveness"}));
    EXPECT_EQ(find_key("workers.*.health.every")->path_in_worker(), "health.every");
}

} // namespace
} // namespace mpsup::topology

#include "worker/contract/routing.h"

#include <gtest/gtest.h>

namespace mpsup::contract {
namespace {

struct HostAndPath {
    const char* host;
    const char* path;
};

Front front_of(std::initializer_list<HostAndPath> routes) {
    Front front;
    for (const auto& [host, path] : routes) {
        Route& route = front.routes.emplace_back();
        route.host = host;
        route.path = PathPattern::parse(path).value();
    }
    return front;
}

// The number of the route, -1 for none, -2 for a bad path.
int taken(const Front& front, std::string_view authority, std::string_view path) {
    const Routing routing = route(front, authority, path);
    if (routing.bad_path) return -2;
    return routing.route ? static_cast<int>(routing.index) : -1;
}

std::string normal(std::string_view raw) {
    std::string memory;
    return std::string(normal_path(raw, memory).value_or("bad"));
}

TEST(Routing, TakesTheFirstThatMatchesInTheOrderOfTheFile) {
    const Front front = front_of({{"", "/static/"}, {"", "*.php"}, {"", "/one"}, {"", "/"}});
    EXPECT_EQ(taken(front, "h", "/static/x.php"), 0);
    EXPECT_EQ(taken(front, "h", "/x.php"), 1);
    EXPECT_EQ(taken(front, "h", "/one"), 2);
    EXPECT_EQ(taken(front, "h", "/one/"), 3);
    EXPECT_EQ(taken(front_of({{"", "/a/"}}), "h", "/b"), -1);
}

TEST(Routing, LooksAtHostsWithoutPortAndCase) {
    const Front front = front_of({{"a.example", "/"}, {"*.b.example", "/"}, {"[::1]", "/"}, {"", "/any/"}});
    EXPECT_EQ(taken(front, "A.Example:8080", "/"), 0);
    EXPECT_EQ(taken(front, "a.example.", "/"), 0);
    EXPECT_EQ(taken(front, "x.y.b.example", "/"), 1);
    EXPECT_EQ(taken(front, "b.example", "/"), -1);
    EXPECT_EQ(taken(front, "xb.example", "/"), -1);
    EXPECT_EQ(taken(front, "[::1]:80", "/"), 2);
    EXPECT_EQ(taken(front, "[::1]", "/"), 2);
    EXPECT_EQ(taken(front, "", "/any/x"), 3) << "HTTP/1.0 without Host";
    EXPECT_EQ(taken(front, "", "/"), -1);
}

TEST(Routing, SeesThroughEveryWayOfWritingAPath) {
    const Front front = front_of({{"", "/admin/"}, {"", "/"}});
    for (const char* path : {"/admin", "/admin/", "/%61dmin/x", "//admin/x", "/./admin/x", "/x/../admin/x",
                             "/x/%2e%2e/admin", "/x%2f..%2fadmin", "/admin;x=1/y", "/;/admin/x", "/x/..;/admin",
                             "/x/%2E./admin", "/admin%2fx", "/x/.//../admin/"})
        EXPECT_EQ(taken(front, "h", path), 0) << path;
    for (const char* path : {"/administrator", "/x/admin", "/%2561dmin/", "/admin%3bx"})
        EXPECT_EQ(taken(front, "h", path), 1) << path;
}

TEST(Routing, RefusesPathsThatMeanNothing) {
    const Front front = front_of({{"", "/"}});
    for (const char* path :
         {"/..", "/x/../..", "/%2e%2e/", "/%", "/%4", "/%zz", "/%00", "x", "", "/a/%c0%2e%2e/%2e%2e/../../.."})
        EXPECT_EQ(taken(front, "h", path), -2) << path;
    EXPECT_EQ(taken(front, "h", "*"), -1) << "of OPTIONS: the server as a whole";
}

TEST(Routing, NormalisesOnceAndKeepsAFinalSlash) {
    EXPECT_EQ(normal("/a/b"), "/a/b");
    EXPECT_EQ(normal("/a/./b/"), "/a/b/");
    EXPECT_EQ(normal("/a/b/.."), "/a/");
    EXPECT_EQ(normal("/a/b/."), "/a/b/");
    EXPECT_EQ(normal("/a//"), "/a/");
    EXPECT_EQ(normal("/%252e"), "/%2e");
    EXPECT_EQ(normal("/..."), "/...");
    EXPECT_EQ(normal("/.well-known/x"), "/.well-known/x");
    EXPECT_EQ(normal("/a;b=c"), "/a");
}

TEST(Routing, IsTheSameForANormalPath) {
    for (const char* raw : {"/a//b/../c/./d;e/%66", "/x/%2f%2e", "/x/%3c"})
        EXPECT_EQ(normal(normal(raw)), normal(raw)) << raw;
}

TEST(Routing, KnowsRoutesThatNothingReaches) {
    const auto hidden = [](HostAndPath earlier, HostAndPath later) {
        const Front front = front_of({earlier, later});
        return shadows(front.routes[0], front.routes[1]);
    };
    EXPECT_TRUE(hidden({"", "/"}, {"a.example", "/x/"}));
    EXPECT_TRUE(hidden({"*.example", "/"}, {"a.example", "/x"}));
    EXPECT_TRUE(hidden({"*.example", "/"}, {"*.a.example", "/x"}));
    EXPECT_FALSE(hidden({"a.example", "/"}, {"", "/"}));
    EXPECT_FALSE(hidden({"a.example", "/"}, {"*.example", "/"}));
    EXPECT_FALSE(hidden({"", "/x/"}, {"", "/"}));
}

} // namespace
} // namespace mpsup::contract

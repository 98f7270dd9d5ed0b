#include "worker/cache/cache_status.h"

#include <gtest/gtest.h>

namespace mpsup::cache {
namespace {

using Forward = CacheStatus::Forward;

std::string text(const CacheStatus& status) {
    CacheStatus::Text space;
    return std::string(status.text(space));
}

TEST(CacheStatus, TellsOfAHit) {
    CacheStatus status;
    status.ttl = 120;
    EXPECT_EQ(text(status), "mpsup; hit; ttl=120");
    EXPECT_EQ(status.word(), "hit");
    status.ttl = -5;
    EXPECT_EQ(text(status), "mpsup; hit; ttl=-5");
    EXPECT_EQ(status.word(), "stale");
}

TEST(CacheStatus, TellsWhyARequestWasForwarded) {
    CacheStatus status;
    status.forward = Forward::stale;
    status.forward_status = 304;
    status.ttl = 60;
    status.stored = status.collapsed = true;
    EXPECT_EQ(text(status), "mpsup; fwd=stale; fwd-status=304; ttl=60; stored; collapsed");
    EXPECT_EQ(status.word(), "revalidated");
    status = {};
    status.forward = Forward::uri_miss;
    status.detail = "set-cookie";
    EXPECT_EQ(text(status), "mpsup; fwd=uri-miss; detail=set-cookie");
}

TEST(CacheStatus, FitsWhateverItSays) {
    CacheStatus status;
    status.forward = Forward::vary_miss;
    status.forward_status = 599;
    status.ttl = INT64_MIN;
    status.stored = status.collapsed = true;
    const std::string detail(100, 'd');
    status.detail = detail;
    EXPECT_TRUE(text(status).ends_with(std::string(32, 'd')));
}

} // namespace
} // namespace mpsup::cache

#include "worker/cache/reuse.h"

#include "tests/worker/cache/messages.h"

#include <gtest/gtest.h>

namespace mpsup::cache {
namespace {

class ReuseOf : public testing::Test {
protected:
    OneUrl url;
    // Asked `after` seconds later by a client that says `request`.
    Came asked(const std::string& response, const std::string& request, Seconds after = 0) {
        url.now = start;
        url.store({{"Cache-Control", response}, {"ETag", "\"a\""}});
        return url.ask_after(after, request.empty() ? OwnedFields{} : OwnedFields{{"Cache-Control", request}});
    }
};

TEST_F(ReuseOf, FreshNeedsNoQuestion) {
    EXPECT_EQ(asked("max-age=3600", "", 3599), Came::cached);
    EXPECT_EQ(asked("max-age=3600", "", 3600), Came::validated);
    EXPECT_EQ(asked("max-age=10000, must-revalidate", ""), Came::cached);
}

TEST_F(ReuseOf, NoCacheNeedsOneAlways) {
    EXPECT_EQ(asked("max-age=10000, no-cache", ""), Came::validated);
    EXPECT_EQ(asked("max-age=10000, No-CaChE", "max-stale"), Came::validated);
    EXPECT_FALSE(url.reuse.stale_if_error);
}

TEST_F(ReuseOf, ClientsMayWantItFresher) {
    EXPECT_EQ(asked("max-age=3600", "max-age=0"), Came::validated);
    EXPECT_EQ(asked("max-age=3600", "max-age=1", 3), Came::validated);
    EXPECT_EQ(asked("max-age=3600", "max-age=10", 3), Came::cached);
    EXPECT_EQ(asked("max-age=1500", "min-fresh=2000"), Came::validated);
    EXPECT_EQ(asked("max-age=1500", "min-fresh=1000"), Came::cached);
    EXPECT_EQ(asked("max-age=3600", "no-cache"), Came::validated);
    EXPECT_TRUE(url.reuse.stale_if_error) << "it is fresh: better than an error";
}

TEST_F(ReuseOf, ClientsMayTakeItStale) {
    EXPECT_EQ(asked("max-age=1", "max-stale=1000", 3), Came::cached);
    EXPECT_EQ(asked("max-age=1", "max-stale", 3'000'000), Came::cached);
    EXPECT_EQ(asked("max-age=1", "max-stale=1", 3), Came::validated);
    EXPECT_EQ(asked("max-age=1, must-revalidate", "max-stale", 3), Came::validated);
    EXPECT_EQ(asked("s-maxage=1", "max-stale", 3), Came::validated);
}

TEST_F(ReuseOf, OnlyIfCachedIsNeverForwarded) {
    EXPECT_EQ(asked("no-store", "only-if-cached"), Came::refused);
    EXPECT_EQ(asked("max-age=1", "only-if-cached", 3), Came::refused);
    EXPECT_EQ(asked("max-age=5", "only-if-cached", 3), Came::cached);
}

TEST_F(ReuseOf, StaleWhileItIsRenewed) {
    EXPECT_EQ(asked("max-age=1, stale-while-revalidate=5", "", 3), Came::stale);
    EXPECT_EQ(url.reuse.ttl, -2);
    EXPECT_EQ(asked("max-age=1, stale-while-revalidate=5", "", 6), Came::validated);
    EXPECT_EQ(asked("max-age=1, stale-while-revalidate=5", "no-cache", 3), Came::validated);
    EXPECT_EQ(asked("max-age=1, must-revalidate, stale-while-revalidate=5", "", 3), Came::validated);
}

TEST_F(ReuseOf, StaleWhenTheOriginFails) {
    asked("max-age=2, stale-if-error=60", "", 30);
    EXPECT_TRUE(url.reuse.stale_if_error);
    asked("max-age=2, stale-if-error=60", "", 62);
    EXPECT_FALSE(url.reuse.stale_if_error);
    asked("max-age=2", "", 3);
    EXPECT_FALSE(url.reuse.stale_if_error);
    url.rule.stale_if_error = 60;
    asked("max-age=2", "", 3);
    EXPECT_TRUE(url.reuse.stale_if_error) << "the route allows it";
    for (const char* value : {"max-age=2, must-revalidate", "max-age=2, proxy-revalidate", "max-age=2, no-cache",
                              "max-age=2, s-maxage=2"}) {
        asked(value, "", 3);
        EXPECT_FALSE(url.reuse.stale_if_error) << value;
    }
    EXPECT_TRUE(is_origin_error(500) && is_origin_error(502) && is_origin_error(503) && is_origin_error(504));
    EXPECT_FALSE(is_origin_error(501) || is_origin_error(404) || is_origin_error(200));
}

TEST_F(ReuseOf, NothingIsAMiss) {
    EXPECT_EQ(url.ask(), Came::forwarded);
    EXPECT_EQ(url.reuse.verdict, Reuse::Verdict::miss);
}

} // namespace
} // namespace mpsup::cache

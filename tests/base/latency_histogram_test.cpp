#include "base/latency_histogram.h"

#include <gtest/gtest.h>

namespace mpsup {
namespace {

TEST(LatencyHistogram, HasEveryTimeInOneBucketInOrder) {
    std::size_t last = 0;
    for (std::uint64_t us = 0; us < 100'000; ++us) {
        const auto bucket = latency_bucket(us);
        EXPECT_TRUE(bucket == last || bucket == last + 1) << us;
        EXPECT_LT(us, latency_bucket_end(bucket)) << us;
        if (bucket > 0) {
            EXPECT_GE(us, latency_bucket_end(bucket - 1)) << us;
        }
        last = bucket;
    }
    EXPECT_EQ(latency_bucket(~std::uint64_t{0}), latency_buckets - 1);
    EXPECT_EQ(latency_bucket(20'000'000), latency_bucket(20'000'001));
    EXPECT_LT(latency_bucket(20'000'000), latency_buckets - 1);
}

TEST(LatencyHistogram, KnowsAQuantileToWithinAQuarter) {
    LatencyHistogram histogram;
    for (std::uint64_t us = 1; us <= 10'000; ++us) ++histogram.counts.at(latency_bucket(us));
    const auto end = latency_bucket_end(histogram.quantile_bucket(95));
    EXPECT_GE(end, 9'500U);
    EXPECT_LE(end, 9'500U * 5 / 4);
    EXPECT_EQ(histogram.total(), 10'000U);
    EXPECT_LE(histogram.above(histogram.quantile_bucket(95)), 500U);
    EXPECT_EQ(LatencyHistogram{}.quantile_bucket(95), 0U);
}

} // namespace
} // namespace mpsup

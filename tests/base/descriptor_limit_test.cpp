#include "base/descriptor_limit.h"

#include <gtest/gtest.h>

#include <sys/resource.h>

namespace mpsup {
namespace {

rlimit limit() {
    rlimit now{};
    ::getrlimit(RLIMIT_NOFILE, &now);
    return now;
}

TEST(DescriptorLimitTest, IsRaisedAsFarAsItGoesAndPutBack) {
    const rlimit before = limit();
    if (before.rlim_max < 256) GTEST_SKIP() << "the hard limit is " << before.rlim_max;
    rlimit low = before;
    low.rlim_cur = 128;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
    restore_descriptor_limit();
    EXPECT_EQ(limit().rlim_cur, 128U) << "nothing was raised yet";
    for (int round = 0; round < 2; ++round) {
        raise_descriptor_limit();
        raise_descriptor_limit();
        EXPECT_EQ(limit().rlim_cur, before.rlim_max);
        restore_descriptor_limit();
        EXPECT_EQ(limit().rlim_cur, 128U) << "the one before the first raise";
    }
    ::setrlimit(RLIMIT_NOFILE, &before);
}

} // namespace
} // namespace mpsup

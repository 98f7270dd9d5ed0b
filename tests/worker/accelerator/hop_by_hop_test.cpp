#include "worker/accelerator/hop_by_hop.h"

#include <gtest/gtest.h>
#include <vector>

namespace mpsup::accelerator {
namespace {

TEST(HopByHop, KnowsFieldsOfAConnection) {
    const std::vector<http::Field> none;
    const HopByHop hop(none);
    for (const char* name : {"Connection", "keep-alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Proxy",
                             "Proxy-Connection", "proxy-authorization"})
        EXPECT_TRUE(hop.contains(name)) << name;
    for (const char* name : {"Content-Type", "Te-st", "Proximity", "Connection2", "Expect"})
        EXPECT_FALSE(hop.contains(name)) << name;
}

TEST(HopByHop, KnowsFieldsThatConnectionNames) {
    const std::vector<http::Field> fields{
        {"Connection", "close"}, {"Connection", "X-One, x-two"}, {"connection", "X-Three"}};
    const HopByHop hop(fields);
    for (const char* name : {"X-One", "X-Two", "X-Three"}) EXPECT_TRUE(hop.contains(name)) << name;
    EXPECT_FALSE(hop.contains("X-Four"));
}

TEST(HopByHop, LosesNoneOfManyConnectionFields) {
    std::vector<http::Field> fields(20, {"Connection", "X-Other"});
    fields.push_back({"Connection", "X-Last"});
    EXPECT_TRUE(HopByHop(fields).contains("X-Last"));
}

} // namespace
} // namespace mpsup::accelerator

#include "supervisor/control/api_target.h"

#include <gtest/gtest.h>

namespace mpsup {
namespace {

TEST(ApiTarget, ReadsWhatItWrites) {
    const ApiTarget target{"/v1/logs", {{"grep", "a&b=c% \xc3\xa9,\n"}, {"workers", "app,docs"}, {"follow", "1"}}};
    const std::string text = target.to_string();
    EXPECT_EQ(text, "/v1/logs?follow=1&grep=a%26b%3Dc%25%20%C3%A9,%0A&workers=app,docs");
    const auto read = ApiTarget::parse(text);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->path, target.path);
    EXPECT_EQ(read->values, target.values);
}

TEST(ApiTarget, SaysWhatStandsUnderAName) {
    const auto target = ApiTarget::parse("/v1/events?list=a,,b&n=12&flag=1&off=0&empty&n2=-1&n3=99999999999999999999");
    ASSERT_TRUE(target);
    EXPECT_EQ(target->path, "/v1/events");
    EXPECT_EQ(target->list("list"), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(target->number("n"), 12);
    EXPECT_EQ(target->number("n2"), std::nullopt);
    EXPECT_EQ(target->number("n3"), std::nullopt);
    EXPECT_EQ(target->number("none"), std::nullopt);
    EXPECT_TRUE(target->has("flag"));
    EXPECT_FALSE(target->has("off"));
    EXPECT_EQ(target->text("empty"), "");
    EXPECT_EQ(ApiTarget::parse("/v1/status")->to_string(), "/v1/status");
}

TEST(ApiTarget, RefusesWhatIsNotEncodedWell) {
    for (const char* text : {"/?a=%", "/?a=%4", "/?a=%zz", "/?a=%00", "/?%=1", "/?a=%+1"})
        EXPECT_FALSE(ApiTarget::parse(text)) << text;
}

} // namespace
} // namespace mpsup

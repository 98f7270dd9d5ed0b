#include "supervisor/cli/vip_place.h"

#include <gtest/gtest.h>

namespace mpsup::cli {
namespace {

using Machines = std::vector<std::string>;

const topology::Vip vip{"10.9.0.100", 24, {"web1", "web2"}};

// Where it is, and what is said of that.
std::pair<Machines, std::string> placed(const std::string& status) {
    topology::Vip placed = vip;
    const VipPlace place = vip_place_in(status, vip);
    put_vip(placed, place);
    return {placed.on, words_on(place)};
}

std::string status(const std::string& state, const std::string& vips) {
    return R"({"site":"shop","cluster":{"state":")" + state + R"(","vips":[)" + vips + "]}}";
}

TEST(VipPlace, IsTheMachineThatHasIt) {
    const std::string vips =
        R"({"address":"10.9.0.99/24","machine":"web1"},{"address":"10.9.0.100/24","machine":"web2"})";
    EXPECT_EQ(placed(status("connected", vips)), std::pair(Machines{"web2"}, std::string("has the vip now")));
    EXPECT_EQ(placed(status("refused", vips)).first, Machines{"web2"});
}

TEST(VipPlace, IsTheFirstOfItsListWhereNobodyHasIt) {
    const auto [machines, words] = placed(status("connected", R"({"address":"10.9.0.100/24","machine":""})"));
    EXPECT_EQ(machines, Machines{"web1"});
    EXPECT_EQ(words, "the first that may have the vip: no machine has it now");
}

TEST(VipPlace, IsTheFirstOfItsListWhereItIsNotKnown) {
    for (const std::string& text : {status("alone", R"({"address":"10.9.0.100/24","machine":""})"), std::string(),
                                    std::string(R"({"site":"shop"})"), std::string("[1]")}) {
        const auto [machines, words] = placed(text);
        EXPECT_EQ(machines, Machines{"web1"}) << text;
        EXPECT_EQ(words, "the first that may have the vip: who has it is not known") << text;
    }
}

} // namespace
} // namespace mpsup::cli

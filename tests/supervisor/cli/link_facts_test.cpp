#include "supervisor/cli/link_facts.h"

#include <gtest/gtest.h>

namespace mpsup::cli {
namespace {

std::string line(const contract::LinkFact& fact) { return contract::encode_link_fact(fact) + "\n"; }

TEST(LinkFacts, AreReadToTheLast) {
    const contract::LinkFact page{.page = {.url = "http://h/", .status = 200}};
    const contract::LinkFact last{.is_last = true, .cut = "the time was up"};
    const LinkFacts read = read_link_facts(line(page) + line(last));
    EXPECT_EQ(read.facts, (std::vector<contract::LinkFact>{page, last}));
    EXPECT_TRUE(read.losses.empty());
}

TEST(LinkFacts, AreKeptWhereOneIsBroken) {
    const contract::LinkFact page{.page = {.url = "http://h/", .status = 200}};
    const LinkFacts read = read_link_facts(line(page) + "\xff\n{\"page\":[]}\n" + line(page) + line({.is_last = true}));
    EXPECT_EQ(read.facts.size(), 3U);
    ASSERT_EQ(read.losses.size(), 1U);
    EXPECT_TRUE(
        read.losses[0].starts_with("not understood of what the crawler said: 2 lines, the first: fact is no JSON"))
        << read.losses[0];
}

TEST(LinkFacts, SayWhenTheCrawlerDied) {
    const std::string page = line({.page = {.url = "http://h/", .status = 200}});
    const LinkFacts read = read_link_facts(page + page.substr(0, 10));
    EXPECT_EQ(read.facts.size(), 1U);
    EXPECT_EQ(read.losses, std::vector<std::string>{"the crawler ended before it was done"});
    EXPECT_EQ(read_link_facts("").losses.size(), 1U);
}

} // namespace
} // namespace mpsup::cli

#include "worker/links/field_links.h"

#include "tests/worker/links/two_servers.h"

#include <gtest/gtest.h>

namespace mpsup::links {
namespace {

#define THERE "http://www.example.org:8080"

std::string field(std::string_view name, std::string_view value, std::string_view page = "/app/page") {
    const LinkMap map = of_application();
    return changed_field(name, value, map, map.base(page)).value_or("unchanged");
}

TEST(FieldLinks, LeadToTheServerTheyBelongTo) {
    EXPECT_EQ(field("Location", "/static/a?b#c"), THERE "/static/a?b#c");
    EXPECT_EQ(field("location", "http://www.example.org:8081/static/"), THERE "/static/");
    EXPECT_EQ(field("Content-Location", "../static/a"), THERE "/static/a");
    EXPECT_EQ(field("Refresh", "5; url='/static/a'"), "5; url='" THERE "/static/a'");
    EXPECT_EQ(field("Link", "</static/a.css>; rel=preload, </app>, <../static/b>;title=\"</static/>\""),
              "<" THERE "/static/a.css>; rel=preload, </app>, <" THERE "/static/b>;title=\"</static/>\"");
}

TEST(FieldLinks, StayWhereTheyAreRight) {
    EXPECT_EQ(field("Location", "/app"), "unchanged");
    EXPECT_EQ(field("Location", ""), "unchanged");
    EXPECT_EQ(field("Location", THERE "/static/a"), "unchanged");
    EXPECT_EQ(field("Link", "/static/a"), "unchanged");
    EXPECT_EQ(field("Refresh", "5"), "unchanged");
    EXPECT_EQ(field("X-Location", "/static/a"), "unchanged");
}

TEST(FieldLinks, HoldNothingThatAFieldCouldNot) {
    EXPECT_EQ(field("Link", "<x/../a>", "/static/\">\xe9/b"), "<" THERE "/static/%22%3E%E9/a>");
    EXPECT_EQ(field("Location", "/static/a\r\nb"), THERE "/static/ab"); // no line of its own
}

} // namespace
} // namespace mpsup::links

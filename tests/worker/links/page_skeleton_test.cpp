#include "worker/links/page_skeleton.h"

#include <gtest/gtest.h>

namespace mpsup::links {
namespace {

std::string skeleton(std::string_view page) { return std::string(PageSkeleton(page).text()); }

TEST(PageSkeleton, LosesTextsBetweenTags) {
    EXPECT_EQ(skeleton("<p>some long text</p>"), "<p>x</p>");
    EXPECT_EQ(skeleton("<p> some long text\n</p>"), "<p> x\n</p>");
    EXPECT_EQ(skeleton("<p>\n           </p>"), "<p>\n</p>");
    EXPECT_EQ(skeleton("<p>it's a \"text\" long</p>"), "<p>x'x \"x\" x</p>");
}

TEST(PageSkeleton, LosesLongValues) {
    EXPECT_EQ(skeleton("<a href=\"/app/order/1\" title='something'>"), "<a href=\"x\" title='x'>");
    for (const char* page :
         {"<a href=\"/short\">", "<a href=/app/order/1>", "<a title=\"more than one\">", "<a b=\"not-ended-here>",
          "<a b=\"one&amp;another\">", "<a b='one\"another'>", "<a b=\"c=d&e=f&g=h\">", "<a b=\"<c>longer</c>\">",
          "<input type=\"hidden\">", "<annotation-xml encoding=\"text/html\">",
          "<annotation-xml encoding='Application/XHTML+XML'>"})
        EXPECT_EQ(skeleton(page), page);
}

TEST(PageSkeleton, KeepsWhatMayBeMore) {
    for (const char* page : {"", "no tags at all", "<p>short</p>", "<p>text without an end",
                             "<!-- > some text here -->", "<p title=\"a > b\" class=here <p>", "<p>&#32;&#32;&#32;</p>",
                             "<p title='>some text here'>", "some text before <p>"})
        EXPECT_EQ(skeleton(page), page);
    const std::string_view nul("<p>some\0 long text</p>", 22);
    EXPECT_EQ(skeleton(nul), nul);
}

// A '/' ends it.
TEST(PageSkeleton, KeepsWhatMayBeATagsName) {
    const std::string long_name = "<" + std::string(100, 'n') + "=\"/app/order\">";
    for (const char* page : {"<t=\"/app/order\"<b=\">\"<svg>", "</t=\"/app/order\"<b=\">\"<svg>", "<t='/app/order'>",
                             "<t\"t=\"/app/order\">", "<t=\"one\"t=\"/app/order\">", long_name.c_str()})
        EXPECT_EQ(skeleton(page), page);
    EXPECT_EQ(skeleton("<t/a=\"/app/order\">"), "<t/a=\"x\">");
    EXPECT_EQ(skeleton("<t a=\"b\"c=\"/app/order\">"), "<t a=\"b\"c=\"x\">");
}

TEST(PageSkeleton, KnowsWhereInThePageItsOctetsAre) {
    const std::string_view page = "\xef\xbb\xbf<p>some long text\n<b>it's more of that<i>x</i>";
    const PageSkeleton made(page);
    ASSERT_EQ(made.text(), "<p>x\n<b>x'x<i>x</i>");
    for (std::size_t at = 0; at < made.text().size(); ++at)
        EXPECT_TRUE(made.text()[at] == 'x' || page[made.in_page(at)] == made.text()[at]) << at;
    EXPECT_EQ(made.in_page(made.text().find("<i>")), page.find("<i>"));
    EXPECT_EQ(made.in_page(made.text().size()), page.size());
}

} // namespace
} // namespace mpsup::links

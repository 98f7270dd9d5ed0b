#include "worker/links/css_links.h"

#include "tests/worker/links/two_servers.h"

#include <gtest/gtest.h>

namespace mpsup::links {
namespace {

#define THERE "http://www.example.org:8080"

std::string css(std::string_view text, std::string_view page = "/app/page") {
    const LinkMap map = of_application();
    return applied(text, css_links(text, map, map.base(page)));
}
bool stays(std::string_view text) { return css(text) == text; }

TEST(CssLinks, AreInUrlAndImport) {
    EXPECT_EQ(css("a{background:url(/static/a.png)}"), "a{background:url(" THERE "/static/a.png)}");
    EXPECT_EQ(css("a{background:URL( '/static/a.png' )}"), "a{background:URL( '" THERE "/static/a.png' )}");
    EXPECT_EQ(css("src:url(\"../static/f.woff?#x\") format(\"woff\")"),
              "src:url(\"" THERE "/static/f.woff?#x\") format(\"woff\")");
    EXPECT_EQ(css("@import '/static/b.css' screen;"), "@import '" THERE "/static/b.css' screen;");
    EXPECT_EQ(css("@IMPORT/* a */\n\"/static/b.css\";"), "@IMPORT/* a */\n\"" THERE "/static/b.css\";");
    EXPECT_EQ(css("@import url(/static/b.css);"), "@import url(" THERE "/static/b.css);");
    EXPECT_EQ(css("url( \n/static/a \t)url(/static/b)"), "url( \n" THERE "/static/a \t)url(" THERE "/static/b)");
}

TEST(CssLinks, AreNotWhatOnlyLooksLikeThem) {
    for (const char* text : {"/* url(/static/a) */",
                             "a{content:'url(/static/a)'}",
                             "a{content:\"/static/a\"}",
                             "xurl(/static/a)",
                             "-url(/static/a)",
                             "#url(/static/a)",
                             "@url(/static/a)",
                             "1url(/static/a)",
                             "1e3url(/static/a)",
                             "u rl(/static/a)",
                             "url (/static/a)",
                             "/* url(/static/a)",
                             "url\\(/static/a)",
                             "@import x '/static/a'",
                             "@imported '/static/a'",
                             "@namespace url(/static/a);",
                             "@namespace x '/static/a';",
                             "image(/static/a)",
                             "",
                             "-->",
                             "\\",
                             "@",
                             "#",
                             "url("})
        EXPECT_TRUE(stays(text)) << text;
    EXPECT_EQ(css("@namespace x url(/static/a);a{b:url(/static/)}"),
              "@namespace x url(/static/a);a{b:url(" THERE "/static/)}");
}

TEST(CssLinks, AreLeftAloneWhereTheyAreBroken) {
    for (const char* text : {"url(/static/a b)", "url(/static/a\"b)", "url(/static/a(b)", "url(/static/a\x01)",
                             "url('/static/a\n')", "@import '/static/a\n';", "url(/static/a\\\nb)"})
        EXPECT_TRUE(stays(text)) << text;
    EXPECT_EQ(css("url(/static/a b\\)url(/static/c) url(/static/d)"),
              "url(/static/a b\\)url(/static/c) url(" THERE "/static/d)");
    EXPECT_EQ(css("a:'x\nurl(/static/a)"), "a:'x\nurl(" THERE "/static/a)"); // the line ends a bad string
}

TEST(CssLinks, AreWholeAtTheEndOfTheSheet) {
    EXPECT_EQ(css("url(/static/a"), "url(" THERE "/static/a");
    EXPECT_EQ(css("url('/static/a"), "url('" THERE "/static/a");
    EXPECT_EQ(css("@import '/static/a"), "@import '" THERE "/static/a");
    EXPECT_EQ(css("url(/static/a "), "url(" THERE "/static/a ");
    EXPECT_EQ(css("url('/static/a\\"), "url('" THERE "/static/a\\");
}

TEST(CssLinks, AreDecodedAndStayAsTheyWereWritten) {
    EXPECT_EQ(css("\\75 rl(/static/a)"), "\\75 rl(" THERE "/static/a)");
    EXPECT_EQ(css("url(/\\73 tatic/a\\ b)"), "url(" THERE "/\\73 tatic/a\\ b)");
    EXPECT_EQ(css("url(\\2f static/a)"), "url(" THERE "\\2f static/a)");
    EXPECT_EQ(css("url('/sta\\\ntic/a')"), "url('" THERE "/sta\\\ntic/a')"); // a line that goes on
    EXPECT_EQ(css("url('/static/\\e9\r\n.png')"), "url('" THERE "/static/\\e9\r\n.png')");
    EXPECT_EQ(css("url('/static/\xe9\xff')"), "url('" THERE "/static/\xe9\xff')");
    EXPECT_EQ(css("url(\"/static/it's\\\"\")"), "url(\"" THERE "/static/it's\\\"\")");
}

// "\\20app" is another character, and three letters less.
TEST(CssLinks, MayFollowAnEscapeWithoutItsEnd) {
    const auto insert = [](std::string_view text) {
        return applied(text, css_links(text, [](std::string_view url) {
                           const std::size_t at = url.find('/');
                           return std::optional(Edit{at, at, "app"});
                       }));
    };
    EXPECT_EQ(insert("url(\\20/b)"), "url(\\20 app/b)");
    EXPECT_EQ(insert("url(\\20 /b)"), "url(\\20 app/b)");
    EXPECT_EQ(insert("url(\\((/b)"), "url(\\((/b)"); // is none
    EXPECT_EQ(insert("url(\\)/b)"), "url(\\)app/b)");
}

TEST(CssLinks, EscapeWhatTheyWrite) {
    EXPECT_EQ(css("url(x/../a)", "/static/\"<(\\'/b"), "url(" THERE "/static/\\22 \\3c \\28 \\5c \\27 /a)");
    EXPECT_TRUE(stays("url(a)")); // of a page of ours
}

TEST(CssLinks, AreNotChangedTwice) {
    const std::string once = css("@import '/static/a';b{c:url(../static/d)} url(\\2f static/x");
    EXPECT_EQ(css(once), once);
}

} // namespace
} // namespace mpsup::links

#include "tests/worker/links/two_servers.h"
#include "worker/links/rewriting.h"

#include <gtest/gtest.h>

namespace mpsup::links {
namespace {

#define THERE "http://www.example.org:8080"

std::string html(std::string_view text, std::string_view charset = {}, std::string_view path = "/app/page") {
    const LinkMap map = of_application();
    const auto result = rewritten_html({text, path, charset}, map);
    if (result) return *result;
    return result.error() == Untouched::right ? std::string(text) : "untouched";
}
bool stays(std::string_view text) { return html(text) == text; }

TEST(HtmlLinks, AreInTheseAttributes) {
    for (const char* tag :
         {"a href", "img src", "form action", "button formaction", "video poster", "object data", "q cite",
          "body background", "img longdesc", "link href", "script src", "svg href", "svg><use xlink:href",
          "html manifest", "a ping", "img srcset", "link imagesrcset", "x-own href", "area href"}) {
        const std::string before = "<" + std::string(tag) + "=\"";
        EXPECT_EQ(html(before + "/static/a\">"), before + THERE "/static/a\">");
    }
}

TEST(HtmlLinks, AreNotInOthers) {
    for (const char* text : {"<img usemap='/static/a'>",
                             "<a data-href='/static/a'>",
                             "<a title='/static/a'>",
                             "<p data='/static/a'>",
                             "<!-- <a href='/static/a'> -->",
                             "<script>x = '<a href=\"/static/a\">'</script>",
                             "/static/a",
                             "<textarea><a href='/static/a'></textarea>",
                             "<title><a href='/static/a'></title>",
                             "<base href='/static/a'>",
                             "<iframe srcdoc=\"<a href='/static/a'>\">",
                             "<meta name=refresh content='0;/static/a'>",
                             "<a href>/static/",
                             "<a href=''>/static/",
                             "<a HREF=#/static/>",
                             "<a href='/app' href='/static/'>",
                             "<p></a href='/static/'>",
                             "<!doctype html '/static/'>",
                             "<a href='/static/",
                             "<a href=/static/",
                             "<style media='url(/static/)'></style>"})
        EXPECT_TRUE(stays(text)) << text;
}

TEST(HtmlLinks, AreInSrcsetPingAndRefresh) {
    EXPECT_EQ(html("<img srcset='/static/a 1x, /app/b 2x,/static/c 3x'>"),
              "<img srcset='" THERE "/static/a 1x, /app/b 2x," THERE "/static/c 3x'>");
    EXPECT_EQ(html("<a ping='/static/a /app'>"), "<a ping='" THERE "/static/a /app'>");
    EXPECT_EQ(html("<meta http-equiv=Refresh content='5; url=/static/a'>"),
              "<meta http-equiv=Refresh content='5; url=" THERE "/static/a'>");
    EXPECT_EQ(html("<meta content=\"5; url=&#39;/static/a&#39;\" http-equiv=refresh>"),
              "<meta content=\"5; url=&#39;" THERE "/static/a&#39;\" http-equiv=refresh>");
}

TEST(HtmlLinks, AreInStyles) {
    EXPECT_EQ(html("<p style='background:url(\"/static/a\")'>"), "<p style='background:url(\"" THERE "/static/a\")'>");
    EXPECT_EQ(html("<p style=\"background:url(&quot;/static/a&quot;)\">"),
              "<p style=\"background:url(&quot;" THERE "/static/a&quot;)\">");
    EXPECT_EQ(html("<p style='a:url(/static/a?b&c)'>"), "<p style='a:url(" THERE "/static/a?b&c)'>");
    EXPECT_EQ(html("<style>@import '/static/a';b>c{d:url(/static/e)}</style><a href=/static/>"),
              "<style>@import '" THERE "/static/a';b>c{d:url(" THERE "/static/e)}</style><a href=" THERE "/static/>");
    EXPECT_EQ(html("<style>a{b:url(/static/c)}"), "<style>a{b:url(" THERE "/static/c)}");
    EXPECT_EQ(html("<style><!-- a{b:url(/static/c)} --></style>"),
              "<style><!-- a{b:url(" THERE "/static/c)} --></style>");
}

TEST(HtmlLinks, KeepTheQuotesTheyHave) {
    EXPECT_EQ(
        html("<a href=\"/static/a\"><a href='/static/a'><a href=/static/a><a href=/static/a/><a href = /static/a\n>"),
        "<a href=\"" THERE "/static/a\"><a href='" THERE "/static/a'><a href=" THERE "/static/a><a href=" THERE
        "/static/a/><a href = " THERE "/static/a\n>");
    EXPECT_EQ(html("<A\r\nHREF\r\n=\r\n' /static/a\r\n'>"), "<A\r\nHREF\r\n=\r\n' " THERE "/static/a\r\n'>");
}

TEST(HtmlLinks, KeepTheirCharacterReferences) {
    EXPECT_EQ(html("<a href='/static/?a=1&amp;b=2&c'>"), "<a href='" THERE "/static/?a=1&amp;b=2&c'>");
    EXPECT_EQ(html("<a href='&#47;static&sol;a'>"), "<a href='" THERE "&#47;static&sol;a'>");
    EXPECT_EQ(html("<a href=&#47;static&sol;a><a href\n= &#46;./static/>"),
              "<a href=" THERE "&#47;static&sol;a><a href\n= " THERE "/static/>");
    EXPECT_EQ(html("<a href='/st&#97;tic/caf&eacute;'>"), "<a href='" THERE "/st&#97;tic/caf&eacute;'>");
    EXPECT_EQ(html("<a href='..&sol;static/caf&eacute;&amp;x'>"), "<a href='" THERE "&sol;static/caf&eacute;&amp;x'>");
    EXPECT_EQ(html("<a href='/sta&Tab;tic/a'>"), "<a href='" THERE "/static/a'>");
    EXPECT_EQ(html("<a href='/static/&#233;'>"), "<a href='" THERE "/static/&#233;'>");
}

// "&quothttp" is no quote.
TEST(HtmlLinks, MayFollowACharacterReferenceWithoutItsEnd) {
    EXPECT_EQ(html("<p style='a:url(&quot/static/b&quot)'>"), "<p style='a:url(&#34;" THERE "/static/b&quot)'>");
    EXPECT_EQ(html("<p style='a:url(&quot;/static/b&quot;)'>"), "<p style='a:url(&quot;" THERE "/static/b&quot;)'>");
    EXPECT_EQ(html("<img srcset='a 1x&#44/static/b'>"), "<img srcset='a 1x," THERE "/static/b'>");
}

TEST(HtmlLinks, EncodeWhatTheyWrite) {
    EXPECT_EQ(html("<base href='/static/a&amp;&quot;/'><a href='b'>"),
              "<base href='/static/a&amp;&quot;/'><a href='" THERE "/static/a&#38;&#34;/b'>");
    EXPECT_EQ(html("<a href=x>", {}, "/static/a'>/"), "<a href=" THERE "/static/a&#39;&#62;/x>");
}

TEST(HtmlLinks, AreResolvedAgainstTheBase) {
    EXPECT_EQ(html("<a href=a><base href=/static/><base href=/app/>"),
              "<a href=" THERE "/static/a><base href=/static/><base href=/app/>");
    EXPECT_TRUE(stays("<base href=http://cdn.example/><a href=/static/a>"));
    EXPECT_TRUE(stays("<base href=/static/&eacute;/><a href=a><a href=/static/a>")); // which we cannot decode
    EXPECT_TRUE(stays("<base href=/static/><a href=../app><a href=#x>"));
    EXPECT_EQ(html("<base target=x><base href=/static/><a href=a>"),
              "<base target=x><base href=/static/><a href=" THERE "/static/a>");
}

TEST(HtmlLinks, AreFoundInBrokenPages) {
    EXPECT_EQ(html("<b><p><a href=/static/a></b></p></a><table><a href=/static/b><tr>"),
              "<b><p><a href=" THERE "/static/a></b></p></a><table><a href=" THERE "/static/b><tr>");
    EXPECT_EQ(html("<a href='/static/a'<b>c"), "<a href='" THERE "/static/a'<b>c");
    EXPECT_EQ(html("</p></div><a/href=/static/a>"), "</p></div><a/href=" THERE "/static/a>");
    EXPECT_EQ(html("<a href=\"/static/a\"href='/x'title=\">\">"),
              "<a href=\"" THERE "/static/a\"href='/x'title=\">\">");
    EXPECT_EQ(html("<p><a href=/static/a style=url(/static/b)><p>x<p>y"),
              "<p><a href=" THERE "/static/a style=url(" THERE "/static/b)><p>x<p>y");
    EXPECT_EQ(html("<html><html background=/static/a><body><body background=/static/b>"),
              "<html><html background=" THERE "/static/a><body><body background=" THERE "/static/b>");
    EXPECT_EQ(html("<template><a href=/static/a></template><noscript><img src=/static/b></noscript>"),
              "<template><a href=" THERE "/static/a></template><noscript><img src=" THERE "/static/b></noscript>");
    EXPECT_TRUE(stays("<a title='/static/ <a href=x>"));
    std::string errors; // more than the parser keeps
    for (int i = 0; i < 100; ++i) errors += "</x a=1 a=2>&x;";
    EXPECT_EQ(html(errors + "<a id=1 id=2 ID HREF=/static/a>"), errors + "<a id=1 id=2 ID HREF=" THERE "/static/a>");
    EXPECT_EQ(html("<a id=1 id=2 id href=/static/a>"), "<a id=1 id=2 id href=" THERE "/static/a>");
    EXPECT_EQ(html(std::string_view("\0<a\0 href=/static/a\0>", 21)), std::string_view("\0<a\0 href=/static/a\0>", 21));
    EXPECT_EQ(html(std::string_view("\0<a\0 href=/static/a>", 20)).substr(10), THERE "/static/a>");
}

TEST(HtmlLinks, AreFoundBehindMuchText) {
    const std::string text = "<p>don't \"touch\" that >> text & this text &nbsp;\n<b title=\"a > b c d e f g h\" "
                             "id=x>bold text here</b> it's ";
    EXPECT_EQ(html(text + "<a href='/static/a'>" + text + "<a href=/static/b>"),
              text + "<a href='" THERE "/static/a'>" + text + "<a href=" THERE "/static/b>");
    // A value that goes on behind a '>', and over what would be tags elsewhere.
    const std::string value = "<p title='> some text here <b> and more text \" = <i> text text' ";
    EXPECT_EQ(html(value + "><img src=/static/a>"), value + "><img src=" THERE "/static/a>");
    EXPECT_EQ(html("<p title=\"> some text here\" name <b href=/static/a>"),
              "<p title=\"> some text here\" name <b href=" THERE "/static/a>");
    EXPECT_TRUE(stays("<!-- > some text here <b> x -- <a href=/static/a> -->"));
}

TEST(HtmlLinks, AreFoundInEachEncodingWithAsciiInside) {
    for (const char* charset : {"", "utf-8", "iso-8859-1", "windows-1252"})
        EXPECT_EQ(html("<p title='\xe9\xff'>\xe9<a href='../static/\xe9?\xe8'>\xe9", charset),
                  "<p title='\xe9\xff'>\xe9<a href='" THERE "/static/\xe9?\xe8'>\xe9");
    EXPECT_EQ(html("\xef\xbb\xbf<a href=/static/a>"), "\xef\xbb\xbf<a href=" THERE "/static/a>");
    EXPECT_EQ(html("<p>\xc3\xa9\xe2\x82\xac<a href=/static/\xc3\xa9>"),
              "<p>\xc3\xa9\xe2\x82\xac<a href=" THERE "/static/\xc3\xa9>");
}

TEST(HtmlLinks, StayInEveryOtherEncoding) {
    for (const char* charset : {"utf-16", "UTF-16LE", "shift_jis", "utf-7", "klingon"})
        EXPECT_EQ(html("<a href=/static/a>", charset), "untouched") << charset;
    EXPECT_EQ(html("\xff\xfe<a href=/static/a>", "utf-8"), "untouched");
    EXPECT_EQ(html("<meta charset=shift_jis><a href=/static/a>"), "untouched");
    EXPECT_EQ(html("<meta http-equiv=content-type content='text/html; charset=big5; x'><a href=/static/a>"),
              "untouched");
    EXPECT_NE(html("<meta charset=shift_jis><a href=/static/a>", "utf-8"), "untouched"); // the field counts for more
    EXPECT_NE(html("<meta charset=utf-16><a href=/static/a>"), "untouched");             // which cannot be
}

TEST(HtmlLinks, AreGivenUpWhereAPageCostsTooMuch) {
    std::string page = "<a href=/static/a>";
    for (int i = 0; i < 2000; ++i) page += "<b id=" + std::to_string(i) + "><p>"; // each <p> opens all of them again
    const LinkMap map = of_application();
    EXPECT_EQ(rewritten_html({page}, map).error(), Untouched::too_costly);
    EXPECT_EQ(html_links({page}, map, {1U << 16U, std::chrono::hours(1)}).error(), Untouched::too_costly);
    EXPECT_EQ(html_links({page}, map, {std::size_t{1} << 40U, std::chrono::nanoseconds(0)}).error(),
              Untouched::too_costly);
}

TEST(HtmlLinks, AreFoundHoweverDeep) {
    std::string page;
    for (int i = 0; i < 300'000; ++i) page += "<span>";
    const LinkMap map = of_application();
    const auto edits = html_links({page + "<a href=/static/a>"}, map, {std::size_t{1} << 30U, std::chrono::minutes(1)});
    ASSERT_TRUE(edits);
    EXPECT_EQ(*edits, (Edits{{page.size() + 8, page.size() + 8, THERE}}));
}

TEST(HtmlLinks, AreRightOnceTheyAreRewritten) {
    const LinkMap map = of_application();
    const auto once = rewritten_html(
        {"<a href=/static/a style='a:url(../static/b)'><style>@import '/static/c'</style>", "/app/"}, map);
    ASSERT_TRUE(once);
    EXPECT_EQ(rewritten_html({*once, "/app/"}, map).error(), Untouched::right);
    EXPECT_EQ(rewritten_html({"", "/"}, map).error(), Untouched::right);
}

TEST(SheetLinks, AreRewrittenInEachEncodingWithAsciiInside) {
    const LinkMap map = of_application();
    EXPECT_EQ(rewritten_css({"url(/static/\xe9)", "/app/", "latin1"}, map), "url(" THERE "/static/\xe9)");
    EXPECT_EQ(rewritten_css({"@charset \"utf-8\";url(/static/a)", "/app/"}, map),
              "@charset \"utf-8\";url(" THERE "/static/a)");
    EXPECT_EQ(rewritten_css({"@charset \"big5\";url(/static/a)", "/app/"}, map).error(), Untouched::encoding);
    EXPECT_EQ(rewritten_css({"@charset \"", "/app/"}, map).error(), Untouched::right);
    EXPECT_EQ(rewritten_css({"url(/static/a)", "/app/", "utf-16"}, map).error(), Untouched::encoding);
    EXPECT_EQ(rewritten_css({"url(/app/)", "/app/"}, map).error(), Untouched::right);
}

} // namespace
} // namespace mpsup::links

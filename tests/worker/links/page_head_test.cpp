#include "worker/links/page_head.h"

#include "tests/worker/links/two_servers.h"

#include <gtest/gtest.h>

namespace mpsup::links {
namespace {

using contract::PageFate;
using Fields = std::vector<http::Field>;

/// "html", "css", "none", or why not.
std::string kind_of(int status, const Fields& fields) {
    const auto page = page_of(status, fields);
    if (!page) return std::string(to_string(page.error()));
    return page->kind == PageKind::html ? "html" : page->kind == PageKind::css ? "css" : "none";
}

std::string text_of(const PageFields& fields) {
    std::string text;
    for (const http::Field& field : fields.views()) text.append(field.name).append(": ").append(field.value) += '\n';
    return text;
}

PageFields fields_of(const Fields& fields) {
    PageFields result;
    result.assign(fields);
    return result;
}

TEST(PageHead, KnowsPagesByTheirType) {
    for (const char* type : {"text/html", "Text/HTML;charset=utf-8", "application/xhtml+xml", " text/html ; a=b"})
        EXPECT_EQ(kind_of(200, {{"content-type", type}}), "html") << type;
    EXPECT_EQ(kind_of(404, {{"Content-Type", "text/css"}}), "css");
    for (const char* type : {"", "text/htmlx", "text/plain", "image/svg+xml", "application/json", "text", "/", ";"})
        EXPECT_EQ(kind_of(200, {{"Content-Type", type}}), "none") << type;
    EXPECT_EQ(kind_of(200, {}), "none");
    for (const int status : {204, 205, 304}) EXPECT_EQ(kind_of(status, {{"Content-Type", "text/html"}}), "none");
}

TEST(PageHead, FindsTheCharset) {
    EXPECT_EQ(page_type("text/html; charset=latin1").charset, "latin1");
    EXPECT_EQ(page_type("text/html;a=b ; CHARSET=\"utf-8\" ;c").charset, "\"utf-8\"");
    EXPECT_EQ(page_type("text/html; xcharset=a").charset, "");
    EXPECT_EQ(page_type("text/html;;;").charset, "");
}

TEST(PageHead, SaysWhyAPageIsLeftAlone) {
    const http::Field html{"Content-Type", "text/html"};
    EXPECT_EQ(kind_of(200, {html, {"Content-Encoding", "gzip"}}), "coding");
    EXPECT_EQ(kind_of(200, {html, {"Content-Encoding", "Identity"}}), "html");
    EXPECT_EQ(kind_of(206, {html}), "partial");
    EXPECT_EQ(kind_of(200, {html, {"Cache-Control", "max-age=1, No-Transform"}}), "unwanted");
    EXPECT_EQ(kind_of(200, {{"Content-Encoding", "gzip"}}), "none") << "no page at all";
}

TEST(PageHead, LeadsFieldsWhereTheyShould) {
    PageFields fields =
        fields_of({{"Location", "/static/a"}, {"X", "/static/a"}, {"link", "</static/b>; rel=preload"}});
    const LinkMap map = of_application();
    fields.rewrite_links(map, map.base("/app"));
    EXPECT_EQ(text_of(fields), "Location: http://www.example.org:8080/static/a\nX: /static/a\n"
                               "link: <http://www.example.org:8080/static/b>; rel=preload\n");
}

TEST(PageHead, OfAPageDescribesWhatIsSent) {
    PageFields fields = fields_of({{"Accept-Ranges", "bytes"},
                                   {"ETag", "\"a\""},
                                   {"content-md5", "x"},
                                   {"Digest", "x"},
                                   {"Repr-Digest", "x"},
                                   {"Content-Digest", "x"},
                                   {"Last-Modified", "y"}});
    const PageTag tag("l000001");
    fields.describe_page(tag);
    EXPECT_EQ(text_of(fields), "ETag: W/\"a-l000001s\"\n");
    PageFields bare = fields_of({{"etag", "a"}, {"X", ""}});
    bare.describe_page(tag);
    EXPECT_EQ(text_of(bare), "X: \n") << "what is no tag could not say the map";
}

TEST(PageHead, OfA304NamesTheTagThatTheClientHas) {
    const auto tag_for = [](const Fields& asked) {
        PageFields fields = fields_of({{"ETag", "\"a\""}, {"Last-Modified", "y"}});
        http::Request request;
        request.fields = asked;
        fields.tag_as_asked(request, PageTag("l000001"));
        return text_of(fields);
    };
    EXPECT_EQ(tag_for({{"If-None-Match", "\"b\", W/\"a-l000001s\""}}), "ETag: W/\"a-l000001s\"\n");
    EXPECT_EQ(tag_for({{"If-None-Match", "\"a\""}}), "ETag: \"a\"\nLast-Modified: y\n") << "no page";
    EXPECT_EQ(tag_for({}), "ETag: \"a\"\nLast-Modified: y\n");
}

TEST(PageHead, HidesTheMapFromTheApplication) {
    const auto seen = [](const Fields& asked) {
        http::Request request, copy;
        std::string memory;
        request.fields = asked;
        if (!hide_map(request, PageTag("l000001"), copy, memory)) return std::string("the same");
        std::string text;
        for (const http::Field& field : copy.fields) text.append(field.name).append(": ").append(field.value) += '\n';
        return text;
    };
    EXPECT_EQ(seen({{"A", "b"}, {"if-none-match", "W/\"a-l000001s\""}, {"If-Modified-Since", "x"}}),
              "A: b\nIf-None-Match: \"a\"\n");
    EXPECT_EQ(seen({{"If-None-Match", "W/\"a-l000002s\""}, {"If-Modified-Since", "x"}}), "");
    EXPECT_EQ(seen({{"If-None-Match", "W/\"a-l000002s\""}, {"If-None-Match", "\"b\""}}), "If-None-Match: \"b\"\n");
    EXPECT_EQ(seen({{"If-None-Match", "\"b\""}, {"If-Modified-Since", "x"}}), "the same");
    EXPECT_EQ(seen({}), "the same");
}

TEST(PageHead, RewritesByTheKindOfThePage) {
    const LinkMap map = of_application();
    const Page page{"<a href=/static/a>url(/static/b)", "/"};
    EXPECT_EQ(rewritten_page(PageKind::html, page, map).value(),
              "<a href=http://www.example.org:8080/static/a>url(/static/b)");
    EXPECT_EQ(rewritten_page(PageKind::css, {"a{b:url(/static/b)}", "/"}, map).value(),
              "a{b:url(http://www.example.org:8080/static/b)}");
    EXPECT_EQ(rewritten_page(PageKind::html, {"<a href=/app>", "/"}, map).error(), PageFate::right);
    EXPECT_EQ(rewritten_page(PageKind::html, {"<a href=/static/a>", "/", "utf-7"}, map).error(), PageFate::charset);
}

TEST(PageHead, HasASentenceForEachReason) {
    for (std::size_t i = 0; i < contract::page_fates.size(); ++i)
        EXPECT_TRUE(sentence_of(static_cast<PageFate>(i)).starts_with("links of a page are not rewritten: "));
    EXPECT_TRUE(contract::is_untouched(PageFate::too_large));
    EXPECT_FALSE(contract::is_untouched(PageFate::right) || contract::is_untouched(PageFate::rewritten));
}

} // namespace
} // namespace mpsup::links

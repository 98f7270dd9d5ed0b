#include "worker/link_check/page_links.h"

#include <gtest/gtest.h>

namespace mpsup::link_check {
namespace {

PageReply reply(const char* type, std::string body) {
    return {.status = 200, .fields = {{"Content-Type", type}}, .body = std::move(body)};
}

// "href:2 http://h/a; …"
std::string listed(const PageReply& reply) {
    std::string list;
    for (const FoundLink& each : links_of(reply, links::parse_url("http://h/p/q").value()).found)
        list += (list.empty() ? "" : "; ") + each.link.of + ":" + std::to_string(each.link.line) + " " +
                each.link.target + (each.link.by_get ? "" : "!");
    return list;
}

TEST(PageLinks, OfAPageHaveLinesAndAreResolved) {
    EXPECT_EQ(listed(reply("text/html; charset=utf-8",
                           "<p>\n<a href=a>\n<img src='../b'><a href=a></a>\n<form method=post action=/c>")),
              "href:2 http://h/p/a; src:3 http://h/b; action:4 http://h/c!");
    EXPECT_EQ(listed(reply("text/html", "<base href='//other/x/'><a href=a><a href=mailto:x@y><a href='#top'>")),
              "href:1 http://other/x/a");
    EXPECT_EQ(listed(reply("text/plain", "<a href=a>")), "");
}

TEST(PageLinks, OfAStyleSheetToo) {
    EXPECT_EQ(listed(reply("text/css", "@import 'a.css';\n\nb { c: url(d.png) }")),
              "url():1 http://h/p/a.css; url():3 http://h/p/d.png");
}

TEST(PageLinks, OfFieldsStandNowhereInThePage) {
    PageReply moved{.status = 302, .fields = {{"Location", "a?b"}, {"Link", "<c>; rel=next"}, {"Refresh", "1; url=d"}}};
    EXPECT_EQ(listed(moved), "Location:0 http://h/p/a?b; Link:0 http://h/p/c; Refresh:0 http://h/p/d");
}

std::string unread(PageReply reply) { return links_of(reply, links::parse_url("http://h/").value()).unread; }

TEST(PageLinks, OfWhatCannotBeReadAreMissed) {
    const auto coded = [](const char* type, const char* coding) {
        PageReply page = reply(type, "<a href=a>");
        page.fields.emplace_back("Content-Encoding", coding);
        return page;
    };
    EXPECT_EQ(unread(reply("text/html", "<a href=a>")), "");
    EXPECT_EQ(unread(coded("text/html", "gzip")), "compressed (gzip), which was not asked for");
    EXPECT_EQ(listed(coded("text/html", "gzip")), "");
    EXPECT_EQ(unread(coded("Text/CSS", "br")), "compressed (br), which was not asked for");
    EXPECT_EQ(unread(coded("text/html", "Identity")), "");
    EXPECT_EQ(unread(coded("image/png", "gzip")), "") << "no text";
    EXPECT_EQ(unread(reply("text/html; charset=utf-16", "<a href=a>")),
              "in an encoding in which no links are found: utf-16");
    EXPECT_EQ(unread(reply("text/html", "\xff\xfe<")), "in an encoding in which no links are found");
    EXPECT_EQ(unread(reply("text/html", "<meta charset=shift_jis><a href=a>")),
              "in an encoding in which no links are found");
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += "<div>";
    EXPECT_EQ(unread(reply("text/html", deep)), "too costly to parse");
}

TEST(PageLinks, OfACutPageAreThoseThatWereRead) {
    PageReply page = reply("text/html", "<a href=a>");
    page.is_cut = true;
    EXPECT_EQ(unread(page), "longer than 10 bytes: the rest was not read");
    EXPECT_EQ(listed(page), "href:1 http://h/p/a");
    page = reply("image/png", "png");
    page.is_cut = true;
    EXPECT_EQ(unread(page), "") << "it has no links";
}

TEST(PageLinks, SecretsAreFoundInFieldsAndTexts) {
    using Found = std::vector<std::pair<std::string, std::string>>;
    PageReply page = reply("text/html", "<p>\nat 10.0.0.1:80, not 110.0.0.1:80 or 10.0.0.1:8080");
    page.fields.emplace_back("X-From", "unix:/run/app.sock");
    EXPECT_EQ(secrets_in(page, {"10.0.0.1:80", "/run/app.sock", "10.0.0.1:8"}),
              (Found{{"line 2", "10.0.0.1:80"}, {"X-From", "/run/app.sock"}}));
    EXPECT_EQ(secrets_in(reply("text/plain", "110.0.0.1:80 10.0.0.1:801"), {"10.0.0.1:80"}), Found{});
    EXPECT_EQ(secrets_in(reply("text/plain", "mylocalhost:8081 x-localhost:8081 localhost:80812"), {"localhost:8081"}),
              Found{});
    EXPECT_EQ(secrets_in(reply("text/plain", "http://localhost:8081/"), {"localhost:8081"}),
              (Found{{"line 1", "localhost:8081"}}));
    EXPECT_EQ(secrets_in(reply("image/png", "10.0.0.1:80"), {"10.0.0.1:80"}), Found{}) << "no text";
}

} // namespace
} // namespace mpsup::link_check

#include "worker/links/link_map.h"

#include "tests/worker/links/two_servers.h"

#include <gtest/gtest.h>

namespace mpsup::links {
namespace {

constexpr std::string_view unchanged = "unchanged";

std::string link(std::string_view reference, std::string_view page = "/app/page",
                 const LinkMap& map = of_application()) {
    return map.rewritten(map.base(page), reference).value_or(std::string(unchanged));
}

std::string below(std::string_view href, std::string_view reference) {
    const LinkMap map = of_application();
    return map.rewritten(map.base(map.base("/app/page"), href), reference).value_or(std::string(unchanged));
}

TEST(LinkMap, MakesLinksOfAnotherServerAbsolute) {
    EXPECT_EQ(link("/static/a.css"), "http://www.example.org:8080/static/a.css");
    EXPECT_EQ(link("../static/a.css?v=1#x"), "http://www.example.org:8080/static/a.css?v=1#x");
    EXPECT_EQ(link("/favicon.ico"), "http://www.example.org:8080/favicon.ico");
    EXPECT_EQ(link("deep/x.png", "/img/"), "http://www.example.org:8080/img/deep/x.png");
    EXPECT_EQ(link("/", "/static/a.html", of_files()), "http://www.example.org:8081/");
    EXPECT_EQ(link("../search?q=/static/", "/static/a.html", of_files()),
              "http://www.example.org:8081/search?q=/static/");
}

TEST(LinkMap, LeavesLinksWithinAServerAlone) {
    for (const char* reference :
         {"/", "/app", "page2", "?q=1", "/staticx", "/static", "/img/other.png", "/favicon.ico2", "/app/?to=/static/",
          "/app#/static/", "x/static/a.css", "/STATIC/a", "./", ".."})
        EXPECT_EQ(link(reference), unchanged) << reference;
    EXPECT_EQ(link("b.html", "/static/a.html", of_files()), unchanged);
    EXPECT_EQ(link("?x", "/static/a.html", of_files()), unchanged);
}

TEST(LinkMap, LeavesWhatIsNoPlaceOfTheSiteAlone) {
    for (const char* reference :
         {"", " ", "#", "#/static/", "data:image/png;base64,/static/", "mailto:x@y/static/",
          "javascript:go('/static/')", "about:blank", "ftp://www.example.org:8081/static/a",
          "http://other.example/static/a", "//other.example/static/", "https://www.example.org:8081/static/a",
          "http://www.example.org/static/a", "//www.example.org/static/a", "http://user@www.example.org:8081/static/",
          "http://www.example.org:8080/static/a", "http://www.example.org:8080/app"})
        EXPECT_EQ(link(reference), unchanged) << reference;
}

TEST(LinkMap, MovesAbsoluteLinksOfItsOwnServerToWhereTheyBelong) {
    EXPECT_EQ(link("http://www.example.org:8081/static/a?b"), "http://www.example.org:8080/static/a?b");
    EXPECT_EQ(link("HTTP://WWW.example.org:8081/static/a"), "http://www.example.org:8080/static/a");
    EXPECT_EQ(link("//www.example.org:8081/x/../static/a"), "http://www.example.org:8080/static/a");
    EXPECT_EQ(link("http://www.example.org:8081/app"), unchanged);
    EXPECT_EQ(link("http://www.example.org:8081"), unchanged);
    EXPECT_EQ(link("http://www.example.org:8080", "/static/a", of_files()), "http://www.example.org:8081/");
    EXPECT_EQ(link("http://www.example.org:8080?x", "/static/a", of_files()), "http://www.example.org:8081/?x");
}

TEST(LinkMap, ChangesNothingTwice) {
    for (const char* reference : {"/static/a.css", "../static/", "//www.example.org:8081/static/a", "\\static\\"}) {
        const std::string once = link(reference);
        EXPECT_NE(once, unchanged) << reference;
        EXPECT_EQ(link(once), unchanged) << once;
    }
}

TEST(LinkMap, HasARuleForWhatIsOdd) {
    const std::string there = "http://www.example.org:8080/static/a";
    EXPECT_EQ(link("//host/static/a"), unchanged);     // another host
    EXPECT_EQ(link("///static/a"), unchanged);         // for browsers the host "static"
    EXPECT_EQ(link("\\static\\a"), there);             // '\' is '/'
    EXPECT_EQ(link("\\\\host\\static\\a"), unchanged); //
    EXPECT_EQ(link("/static/../app"), unchanged);      // it is where it leads that counts
    EXPECT_EQ(link("/../../static/a"), there);         // nothing is above the root
    EXPECT_EQ(link("%2e%2E/static/a"), there);         // escaped dots are dots
    EXPECT_EQ(link("/%73tatic/a"), "http://www.example.org:8080/%73tatic/a");
    EXPECT_EQ(link("/static%2fa"), unchanged);  // no server decodes that
    EXPECT_EQ(link("/static/%"), unchanged);    // nor that
    EXPECT_EQ(link("/static/%00"), unchanged);  //
    EXPECT_EQ(link("..//static/a"), unchanged); // "//static/a" is no path of the other server
    EXPECT_EQ(link("/static//a"), "http://www.example.org:8080/static//a");
    EXPECT_EQ(link("/static/a;x=1"), there + ";x=1");
    EXPECT_EQ(link(" \n/static/a \t"), " \n" + there + " \t"); // what is around stays
    EXPECT_EQ(link("/sta\ntic/a"), there);                     // browsers take line ends out
    EXPECT_EQ(link("/static/a b"), there + " b");              // a space within stays
    EXPECT_EQ(link(std::string_view("/static/\0", 9)), unchanged);
    EXPECT_EQ(link("/static/\x01"), unchanged);
    EXPECT_EQ(link("/static/\xe9"), "http://www.example.org:8080/static/\xe9"); // in whatever encoding
}

TEST(LinkMap, ResolvesAgainstTheBaseOfAPage) {
    EXPECT_EQ(below("/static/", "a.css"), "http://www.example.org:8080/static/a.css");
    EXPECT_EQ(below("/static/x", "?q"), "http://www.example.org:8080/static/x?q");
    EXPECT_EQ(below("/static/", "../app"), unchanged);
    EXPECT_EQ(below("/static/", "#x"), unchanged);
    EXPECT_EQ(below("../static/", "a.css"), "http://www.example.org:8080/static/a.css");
    EXPECT_EQ(below("http://www.example.org:8081/static/", "a"), "http://www.example.org:8080/static/a");
    EXPECT_EQ(below("", "../static/a"), "http://www.example.org:8080/static/a");
    EXPECT_EQ(below("#x", "../static/a"), "http://www.example.org:8080/static/a");
}

TEST(LinkMap, LeavesRelativeLinksAloneBelowAForeignBase) {
    for (const char* href :
         {"http://cdn.example/", "//cdn.example/static/", "mailto:x", "data:,x", "http:///", "\x01"}) {
        EXPECT_EQ(below(href, "/static/a"), unchanged) << href;
        EXPECT_EQ(below(href, "http://www.example.org:8081/static/a"), "http://www.example.org:8080/static/a") << href;
    }
    EXPECT_EQ(below("http://www.example.org:8080/static/", "/static/a"), unchanged); // it leads there by itself
}

TEST(LinkMap, GivesAPathToTheServerWithTheLongestBeginning) {
    const LinkMap map({{{"https", "a.example", 443}, {"/a/"}},
                       {{"http", "b.example", 80}, {"/a/b/"}},
                       {{"http", "c.example", 81}, {}}},
                      2);
    EXPECT_EQ(map.rewritten(map.base("/"), "/a/x"), "https://a.example/a/x");
    EXPECT_EQ(map.rewritten(map.base("/"), "/a/b/x"), "http://b.example/a/b/x");
    EXPECT_EQ(map.rewritten(map.base("/"), "/a/bx"), "https://a.example/a/bx");
}

TEST(LinkMap, ComparesOriginsWithTheirUsualPorts) {
    const LinkMap map({{{"http", "a.example", 81}, {"/s/"}}, {{"http", "a.example", 80}, {}}}, 1);
    EXPECT_EQ(map.rewritten(map.base("/"), "http://a.example/s/"), "http://a.example:81/s/");
    EXPECT_EQ(map.rewritten(map.base("/"), "http://a.example:80/s/"), "http://a.example:81/s/");
    EXPECT_EQ(map.rewritten(map.base("/"), "http://a.example:81/s/"), std::nullopt);
}

TEST(LinkMap, ChangesNothingWhereTwoServersShareAnOrigin) {
    const LinkMap map({{{"http", "a.example", 80}, {"/s/"}}, {{"http", "a.example", 80}, {}}}, 1);
    EXPECT_EQ(map.rewritten(map.base("/"), "/s/"), std::nullopt);
}

TEST(LinkMap, SaysOnlyWhatChanges) {
    const LinkMap map = of_application();
    EXPECT_EQ(map.change(map.base("/app/"), " /static/a?b "), (Edit{1, 1, "http://www.example.org:8080"}));
    EXPECT_EQ(map.change(map.base("/app/"), "../static/a"), (Edit{0, 2, "http://www.example.org:8080"}));
}

TEST(LinkMap, KnowsWordsWithoutWhichNothingChanges) {
    const LinkMap map = of_application();
    EXPECT_EQ(map.words(map.base("/app/")), (std::vector<std::string_view>{"static", "deep", "favicon.ico"}));
    EXPECT_EQ(map.words(map.base("/static")), std::nullopt); // "?x" leads to the other
    EXPECT_EQ(map.words(map.base("/%73tatic/")), std::nullopt);
    EXPECT_EQ(of_files().words(map.base("/static/a")), std::nullopt); // all else is the other's
}

} // namespace
} // namespace mpsup::links

#include "worker/link_check/crawl.h"

#include <gtest/gtest.h>

#include <map>
#include <thread>

namespace mpsup::link_check {
namespace {

using namespace std::chrono_literals;

class Crawling : public testing::Test {
protected:
    void page(const char* url, std::string body) {
        pages_[url] = {.status = 200, .fields = {{"Content-Type", "text/html"}}, .body = std::move(body)};
    }
    void moved(const std::string& url, std::string to) {
        pages_[url] = {.status = 302, .fields = {{"Location", std::move(to)}}};
    }

    Result<> run() {
        const auto get = [this](const PageRequest& request, std::size_t, http::TimePoint end) -> Result<PageReply> {
            const auto found = pages_.find((request.tls ? "https://" : "http://") + request.authority + request.target);
            asked_ += (asked_.empty() ? "" : " ") + request.target;
            if (found == pages_.end()) return PageReply{.status = 404};
            if (is_slow_) std::this_thread::sleep_until(end);
            if (found->second.status == 0) return failure("the connection ended");
            return found->second;
        };
        return crawl(job_, get, [this](const contract::LinkFact& fact) {
            facts_.push_back(fact);
            return facts_.size() < most_facts_;
        });
    }

    const contract::CrawledPage& page_of(const char* url) {
        static const contract::CrawledPage none;
        for (const auto& fact : facts_)
            if (fact.page.url == url) return fact.page;
        return none;
    }

    contract::LinkJob job_{.servers = {{"http://h", "127.0.0.1:80"}}, .start = {"http://h/"}};
    std::map<std::string, PageReply> pages_;
    std::vector<contract::LinkFact> facts_;
    std::string asked_;
    std::size_t most_facts_ = 1000;
    bool is_slow_ = false; // what has no answer has none at the deadline either
};

TEST_F(Crawling, AsksForEachUrlOnceBreadthFirst) {
    page("http://h/", "<a href=a><a href=b><a href='http://elsewhere/c'>");
    page("http://h/a", "\n<a href=/><a href=d#x><a href=d#y>");
    ASSERT_TRUE(run());
    EXPECT_EQ(asked_, "/ /a /b /d");
    EXPECT_EQ(page_of("http://h/d").from, "http://h/a");
    EXPECT_EQ(page_of("http://h/d").line, 2U);
    EXPECT_EQ(page_of("http://h/b").status, 404U);
    EXPECT_TRUE(facts_.back().is_last);
    EXPECT_EQ(facts_.back().cut, "");
}

TEST_F(Crawling, LeavesOutWhatIsExcludedAndWhatSendsSomething) {
    page("http://h/",
         "<a href=logout><a href='search?q=1'><form method=post action=send></form><a ping=counted href=a>");
    job_.exclude = {"/logout", "/search?*"};
    ASSERT_TRUE(run());
    EXPECT_EQ(asked_, "/ /a");
    EXPECT_EQ(facts_[1].link.target, "http://h/logout") << "but tells of the link";
}

TEST_F(Crawling, StopsAtItsLimits) {
    for (int i = 0; i < 50; ++i)
        page(("http://h/" + std::to_string(i)).c_str(), "<a href=" + std::to_string(i + 1) + ">");
    job_.start = {"http://h/0"};
    job_.pages = 5;
    ASSERT_TRUE(run());
    EXPECT_EQ(asked_, "/0 /1 /2 /3 /4");
    EXPECT_EQ(facts_.back().cut, "more than 5 pages");
    EXPECT_EQ(facts_.back().left, 1U);
    EXPECT_EQ(facts_.back().link.target, "http://h/5");
    EXPECT_EQ(facts_.back().link.page, "http://h/4");
    facts_.clear();
    job_.time = 0ms;
    ASSERT_TRUE(run());
    EXPECT_EQ(facts_.back().cut, "the time was up");
    most_facts_ = 1;
    facts_.clear();
    job_.time = 1min;
    EXPECT_FALSE(run()) << "nobody listens any more";
}

TEST_F(Crawling, BlamesNoPageForTheEndOfItsOwnTime) {
    pages_["http://h/"] = {.status = 0};
    is_slow_ = true;
    job_.time = 20ms;
    ASSERT_TRUE(run());
    ASSERT_EQ(facts_.size(), 1U) << "nothing is said of the page";
    EXPECT_EQ(facts_[0].cut, "the time was up");
    EXPECT_EQ(facts_[0].left, 1U);
    EXPECT_EQ(facts_[0].link.target, "http://h/");
    facts_.clear();
    job_ = {.servers = job_.servers, .start = job_.start, .patience = 20ms};
    ASSERT_TRUE(run());
    EXPECT_EQ(page_of("http://h/").trouble, "the connection ended");
}

TEST_F(Crawling, FollowsRedirectsButNotForEver) {
    for (int i = 0; i < 50; ++i) moved("http://h/" + std::to_string(i), std::to_string(i + 1));
    job_.start = {"http://h/0"};
    ASSERT_TRUE(run());
    EXPECT_EQ(page_of("http://h/1").redirects, 1U);
    EXPECT_EQ(page_of("http://h/1").redirect, "http://h/2");
    EXPECT_EQ(page_of("http://h/20").redirects, most_redirects);
    EXPECT_EQ(page_of("http://h/21").url, "");
}

TEST_F(Crawling, TellsOfTroubleAndCookies) {
    pages_["http://h/"] = {.status = 0};
    job_.start = {"http://h/", "http://h/b"};
    pages_["http://h/b"] = {.status = 200,
                            .fields = {{"Set-Cookie", "a=b"}, {"set-cookie", "c=d"}, {"Last-Modified", "x"}}};
    ASSERT_TRUE(run());
    EXPECT_EQ(page_of("http://h/").trouble, "the connection ended");
    EXPECT_EQ(page_of("http://h/b").cookies, (std::vector<std::string>{"a=b", "c=d"}));
    EXPECT_TRUE(page_of("http://h/b").has_date);
}

TEST_F(Crawling, TellsOfWhatItCouldNotRead) {
    pages_["http://h/"] = {.status = 200,
                           .fields = {{"Content-Type", "text/html"}, {"Content-Encoding", "gzip"}, {"Location", "/b"}},
                           .body = "\x1f\x8b"};
    ASSERT_TRUE(run());
    EXPECT_EQ(page_of("http://h/").trouble, "compressed (gzip), which was not asked for");
    EXPECT_EQ(asked_, "/ /b") << "its fields are read";
}

TEST_F(Crawling, CanTellOfEveryHost) {
    page("http://h/", "<a href='http://\xe9xample.com/'><a href='/\xe9\x80?\xff'>");
    ASSERT_TRUE(run());
    for (const auto& fact : facts_)
        EXPECT_TRUE(contract::decode_link_fact(contract::encode_link_fact(fact))) << contract::encode_link_fact(fact);
}

TEST_F(Crawling, RefusesAJobThatMakesNoSense) {
    job_.start = {"http://elsewhere/"};
    EXPECT_FALSE(run());
    job_.start = {};
    job_.servers = {{"ftp://h", "127.0.0.1:80"}};
    EXPECT_FALSE(run());
    job_.servers = {{"http://h", "h:80"}};
    EXPECT_FALSE(run());
}

TEST(LinkPatterns, HaveStars) {
    EXPECT_TRUE(matches("/a*", "/ab/c"));
    EXPECT_TRUE(matches("*b*c", "/abcabc"));
    EXPECT_TRUE(matches("/a", "/a"));
    EXPECT_TRUE(matches("**", ""));
    EXPECT_FALSE(matches("/a", "/ab"));
    EXPECT_FALSE(matches("/a*b", "/abc"));
    EXPECT_FALSE(matches("", "/"));
}

TEST(LinkFacts, AreReadAsTheyWereWritten) {
    const contract::LinkFact fact{
        .page = {.url = "http://h/",
                 .status = 302,
                 .type = "text/html",
                 .bytes = 5,
                 .has_date = true,
                 .redirect = "http://h/b",
                 .redirects = 2,
                 .cookies = {"a=b"},
                 .secrets = {{"line 1", "x"}}},
        .link = {
            .page = "http://h/", .line = 3, .of = "href", .reference = "b\"", .target = "http://h/b", .by_get = false}};
    EXPECT_EQ(contract::decode_link_fact(contract::encode_link_fact(fact)).value(), fact);
    const contract::LinkJob job{
        .servers = {{"http://h", "1.2.3.4:5"}}, .start = {"http://h/"}, .exclude = {"*"}, .time = 5s};
    EXPECT_EQ(contract::decode_link_job(contract::encode_link_job(job)).value(), job);
    for (const char* const bad : {"", "[]", "{\"page\":1}", "{\"other\":true}", "{\"page\":{\"status\":-1}}"})
        EXPECT_FALSE(contract::decode_link_fact(bad)) << bad;
}

TEST(LinkFacts, MayHoldAnyOctets) {
    const std::string odd("\xe9\0\"\x01", 4);
    contract::LinkFact fact{.page = {.url = odd,
                                     .trouble = odd,
                                     .type = odd,
                                     .from = odd,
                                     .redirect = odd,
                                     .cookies = {odd},
                                     .secrets = {{odd, odd}}},
                            .link = {.page = odd, .of = odd, .reference = odd, .target = odd},
                            .cut = odd};
    const auto read = contract::decode_link_fact(contract::encode_link_fact(fact));
    ASSERT_TRUE(read) << read.error().to_string();
    const std::string safe = "??\"\x01";
    EXPECT_EQ(read->page.secrets, (std::vector<std::pair<std::string, std::string>>{{safe, safe}}));
    EXPECT_EQ(read->page.cookies, std::vector<std::string>{safe});
    for (const std::string* each :
         {&read->page.url, &read->page.trouble, &read->page.type, &read->page.from, &read->page.redirect,
          &read->link.page, &read->link.of, &read->link.reference, &read->link.target, &read->cut})
        EXPECT_EQ(*each, safe);
}

} // namespace
} // namespace mpsup::link_check

#include "worker/links/site_links.h"

#include <gtest/gtest.h>

namespace mpsup::links {
namespace {

using Mode = contract::Links::Mode;

contract::Links links_of(std::uint32_t own, Mode mode = Mode::redirect) {
    return {mode, {{"http://127.0.0.1:8080", {"/static/"}}, {"https://www.example.org", {}}}, own};
}

struct Asked {
    std::string_view path;
    std::string_view query{};
    std::string_view method = "GET";
    std::string_view authority = "127.0.0.1:8081";
};

/// "307 URL"; "no" when it is answered here.
std::string redirection(const contract::Links& links, const Asked& asked) {
    http::Request request;
    request.method = asked.method;
    request.path = asked.path;
    request.query = asked.query;
    request.has_query = !asked.query.empty();
    request.authority = asked.authority;
    http::Reply reply;
    if (!SiteLinks(links).redirect(request, reply)) {
        EXPECT_TRUE(reply.fields().empty() && reply.text.empty() && reply.status == 200);
        return "no";
    }
    std::string result = std::to_string(reply.status);
    for (const http::Field& field : reply.fields()) {
        if (field.name == "Location") result += " " + std::string(field.value);
        if (field.name == "Cache-Control") {
            EXPECT_EQ(field.value, "no-store");
        }
    }
    return result;
}

TEST(SiteLinks, RedirectToTheServerThatHasThePath) {
    EXPECT_EQ(redirection(links_of(1), {"/static/a.css"}), "307 http://127.0.0.1:8080/static/a.css");
    EXPECT_EQ(redirection(links_of(1), {"/static/a%20b", "x=1&y"}), "307 http://127.0.0.1:8080/static/a%20b?x=1&y");
    EXPECT_EQ(redirection(links_of(1), {"/%73tatic/a", {}, "HEAD"}), "307 http://127.0.0.1:8080/%73tatic/a");
    EXPECT_EQ(redirection(links_of(0), {"/cart", {}, "POST"}), "308 https://www.example.org/cart");
    EXPECT_EQ(redirection(links_of(0), {"//evil.example/x"}), "307 https://www.example.org//evil.example/x")
        << "behind the authority it is a path";
}

TEST(SiteLinks, AnswerHereWhatIsTheirOwnAndWhatNobodyCouldDecode) {
    for (const std::string_view path : {"/", "/cart", "/static", "/staticx/a", "/static/%zz", "/static/../x", "*"})
        EXPECT_EQ(redirection(links_of(1), {path}), "no") << path;
    EXPECT_EQ(redirection(links_of(0), {"/static/a"}), "no");
    EXPECT_EQ(redirection(links_of(1, Mode::rewrite), {"/static/a"}), "no");
    EXPECT_EQ(redirection({}, {"/static/a"}), "no");
}

// The name that the other one is said to have leads here.
TEST(SiteLinks, SendNobodyBackToWhereHeCameFrom) {
    EXPECT_EQ(redirection(links_of(1), {.path = "/static/a", .authority = "127.0.0.1:8080"}), "no");
    EXPECT_EQ(redirection(links_of(0), {.path = "/cart", .authority = "WWW.example.org"}), "no");
    EXPECT_EQ(redirection(links_of(0), {.path = "/cart", .authority = "www.example.org:443"}), "no");
    EXPECT_EQ(redirection(links_of(0), {.path = "/cart", .authority = ""}), "307 https://www.example.org/cart");
    const contract::Links one_name{
        Mode::redirect, {{"http://example.org", {"/static/"}}, {"https://example.org", {}}}, 0};
    EXPECT_EQ(redirection(one_name, {.path = "/cart", .authority = "example.org"}), "307 https://example.org/cart")
        << "they differ by their scheme, and the client came under our own name";
}

// It listens on every address, and nobody said what clients call it.
TEST(SiteLinks, NameAServerOnEveryAddressAtTheHostThatTheClientCalled) {
    contract::Links links = links_of(1);
    links.servers[0].any_host = true;
    const auto from = [&](std::string_view authority) {
        return redirection(links, {.path = "/static/a", .authority = authority});
    };
    EXPECT_EQ(from("shop.example:8081"), "307 http://shop.example:8080/static/a");
    EXPECT_EQ(from("10.0.0.7:8081"), "307 http://10.0.0.7:8080/static/a");
    EXPECT_EQ(from("[fd00::7]:8081"), "307 http://[fd00::7]:8080/static/a");
    EXPECT_EQ(from("Shop.Example"), "307 http://shop.example:8080/static/a");
    for (const std::string_view bad : {"", "a/b", "evil.example@x", "a b", "x:8081:1", "..", "a\r\nb"})
        EXPECT_EQ(from(bad), "307 http://127.0.0.1:8080/static/a") << bad;
    EXPECT_EQ(from("shop.example:8080"), "no") << "he called the other one, and came here";
    links.own = 0;
    EXPECT_EQ(redirection(links, {.path = "/cart", .authority = "shop.example:8080"}),
              "307 https://www.example.org/cart")
        << "that one has a name";
}

// No path sends anybody round in a circle, whoever is asked first.
TEST(SiteLinks, FormNoLoop) {
    contract::Links links{Mode::redirect,
                          {{"http://a", {"/static/", "/"}},
                           {"http://b", {"/static/deep", "/img/"}},
                           {"http://c", {"/static/deep/er/"}},
                           {"http://d", {"/img/"}}},
                          0};
    for (const std::string_view path :
         {"/", "/static/", "/static/deep", "/static/deep/er/x", "/img/a", "/%2e%2e/x", "/a//b", "/static/%64eep/x"})
        for (std::uint32_t first = 0; first < links.servers.size(); ++first) {
            int steps = 0;
            std::uint32_t at = first;
            for (;; ++steps) {
                links.own = at;
                const std::string found =
                    redirection(links, {.path = path, .authority = links.servers[at].url.substr(7)});
                if (found == "no") break;
                ASSERT_LT(steps, 1) << path << " from " << links.servers[first].url;
                at = static_cast<std::uint32_t>(found[std::string_view("307 http://").size()] - 'a');
            }
        }
}

} // namespace
} // namespace mpsup::links

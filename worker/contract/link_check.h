// What a worker program is asked to crawl, and what it saw: it has the parsers and TLS that the commands lack. Who served what, and
// what is wrong with it, is judged by who asked.
#pragma once

#include "base/error.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mpsup::contract {

/// The option of the worker programs. The job is read from standard input, facts are written to standard output, a line each.
constexpr std::string_view check_links_option = "--check-links";

/// A public face of the site.
struct CrawledServer {
    std::string origin{};  // "http://www.example.org:8080", as links name it
    std::string address{}; // "127.0.0.1:8080", to connect to
    bool tls = false;      // there; the origin may be what a proxy before the site makes of it

    friend bool operator==(const CrawledServer&, const CrawledServer&) = default;
};

struct LinkJob {
    std::vector<CrawledServer> servers{};
    std::vector<std::string> start{};   // URLs
    std::vector<std::string> exclude{}; // of paths with queries, with `*` for any text: not asked for
    std::vector<std::string> secrets{}; // texts that no reply should hold
    std::uint32_t pages = 1000;
    std::uint64_t page_bytes = 8ULL << 20;      // of one; the rest is not read
    std::chrono::milliseconds patience{10'000}; // for one answer
    std::chrono::milliseconds time{300'000};    // for all of it

    friend bool operator==(const LinkJob&, const LinkJob&) = default;
};

/// One URL that was asked for.
struct CrawledPage {
    std::string url{};
    std::uint32_t status = 0;                                   // 0: no answer, and `trouble` says why
    std::string trouble{};                                      // with an answer: why not all of its text was looked at
    std::string type{};                                         // Content-Type
    std::uint64_t bytes = 0;                                    // of content that was read
    bool has_date = false;                                      // Last-Modified, as files have it
    std::string from{};                                         // the page that led here first; empty: the start
    std::uint32_t line = 0;                                     // in it; 0: a field
    std::string redirect{};                                     // the URL that Location leads to
    std::uint32_t redirects = 0;                                // in a row that led here
    std::vector<std::string> cookies{};                         // values of Set-Cookie
    std::vector<std::pair<std::string, std::string>> secrets{}; // where ("line 12", a field's name), and the text

    friend bool operator==(const CrawledPage&, const CrawledPage&) = default;
};

/// A link on a page that was asked for. One that leads to the same place as an earlier one of the page is left out.
struct CrawledLink {
    std::string page{};
    std::uint32_t line = 0;  // 0: a field
    std::string of{};        // the attribute, or the field
    std::string reference{}; // as it was written, decoded
    std::string target{};    // the URL that it leads to
    bool by_get = true;

    friend bool operator==(const CrawledLink&, const CrawledLink&) = default;
};

/// One of the two, or the last: the crawl is over, and why it may have missed something; then `link` is the first that was not
/// followed.
struct LinkFact {
    CrawledPage page{};
    CrawledLink link{};
    bool is_last = false;
    std::string cut{};      // empty: nothing was missed
    std::uint32_t left = 0; // URLs that were not asked for

    friend bool operator==(const LinkFact&, const LinkFact&) = default;
};

/// JSON. Reading checks everything: other keys, types, sizes. Octets of a fact that are no ASCII are written as question marks: what
/// a server sent may be anything.
[[nodiscard]] std::string encode_link_job(const LinkJob& job);
[[nodiscard]] Result<LinkJob> decode_link_job(std::string_view text);
[[nodiscard]] std::string encode_link_fact(const LinkFact& fact);
[[nodiscard]] Result<LinkFact> decode_link_fact(std::string_view text);

} // namespace mpsup::contract

// What is wrong with the links of a site, judged by what a crawler saw of it.
#pragma once

#include "supervisor/cli/crawled_site.h"
#include "worker/contract/link_check.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mpsup::cli {

/// One URL that was asked for, and who answered.
struct CheckedPage {
    contract::CrawledPage seen{};
    Served served{};
};

struct LinkFinding {
    std::string
        code{};        // "wrong-tier", "leaked-backend", "redirect-loop", "heavy-file", "cookie-domain", "cookie-path",
                       // "broken-link", "mixed-scheme", "not-checked"; of notes "redirected"
    std::string url{}; // what it is about
    std::string page{};     // where that stands; empty: nowhere, it was the start
    std::uint32_t line = 0; // of that page; 0: in a field
    std::string message{};

    friend bool operator==(const LinkFinding&, const LinkFinding&) = default;
};

struct CheckedLinks {
    std::vector<CheckedPage> pages{};    // in the order in which they were asked for
    std::vector<LinkFinding> findings{}; // in the order of the pages
    std::vector<LinkFinding> notes{};    // what works, but could be better
    std::string cut{};                   // why the crawl may have missed something
};

/// Pure. `facts`: of one crawl, as they came.
[[nodiscard]] CheckedLinks judge(const CrawledSite& site, const std::vector<contract::LinkFact>& facts);

} // namespace mpsup::cli

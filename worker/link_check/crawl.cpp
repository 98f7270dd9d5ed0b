#include "worker/link_check/crawl.h"

#include "worker/http/request.h"
#include "worker/link_check/page_links.h"

#include <algorithm>
#include <deque>
#include <set>

namespace mpsup::link_check {

namespace {

using contract::CrawledPage;
using contract::LinkFact;
using links::AbsoluteUrl;

struct Server {
    AbsoluteUrl origin;
    Address address;
    bool tls;
};

struct Visit {
    AbsoluteUrl url;
    std::string from{};
    std::uint32_t line = 0;
    std::uint32_t redirects = 0;
};

class Crawl {
public:
    Crawl(const contract::LinkJob& job, const Get& get, const Tell& tell)
        : job_(job), get_(get), tell_(tell), end_(http::Clock::now() + job.time) {}

    Result<> run() {
        if (auto ready = prepare(); !ready) return ready;
        std::string cut;
        for (std::uint32_t count = 0; cut.empty() && !waiting_.empty(); ++count) {
            if (count == job_.pages)
                cut = "more than " + std::to_string(job_.pages) + " pages";
            else if (http::Clock::now() >= end_)
                cut = "the time was up";
            else if (!look_at(next()))
                return failure("nobody wants to know");
        }
        contract::LinkFact last{.is_last = true, .cut = cut, .left = static_cast<std::uint32_t>(waiting_.size())};
        if (!waiting_.empty()) {
            const Visit visit = next();
            last.link = {.page = visit.from, .line = visit.line, .target = visit.url.text()};
        }
        (void)tell_(last);
        return {};
    }

private:
    Result<> prepare() {
        for (const contract::CrawledServer& each : job_.servers) {
            const auto origin = links::parse_url(each.origin);
            const auto address = Address::parse(each.address);
            if (!origin || !address) return failure(each.origin + " at " + each.address + " is no server");
            servers_.push_back({*origin, *address, each.tls});
        }
        for (const std::string& each : job_.start) {
            const auto url = links::parse_url(each);
            if (!url || !server_of(*url)) return failure(each + " is no URL of the site");
            add({*url});
        }
        return {};
    }

    [[nodiscard]] const Server* server_of(const AbsoluteUrl& url) const {
        const auto found = std::ranges::find_if(servers_, [&](const Server& each) {
            return each.origin.scheme == url.scheme && each.origin.host == url.host && each.origin.port == url.port;
        });
        return found == servers_.end() ? nullptr : &*found;
    }

    void add(Visit visit) {
        const std::string target = visit.url.target();
        const bool is_excluded =
            std::ranges::any_of(job_.exclude, [&](const auto& each) { return matches(each, target); });
        if (is_excluded || !server_of(visit.url)) return;
        if (seen_.insert(visit.url.text()).second) waiting_.push_back(std::move(visit));
    }

    Visit next() {
        Visit visit = std::move(waiting_.front());
        waiting_.pop_front();
        return visit;
    }

    bool look_at(const Visit& visit) {
        const Server& server = *server_of(visit.url);
        const std::string authority = visit.url.origin().substr(visit.url.scheme.size() + 3);
        CrawledPage page{.url = visit.url.text(), .from = visit.from, .line = visit.line, .redirects = visit.redirects};
        const auto deadline = std::min(end_, http::Clock::now() + job_.patience);
        const auto reply = get_({server.address, server.tls, authority, visit.url.target()}, job_.page_bytes, deadline);
        if (!reply && http::Clock::now() >= end_) { // it is our time that was up, not the server's
            waiting_.push_front(visit);
            return true;
        }
        if (!reply) {
            page.trouble = reply.error().to_string();
            return tell_({.page = std::move(page)});
        }
        const auto [found, unread] = links_of(*reply, visit.url);
        page.trouble = unread;
        describe(*reply, found, page);
        const bool is_redirect = !page.redirect.empty();
        if (!tell_({.page = page})) return false;
        return std::ranges::all_of(found, [&](const FoundLink& each) { return follow(each, page, is_redirect); });
    }

    void describe(const PageReply& reply, const std::vector<FoundLink>& found, CrawledPage& page) const {
        page.status = static_cast<std::uint32_t>(reply.status);
        page.type = reply.find("Content-Type");
        page.bytes = reply.body.size();
        page.has_date = !reply.find("Last-Modified").empty();
        for (const auto& [name, value] : reply.fields)
            if (http::equals_ignoring_case(name, "Set-Cookie") && page.cookies.size() < most_cookies)
                page.cookies.push_back(value);
        if (reply.status >= 300 && reply.status < 400)
            for (const FoundLink& each : found)
                if (http::equals_ignoring_case(each.link.of, "Location")) page.redirect = each.link.target;
        page.secrets = secrets_in(reply, job_.secrets);
    }

    bool follow(const FoundLink& found, const CrawledPage& page, bool is_redirect) {
        LinkFact fact{.link = found.link};
        fact.link.page = page.url;
        if (!tell_(fact)) return false;
        const bool leads_on = is_redirect && found.link.target == page.redirect;
        const std::uint32_t redirects = leads_on ? page.redirects + 1 : 0;
        if (found.link.by_get && redirects <= most_redirects) add({found.target, page.url, found.link.line, redirects});
        return true;
    }

    static constexpr std::size_t most_cookies = 100;

    const contract::LinkJob& job_;
    const Get& get_;
    const Tell& tell_;
    http::TimePoint end_;
    std::vector<Server> servers_;
    std::deque<Visit> waiting_;
    std::set<std::string> seen_;
};

} // namespace

bool matches(std::string_view pattern, std::string_view text) noexcept {
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos; // the last one, and how much of the text it stands for
    std::size_t taken = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            taken = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p, ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++taken;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

Result<> crawl(const contract::LinkJob& job, const Get& get, const Tell& tell) { return Crawl(job, get, tell).run(); }

} // namespace mpsup::link_check

#include "supervisor/cli/link_findings.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>
#include <string_view>

namespace mpsup::cli {

namespace {

using contract::CrawledLink;
using contract::CrawledPage;

constexpr std::uint32_t most_redirects = 20; // as the crawler has it
constexpr std::array static_endings{"css", "js",   "mjs",   "map", "png", "jpg", "jpeg", "gif", "webp", "avif", "svg",
                                    "ico", "woff", "woff2", "ttf", "otf", "eot", "mp3",  "mp4", "webm", "ogg",  "wasm"};

struct Parts {
    std::string scheme, host, path;
};

// Of an absolute URL.
Parts parts_of(std::string_view url) {
    const std::size_t scheme = url.find("://");
    if (scheme == std::string_view::npos) return {};
    const std::size_t path = std::min(url.find_first_of("/?", scheme + 3), url.size());
    std::string_view authority = url.substr(scheme + 3, path - scheme - 3);
    if (const auto colon = authority.rfind(':'); colon != std::string_view::npos && !authority.ends_with(']'))
        authority = authority.substr(0, colon);
    const std::string_view rest = url.substr(path);
    return {std::string(url.substr(0, scheme)), std::string(authority), std::string(rest.substr(0, rest.find('?')))};
}

bool has_static_ending(const std::string& path) {
    const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
    const std::size_t dot = name.rfind('.');
    if (dot == std::string_view::npos || dot == 0) return false;
    std::string ending(name.substr(dot + 1));
    std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return std::tolower(c); });
    return std::ranges::find(static_endings, ending) != static_endings.end();
}

// RFC 6265 section 5.1.4.
bool path_matches(const std::string& path, const std::string& cookie_path) {
    return path == cookie_path ||
           (path.starts_with(cookie_path) && (cookie_path.ends_with('/') || path[cookie_path.size()] == '/'));
}

// Section 5.1.3; `domain` without its leading dot.
bool domain_matches(const std::string& host, const std::string& domain) {
    if (host == domain) return true;
    return host.ends_with("." + domain) && !Address::parse(host + ":1") && domain.contains('.');
}

std::string_view trimmed(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    return text.substr(0, text.find_last_not_of(" \t") + 1);
}

// The last value of an attribute of Set-Cookie (section 5.2).
std::string attribute_of(const std::string& cookie, std::string_view name) {
    std::string found;
    for (std::size_t at = cookie.find(';'); at != std::string::npos; at = cookie.find(';', at + 1)) {
        const auto text = std::string_view(cookie).substr(at + 1, cookie.find(';', at + 1) - at - 1);
        const std::size_t equals = text.find('=');
        const auto is_same = [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); };
        if (equals != std::string_view::npos && std::ranges::equal(trimmed(text.substr(0, equals)), name, is_same))
            found = std::string(trimmed(text.substr(equals + 1)));
    }
    return found;
}

std::string name_of_cookie(const std::string& cookie) {
    return std::string(trimmed(std::string_view(cookie).substr(0, cookie.find_first_of("=;"))));
}

// 401 and 403 ask for somebody whom the crawler is not: the page is there.
bool is_broken(std::uint32_t status) { return status >= 400 && status != 401 && status != 403; }

class Judge {
public:
    Judge(const CrawledSite& site, const std::vector<contract::LinkFact>& facts) : site_(site) {
        for (const contract::LinkFact& fact : facts) {
            if (!fact.page.url.empty()) result_.pages.push_back({fact.page, site.served(fact.page.url)});
            if (!fact.page.redirect.empty()) redirects_.emplace(fact.page.url, fact.page.redirect);
            if (fact.is_last) result_.cut = fact.cut;
        }
        for (const CheckedPage& page : result_.pages) paths_.insert(parts_of(page.seen.url).path);
    }

    CheckedLinks run(const std::vector<contract::LinkFact>& facts) {
        for (const CheckedPage& page : result_.pages)
            if (page.seen.from.empty()) tier(page.seen.url, {}, 0);
        for (const contract::LinkFact& fact : facts) {
            if (!fact.page.url.empty()) look_at(fact.page);
            if (fact.is_last)
                look_at_end(fact);
            else if (!fact.link.target.empty())
                look_at(fact.link);
        }
        return std::move(result_);
    }

private:
    void report(const char* code, const std::string& url, const std::string& page, std::uint32_t line,
                std::string message) {
        result_.findings.push_back({code, url, page, line, std::move(message)});
    }
    void report(const char* code, const CrawledPage& page, std::string message) {
        report(code, page.url, page.from, page.line, std::move(message));
    }

    void tier(const std::string& url, const std::string& page, std::uint32_t line) {
        const PublicFace* const right = site_.right_face(url);
        if (!right) return;
        const std::string message = "that path belongs to " + right->worker->name + " at " + right->origin;
        if (site_.redirects())
            result_.notes.push_back({"redirected", url, page, line, message});
        else
            report("wrong-tier", url, page, line, message);
    }

    void look_at_end(const contract::LinkFact& last) {
        if (last.cut.empty()) return;
        report("not-checked", last.link.target, last.link.page, last.link.line,
               std::to_string(last.left) + (last.left == 1 ? " URL was" : " URLs were") +
                   " not asked for: " + last.cut);
    }

    void look_at(const CrawledLink& link) {
        const Parts from = parts_of(link.page);
        const Parts to = parts_of(link.target);
        tier(link.target, link.page, link.line);
        if (from.scheme == "https" && to.scheme == "http" && from.host == to.host)
            report("mixed-scheme", link.target, link.page, link.line, "a page that came by https leads back to http");
    }

    void look_at(const CrawledPage& page) {
        for (const auto& [where, secret] : page.secrets)
            report("leaked-backend", page.url, page.from, page.line, where + " tells clients of " + secret);
        for (const std::string& cookie : page.cookies) look_at_cookie(page, cookie);
        if (!page.redirect.empty()) look_at_redirect(page);
        if (page.status != 0 && !page.trouble.empty()) report("not-checked", page, page.trouble);
        if (!site_.redirects() && site_.right_face(page.url)) return; // the link is wrong, whatever it leads to
        if (page.status == 0) report("broken-link", page, page.trouble);
        if (is_broken(page.status)) report("broken-link", page, "status " + std::to_string(page.status));
        if (page.status == 200) look_at_file(page);
    }

    void look_at_file(const CrawledPage& page) {
        const Served served = site_.served(page.url);
        if (!served.spec || served.spec->kind != topology::Kind::dynamic || !site_.has_light_files()) return;
        if (served.is_file || (page.has_date && has_static_ending(parts_of(page.url).path)))
            report("heavy-file", page,
                   "a file from the heavy worker " + served.worker + ", where a light one hands out files");
    }

    void look_at_cookie(const CrawledPage& page, const std::string& cookie) {
        const Parts url = parts_of(page.url);
        const std::string name = name_of_cookie(cookie);
        std::string domain = attribute_of(cookie, "domain");
        std::ranges::transform(domain, domain.begin(), [](unsigned char c) { return std::tolower(c); });
        if (domain.starts_with('.')) domain.erase(0, 1);
        if (!domain.empty() && !domain_matches(url.host, domain))
            report("cookie-domain", page,
                   "cookie " + name + " is for " + domain + ": browsers refuse it from " + url.host);
        const std::string path = attribute_of(cookie, "path");
        if (path.empty()) return;
        const auto is_below = [&](const std::string& each) { return path_matches(each, path); };
        if (!path.starts_with('/'))
            report("cookie-path", page, "cookie " + name + " has the path " + path + ", which is none");
        else if (!is_below(url.path) && std::ranges::none_of(paths_, is_below))
            report("cookie-path", page, "cookie " + name + " is for " + path + ", where nothing of the site is");
    }

    // Each loop once, at the first page of it that was asked for.
    void look_at_redirect(const CrawledPage& page) {
        std::set<std::string> way;
        std::string url = page.url;
        while (way.insert(url).second) {
            const auto next = redirects_.find(url);
            if (next == redirects_.end()) {
                if (page.redirects >= most_redirects) report("redirect-loop", page, "more than 20 redirects in a row");
                return;
            }
            url = next->second;
        }
        if (url != page.url || looping_.contains(url)) return; // led into a loop, or is in one that was told
        std::string text = page.url;
        for (std::string at = redirects_.at(url); looping_.insert(at).second; at = redirects_.at(at))
            text += " → " + at;
        report("redirect-loop", page, text);
    }

    const CrawledSite& site_;
    CheckedLinks result_;
    std::map<std::string, std::string> redirects_;
    std::set<std::string> paths_;   // of all pages
    std::set<std::string> looping_; // URLs of loops that were told
};

} // namespace

CheckedLinks judge(const CrawledSite& site, const std::vector<contract::LinkFact>& facts) {
    return Judge(site, facts).run(facts);
}

} // namespace mpsup::cli

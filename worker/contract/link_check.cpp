#include "worker/contract/link_check.h"

#include "worker/contract/described_json.h"

namespace json = boost::json;

namespace mpsup::contract {

template <typename Each> void describe(Each& each, Type<CrawledServer>) {
    each("origin", &CrawledServer::origin);
    each("address", &CrawledServer::address);
    each("tls", &CrawledServer::tls);
}

template <typename Each> void describe(Each& each, Type<LinkJob>) {
    each("servers", &LinkJob::servers);
    each("start", &LinkJob::start);
    each("exclude", &LinkJob::exclude);
    each("secrets", &LinkJob::secrets);
    each("pages", &LinkJob::pages);
    each("page_bytes", &LinkJob::page_bytes);
    each("patience_ms", &LinkJob::patience);
    each("time_ms", &LinkJob::time);
}

template <typename Each> void describe(Each& each, Type<CrawledPage>) {
    each("url", &CrawledPage::url);
    each("status", &CrawledPage::status);
    each("trouble", &CrawledPage::trouble);
    each("type", &CrawledPage::type);
    each("bytes", &CrawledPage::bytes);
    each("has_date", &CrawledPage::has_date);
    each("from", &CrawledPage::from);
    each("line", &CrawledPage::line);
    each("redirect", &CrawledPage::redirect);
    each("redirects", &CrawledPage::redirects);
    each("cookies", &CrawledPage::cookies);
    each("secrets", &CrawledPage::secrets);
}

template <typename Each> void describe(Each& each, Type<CrawledLink>) {
    each("page", &CrawledLink::page);
    each("line", &CrawledLink::line);
    each("of", &CrawledLink::of);
    each("reference", &CrawledLink::reference);
    each("target", &CrawledLink::target);
    each("by_get", &CrawledLink::by_get);
}

template <typename Each> void describe(Each& each, Type<LinkFact>) {
    each("page", &LinkFact::page);
    each("link", &LinkFact::link);
    each("is_last", &LinkFact::is_last);
    each("cut", &LinkFact::cut);
}

namespace {

// What a server sent may be no UTF-8, which JSON must be.
std::string utf8(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) >= 0x80 || c == '\0') c = '?';
    return text;
}

template <typename T> Result<T> decoded(std::string_view name, std::string_view text) {
    json::error_code error;
    const json::value value = json::parse(text, error);
    if (error) return failure(std::string(name) + " is no JSON: " + error.message());
    return from_json<T>(name, value);
}

} // namespace

std::string encode_link_job(const LinkJob& job) { return json::serialize(to_json(job)); }
Result<LinkJob> decode_link_job(std::string_view text) { return decoded<LinkJob>("job", text); }

std::string encode_link_fact(const LinkFact& fact) {
    LinkFact safe = fact;
    for (std::string* each : {&safe.page.type, &safe.page.trouble, &safe.page.redirect, &safe.link.reference})
        *each = utf8(std::move(*each));
    for (std::string& cookie : safe.page.cookies) cookie = utf8(std::move(cookie));
    return json::serialize(to_json(safe));
}
Result<LinkFact> decode_link_fact(std::string_view text) { return decoded<LinkFact>("fact", text); }

} // namespace mpsup::contract

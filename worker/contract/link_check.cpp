#include "worker/contract/link_check.h"

#include "worker/contract/described_json.h"

#include <algorithm>

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
    each("left", &LinkFact::left);
}

namespace {

// What a server sent may be no UTF-8, which JSON must be. Of every string, because each may hold what was sent.
void make_ascii(json::value& value) {
    if (json::string* const text = value.if_string())
        std::ranges::replace_if(*text, [](unsigned char c) { return c >= 0x80 || c == '\0'; }, '?');
    if (json::array* const list = value.if_array())
        for (json::value& each : *list) make_ascii(each);
    if (json::object* const object = value.if_object())
        for (auto& member : *object) make_ascii(member.value());
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
    json::value value = to_json(fact);
    make_ascii(value);
    return json::serialize(value);
}
Result<LinkFact> decode_link_fact(std::string_view text) { return decoded<LinkFact>("fact", text); }

} // namespace mpsup::contract

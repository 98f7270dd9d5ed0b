#include "worker/cache/storable.h"

#include "worker/cache/field_list.h"
#include "worker/cache/invalidation.h"
#include "worker/cache/vary.h"
#include "worker/http/char_class.h"
#include "worker/http/http_date.h"
#include "worker/http/response.h"

#include <algorithm>

namespace mpsup::cache {

namespace {

using http::equals_ignoring_case;

// Of the connection, not of the response; credentials of a proxy; what we write ourselves; what only caches read.
constexpr std::string_view never_stored[] = {
    "Connection",
    "Keep-Alive",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "Proxy-Authenticate",
    "Proxy-Authentication-Info",
    "Proxy-Authorization",
    "Age",
    "Content-Length",
    "Cache-Status",
    "Cache-Tag",
    "Surrogate-Key",
};

constexpr std::size_t most_tags = 64;
constexpr std::size_t most_tag_bytes = 4096;

// We know how to store it; a 206 and a 304 are no whole responses.
bool is_understood(int status) noexcept { return http::reason_phrase(status) != "Unknown"; }

bool has_validator(Fields fields) noexcept { return find_field(fields, "ETag") || find_field(fields, "Last-Modified"); }

bool is_own_location(const CacheRequest& request, Fields fields) {
    const http::Field* location = find_field(fields, "Content-Location");
    return location && resolve(request.key, location->value).text() == request.key.text();
}

// Why the status or the directives forbid it, or "".
const char* forbidden(const CacheRequest& request, int status, Fields fields, const ResponseDirectives& said) noexcept {
    if (status < 200 || status > 599 || status == 206 || status == 304) return "status";
    if (said.must_understand ? !is_understood(status) : said.no_store) return said.no_store ? "no-store" : "status";
    if (request.client.no_store) return "request";
    if (said.is_private) return "private";
    if (request.has_authorization && !said.is_public && !said.must_revalidate && !said.s_maxage) return "authorization";
    if (find_field(fields, "Set-Cookie") && !said.is_public && !said.s_maxage) return "set-cookie";
    if (find_field(fields, "Content-Range")) return status == 416 ? "status" : "";
    return "";
}

// Nobody asked for it to be kept, or it could never be used.
const char* useless(const Metadata& metadata, Fields fields, const ResponseDirectives& said, Seconds now) noexcept {
    const bool asked = metadata.has_lifetime || said.is_public || said.no_cache || said.must_revalidate;
    if (!asked) return "lifetime";
    const bool stale_is_good = metadata.stale_while_revalidate > 0 || metadata.stale_if_error > 0;
    if (!metadata.always_validate && (metadata.is_fresh(now) || stale_is_good)) return "";
    return has_validator(fields) ? "" : "lifetime";
}

bool may_be_sent(const http::Field& field) noexcept {
    return !field.name.empty() && http::all_are(field.name, http::token_char) &&
           (field.value.empty() || http::all_are(field.value, http::value_char));
}

} // namespace

Storing judge_response(const CacheRequest& request, int status, Fields fields, const Rule& rule,
                       const Times& times) noexcept {
    Storing storing;
    const auto refuse = [&storing](const char* reason) {
        storing.reason = reason;
        return storing;
    };
    const bool get = request.kind == CacheRequest::Kind::lookup && !request.is_head;
    const bool post = request.kind == CacheRequest::Kind::unsafe && request.is_post;
    if (!rule.on || (!get && !post)) return refuse("method");
    const ResponseDirectives said = response_directives(fields);
    if (const char* reason = forbidden(request, status, fields, said); *reason) return refuse(reason);
    if (!variant_text(fields, {})) return refuse("vary");

    Rule of_route = rule;
    if (post) of_route.default_ttl = 0;
    storing.metadata = freshness(status, fields, said, of_route, times);
    if (post && !(storing.metadata.has_lifetime && status / 100 == 2 && is_own_location(request, fields)))
        return refuse("method");
    if (const char* reason = useless(storing.metadata, fields, said, times.response); *reason) return refuse(reason);
    storing.keep_set_cookie = said.is_public || said.s_maxage;
    storing.store = true;
    return storing;
}

FieldFilter::FieldFilter(Fields fields, bool keep_set_cookie) noexcept
    : fields_(fields), has_connection_(find_field(fields, "Connection")), keep_set_cookie_(keep_set_cookie) {
    const ResponseDirectives said = response_directives(fields);
    no_cache_names_ = said.no_cache_names;
    private_names_ = said.private_names;
}

bool FieldFilter::keeps(std::string_view name) const noexcept {
    const auto same = [name](std::string_view other) { return equals_ignoring_case(name, other); };
    if (std::ranges::any_of(never_stored, same)) return false;
    if (!keep_set_cookie_ && same("Set-Cookie")) return false;
    if (!no_cache_names_.empty() && names_field(no_cache_names_, name)) return false;
    if (!private_names_.empty() && names_field(private_names_, name)) return false;
    if (!has_connection_) return true;
    bool named = false;
    for_each_member(fields_, "Connection", [&](std::string_view member) { named = named || same(member); });
    return !named;
}

std::string stored_fields(Fields fields, bool keep_set_cookie, Seconds now) {
    const FieldFilter filter(fields, keep_set_cookie);
    std::string text;
    bool dated = false;
    for (const http::Field& field : fields) {
        if (!may_be_sent(field) || !filter.keeps(field.name)) continue;
        dated |= equals_ignoring_case(field.name, "Date");
        text.append(field.name).append(": ").append(field.value).append("\r\n");
    }
    if (!dated) {
        const http::HttpDate date = http::format_http_date(now);
        text.append("Date: ").append(date.data(), date.size()).append("\r\n");
    }
    return text;
}

void split_fields(std::string_view text, std::vector<http::Field>& out) {
    while (!text.empty()) {
        const std::size_t end = text.find("\r\n");
        const std::string_view line = text.substr(0, end);
        if (const std::size_t colon = line.find(": "); colon != std::string_view::npos)
            out.push_back({line.substr(0, colon), line.substr(colon + 2)});
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 2);
    }
}

std::optional<std::string_view> find_field(std::string_view text, std::string_view name) noexcept {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find("\r\n"), text.size());
        if (end > name.size() + 1 && text[name.size()] == ':' &&
            equals_ignoring_case(text.substr(0, name.size()), name))
            return text.substr(name.size() + 2, end - name.size() - 2);
        text.remove_prefix(std::min(end + 2, text.size()));
    }
    return std::nullopt;
}

bool is_tag_field(std::string_view name) noexcept {
    return equals_ignoring_case(name, "Cache-Tag") || equals_ignoring_case(name, "Surrogate-Key");
}

std::string tags_of(Fields fields) {
    std::string tags;
    std::size_t count = 0;
    const auto add = [&](std::string_view tag) {
        if (tag.empty() || count == most_tags || tags.size() + tag.size() + 1 > most_tag_bytes) return;
        tags.append(tag).push_back('\n');
        ++count;
    };
    for (const http::Field& field : fields) {
        const bool by_commas = equals_ignoring_case(field.name, "Cache-Tag");
        if (!by_commas && !equals_ignoring_case(field.name, "Surrogate-Key")) continue;
        for (std::string_view rest = field.value; !rest.empty();) {
            const std::size_t end = std::min(rest.find(by_commas ? ',' : ' '), rest.size());
            add(trimmed(rest.substr(0, end)));
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    }
    return tags;
}

} // namespace mpsup::cache

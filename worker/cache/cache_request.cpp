#include "worker/cache/cache_request.h"

#include "worker/cache/field_list.h"

#include <algorithm>

namespace mpsup::cache {

namespace {

using http::equals_ignoring_case;
using Kind = CacheRequest::Kind;

bool is_safe(std::string_view method) noexcept {
    return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE" || method == "PROPFIND" ||
           method == "REPORT" || method == "SEARCH" || method == "QUERY";
}

// What Connection names beside what concerns a connection anyway does not reach the origin, so its response is not one to
// the request as the client sent it, by which Vary selects.
bool takes_fields_away(std::string_view connection) noexcept {
    constexpr std::string_view harmless[] = {"close", "keep-alive", "te", "trailers", "upgrade"};
    bool takes = false;
    for_each_member(connection, [&](std::string_view member) {
        takes = takes || std::ranges::none_of(
                             harmless, [&](std::string_view each) { return equals_ignoring_case(member, each); });
    });
    return takes;
}

// One pass over the fields; false: only the origin can answer.
bool read_fields(const http::Request& request, CacheRequest& result) noexcept {
    bool has_cache_control = false, pragma = false, cacheable = true;
    for (const http::Field& field : request.fields) {
        const std::string_view name = field.name;
        switch (name.size()) {
        case 5:
            if (equals_ignoring_case(name, "Range")) result.range = field.value;
            break;
        case 6: pragma |= equals_ignoring_case(name, "Pragma") && http::list_contains(field.value, "no-cache"); break;
        case 7: cacheable &= !equals_ignoring_case(name, "Upgrade"); break;
        case 8: cacheable &= !equals_ignoring_case(name, "If-Match"); break;
        case 10: cacheable &= !equals_ignoring_case(name, "Connection") || !takes_fields_away(field.value); break;
        case 13:
            has_cache_control |= equals_ignoring_case(name, "Cache-Control");
            result.has_authorization |= equals_ignoring_case(name, "Authorization");
            result.is_conditional |= equals_ignoring_case(name, "If-None-Match");
            break;
        case 17: result.is_conditional |= equals_ignoring_case(name, "If-Modified-Since"); break;
        case 19: cacheable &= !equals_ignoring_case(name, "If-Unmodified-Since"); break;
        default: break;
        }
    }
    if (has_cache_control) result.client = parse_cache_control(request.fields);
    if (pragma && !has_cache_control) result.client.no_cache = true;
    return cacheable;
}

void bypass(CacheRequest& result, const char* reason) noexcept {
    result.kind = Kind::bypass;
    result.reason = reason;
}

} // namespace

CacheRequest read_request(const http::Request& request, bool tls, const Rule& rule) {
    CacheRequest result;
    if (request.authority.empty() || request.path.empty() || request.path.front() != '/') {
        bypass(result, "bypass");
        return result;
    }
    result.key = CacheKey::of(request, tls);
    const bool get = request.method == "GET";
    result.is_head = request.method == "HEAD";
    const bool cacheable = read_fields(request, result);
    result.is_post = cacheable && request.method == "POST";
    if (!rule.obey_clients) result.client = {};
    if (!get) result.range = {};
    const bool has_content = request.framing == http::Framing::chunked ||
                             (request.framing == http::Framing::length && request.content_length > 0);

    // What an unsafe request changes is out of date whether or not this route stores anything.
    if (!is_safe(request.method))
        result.kind = Kind::unsafe;
    else if (!get && !result.is_head)
        bypass(result, "method");
    else if (!rule.on || !cacheable || has_content)
        bypass(result, "bypass");
    else if (result.client.no_store)
        bypass(result, "request");
    else
        result.kind = Kind::lookup;
    return result;
}

bool is_client_condition(std::string_view name) noexcept {
    return equals_ignoring_case(name, "If-None-Match") || equals_ignoring_case(name, "If-Modified-Since") ||
           equals_ignoring_case(name, "If-Range");
}

} // namespace mpsup::cache

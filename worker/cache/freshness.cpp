#include "worker/cache/freshness.h"

#include "worker/cache/field_list.h"
#include "worker/http/http_date.h"

#include <algorithm>
#include <array>

namespace mpsup::cache {

namespace {

std::optional<Seconds> date_of(Fields fields, std::string_view name) noexcept {
    const http::Field* field = find_field(fields, name);
    return field ? http::parse_http_date(field->value) : std::nullopt;
}

// RFC 9110 section 15.1: those that may be stored without a word of their own.
bool is_cacheable_by_default(int status) noexcept {
    constexpr std::array statuses{200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501};
    return std::ranges::find(statuses, status) != statuses.end();
}

// Nothing: the response does not say.
std::optional<Seconds> explicit_lifetime(Fields fields, const ResponseDirectives& said, Seconds date) noexcept {
    if (said.s_maxage) return said.s_maxage;
    if (said.max_age) return said.max_age;
    if (said.is_targeted || !find_field(fields, "Expires")) return std::nullopt;
    const auto expires = date_of(fields, "Expires");
    return expires ? std::clamp(*expires - date, Seconds{0}, longest) : 0;
}

} // namespace

Seconds Metadata::age(Seconds now) const noexcept {
    constexpr Seconds tolerated = 60;
    if (now < response_time - tolerated) return longest;
    return initial_age + std::max(Seconds{0}, now - response_time);
}

Seconds age_value(Fields fields) noexcept {
    std::optional<Seconds> age;
    for (const http::Field& field : fields) {
        if (!http::equals_ignoring_case(field.name, "Age")) continue;
        if (age || field.value.empty()) return longest;
        age = 0;
        for (const char c : field.value) {
            if (c < '0' || c > '9') return longest;
            age = std::min(*age * 10 + (c - '0'), longest);
        }
    }
    return age.value_or(0);
}

Metadata freshness(int status, Fields fields, const ResponseDirectives& said, const Rule& rule,
                   const Times& times) noexcept {
    Metadata metadata;
    metadata.status = static_cast<std::uint16_t>(status);
    metadata.response_time = times.response;
    metadata.date = date_of(fields, "Date").value_or(times.response);
    metadata.last_modified = date_of(fields, "Last-Modified").value_or(-1);

    const Seconds apparent_age = std::max(Seconds{0}, times.response - metadata.date);
    const Seconds delay = std::max(Seconds{0}, times.response - times.request);
    metadata.initial_age = std::max(apparent_age, age_value(fields) + delay);

    if (const auto lifetime = explicit_lifetime(fields, said, metadata.date)) {
        metadata.lifetime = *lifetime;
        metadata.has_lifetime = true;
    } else if (rule.default_ttl > 0 && (is_cacheable_by_default(status) || said.is_public)) {
        metadata.lifetime = rule.default_ttl;
        metadata.has_lifetime = true;
    }

    metadata.always_validate = said.no_cache;
    const bool strict = said.no_cache || said.must_revalidate || said.proxy_revalidate;
    metadata.must_revalidate = strict || said.s_maxage;
    // s-maxage forbids what nobody asked for, not what its own response grants.
    if (!strict) {
        metadata.stale_while_revalidate =
            said.stale_while_revalidate.value_or(said.s_maxage ? 0 : rule.stale_while_revalidate);
        metadata.stale_if_error = said.stale_if_error.value_or(said.s_maxage ? 0 : rule.stale_if_error);
    }
    return metadata;
}

} // namespace mpsup::cache

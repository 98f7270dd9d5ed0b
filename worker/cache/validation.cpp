#include "worker/cache/validation.h"

#include "worker/cache/field_list.h"
#include "worker/cache/storable.h"
#include "worker/http/http_date.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace mpsup::cache {

namespace {

using http::equals_ignoring_case;

// They describe the stored content, which a 304 does not bring anew (RFC 9111 section 3.2).
bool describes_content(std::string_view name) noexcept {
    constexpr std::string_view names[] = {"Content-Encoding", "Content-Length", "Content-MD5", "Content-Range", "ETag"};
    return std::ranges::any_of(names, [name](std::string_view other) { return equals_ignoring_case(name, other); });
}

std::string_view opaque(std::string_view tag) noexcept {
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    return tag;
}

// The weak comparison of section 8.8.3.2 with each member of a list.
bool any_tag_matches(Fields fields, std::string_view etag) noexcept {
    bool found = false;
    for_each_member(fields, "If-None-Match", [&](std::string_view member) {
        found = found || member == "*" || (!etag.empty() && opaque(member) == opaque(etag));
    });
    return found;
}

// Section 13.1.5: by a strong tag, or by a date that is at least a second older than the response.
bool if_range_holds(std::string_view value, std::string_view etag, const Metadata& stored) noexcept {
    if (value.starts_with('"')) return value == etag;
    const auto date = http::parse_http_date(value);
    return date && *date == stored.last_modified && stored.last_modified < stored.date;
}

// `modified`: when that was.
bool holds_still(Fields request, std::string_view etag, Seconds modified) noexcept {
    if (find_field(request, "If-None-Match")) return any_tag_matches(request, etag);
    const http::Field* since = find_field(request, "If-Modified-Since");
    const auto date = since ? http::parse_http_date(since->value) : std::nullopt;
    return date && modified <= *date;
}

void erase_named(std::vector<http::Field>& fields, std::string_view name) {
    std::erase_if(fields, [name](const http::Field& field) { return equals_ignoring_case(field.name, name); });
}

// Each field of the response in the place of all stored ones of its name.
std::vector<http::Field> merge(std::string_view stored_fields, Fields response) {
    std::vector<http::Field> merged;
    split_fields(stored_fields, merged);
    const FieldFilter filter(response, true);
    for (const http::Field& field : response)
        if (filter.keeps(field.name) && !describes_content(field.name)) erase_named(merged, field.name);
    for (const http::Field& field : response)
        if (filter.keeps(field.name) && !describes_content(field.name)) merged.push_back(field);
    return merged;
}

} // namespace

OriginConditions origin_conditions(std::string_view stored_fields) noexcept {
    return {find_field(stored_fields, "ETag").value_or(""), find_field(stored_fields, "Last-Modified").value_or("")};
}

Freshened freshen(std::string_view stored_fields, const Metadata& stored, Fields response, const Rule& rule,
                  const Times& times) {
    std::vector<http::Field> merged = merge(stored_fields, response);
    const ResponseDirectives said = response_directives(merged);
    const bool keep_set_cookie = said.is_public || said.s_maxage;
    Freshened result;
    result.keep = !said.no_store && !said.is_private;
    result.fields = cache::stored_fields(merged, keep_set_cookie, times.response);
    // The age is that of the response that just came, which is not kept among the fields.
    for (const http::Field& field : response)
        if (equals_ignoring_case(field.name, "Age")) merged.push_back(field);
    result.metadata = freshness(stored.status, merged, said, rule, times);
    return result;
}

bool head_agrees(std::string_view stored_fields, std::uint64_t stored_size, Fields response) noexcept {
    for (const std::string_view name : {"ETag", "Last-Modified"}) {
        const http::Field* field = find_field(response, name);
        const auto stored = find_field(stored_fields, name);
        if (field && (!stored || *stored != field->value)) return false;
    }
    const http::Field* length = find_field(response, "Content-Length");
    if (!length) return true;
    std::uint64_t size = 0;
    const char* end = length->value.data() + length->value.size();
    const auto [last, error] = std::from_chars(length->value.data(), end, size);
    return error == std::errc() && last == end && size == stored_size;
}

Selection select_for_client(const CacheRequest& request, Fields request_fields, std::string_view stored_fields,
                            const Metadata& stored, std::uint64_t size) {
    Selection selection;
    selection.status = stored.status;
    if (stored.status != 200) return selection;
    if (request.is_conditional && holds_still(request_fields, find_field(stored_fields, "ETag").value_or(""),
                                              stored.last_modified >= 0 ? stored.last_modified : stored.date)) {
        selection.status = 304;
        return selection;
    }
    if (request.range.empty()) return selection;
    if (const http::Field* condition = find_field(request_fields, "If-Range");
        condition && !if_range_holds(condition->value, find_field(stored_fields, "ETag").value_or(""), stored))
        return selection;
    if (auto ranges = http::select_byte_ranges(request.range, size)) {
        selection.status = ranges->empty() ? 416 : 206;
        selection.ranges = std::move(*ranges);
    }
    return selection;
}

bool is_not_modified(const CacheRequest& request, Fields request_fields, int status, Fields response) noexcept {
    if (status != 200 || !request.is_conditional) return false;
    const http::Field* etag = find_field(response, "ETag");
    const http::Field* modified = find_field(response, "Last-Modified");
    const auto date = modified ? http::parse_http_date(modified->value) : std::nullopt;
    return holds_still(request_fields, etag ? etag->value : std::string_view(),
                       date ? *date : std::numeric_limits<Seconds>::max());
}

} // namespace mpsup::cache

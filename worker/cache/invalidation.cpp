#include "worker/cache/invalidation.h"

#include "worker/cache/field_list.h"

namespace mpsup::cache {

namespace {

// Section 5.2.4 of RFC 3986: "." and ".." go.
std::string without_dots(std::string_view path) {
    std::string out;
    while (!path.empty()) {
        const std::size_t end = path.find('/', 1);
        const std::string_view segment = path.substr(0, end); // "/name"
        path = end == std::string_view::npos ? std::string_view() : path.substr(end);
        if (segment == "/..") out.resize(out.empty() ? 0 : out.rfind('/'));
        if (segment != "/." && segment != "/..")
            out += segment;
        else if (path.empty())
            out += '/';
    }
    return out.empty() ? "/" : out;
}

struct Parts {
    std::string_view path, query;
    bool has_query = false;
};

Parts split(std::string_view rest) noexcept {
    const std::size_t question = rest.find('?');
    if (question == std::string_view::npos) return {rest, {}, false};
    return {rest.substr(0, question), rest.substr(question + 1), true};
}

CacheKey of(std::string_view origin, std::string_view path, const Parts& parts) {
    const std::size_t colon = origin.find("://");
    return {origin.substr(0, colon), origin.substr(colon + 3), path, parts.query, parts.has_query};
}

bool has_scheme(std::string_view reference) noexcept {
    const std::size_t colon = reference.find(':');
    return colon != std::string_view::npos && colon < reference.find_first_of("/?");
}

} // namespace

CacheKey resolve(const CacheKey& base, std::string_view reference) {
    reference = reference.substr(0, reference.find('#'));
    if (has_scheme(reference)) {
        const CacheKey absolute = CacheKey::of_url(reference);
        if (absolute.empty()) return {};
        const Parts parts = split(absolute.text().substr(absolute.origin().size()));
        return of(absolute.origin(), without_dots(parts.path), parts);
    }
    const std::string_view origin = base.origin();
    const std::string_view scheme = origin.substr(0, origin.find("://"));
    if (reference.starts_with("//")) return resolve(base, std::string(scheme).append(":").append(reference));

    const Parts here = split(base.text().substr(origin.size()));
    if (reference.empty()) return base;
    const Parts there = split(reference);
    if (there.path.empty()) return of(origin, here.path, there);
    if (there.path.starts_with('/')) return of(origin, without_dots(there.path), there);
    const std::string folder(here.path.substr(0, here.path.rfind('/') + 1));
    return of(origin, without_dots(folder + std::string(there.path)), there);
}

std::vector<CacheKey> invalidated(const CacheRequest& request, int status, Fields response) {
    std::vector<CacheKey> keys;
    if (request.kind != CacheRequest::Kind::unsafe || status < 200 || status > 399) return keys;
    keys.push_back(request.key);
    for (const std::string_view name : {"Location", "Content-Location"}) {
        const http::Field* field = find_field(response, name);
        if (!field) continue;
        CacheKey key = resolve(request.key, field->value);
        if (!key.empty() && key.origin() == request.key.origin()) keys.push_back(std::move(key));
    }
    return keys;
}

} // namespace mpsup::cache

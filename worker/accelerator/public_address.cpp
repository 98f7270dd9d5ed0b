#include "worker/accelerator/public_address.h"

#include "worker/accelerator/client_identity.h"
#include "worker/http/request.h"
#include "worker/links/edit.h"
#include "worker/links/reference_spans.h"

#include <algorithm>
#include <utility>

namespace mpsup::accelerator {

namespace {

std::string_view trim(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

// "http://host:80/path?query": the parts, as far as they are there.
struct Url {
    std::string_view scheme, authority, rest;
};

Url split(std::string_view url) noexcept {
    Url result;
    if (!url.starts_with("//")) {
        const std::size_t colon = url.find("://");
        const std::size_t other = url.find_first_of("/?#");
        if (colon == std::string_view::npos || other < colon) return {{}, {}, url};
        result.scheme = url.substr(0, colon);
        url.remove_prefix(colon + 1);
    }
    url.remove_prefix(2);
    const std::size_t end = std::min(url.find_first_of("/?#"), url.size());
    result.authority = url.substr(0, end);
    result.rest = url.substr(end);
    return result;
}

bool is_upstream(const AddressMap& map, std::string_view authority) noexcept {
    return std::ranges::any_of(map.authorities, [&](const std::string& known) {
        if (http::equals_ignoring_case(authority, known)) return true;
        // The application put its own port behind the name that the client asked for.
        const std::string_view port = port_of(authority);
        return !port.empty() && port == port_of(known) && port != port_of(map.host) &&
               http::equals_ignoring_case(host_of(authority), host_of(map.host));
    });
}

bool is_web(std::string_view scheme) noexcept {
    return scheme.empty() || http::equals_ignoring_case(scheme, "http") || http::equals_ignoring_case(scheme, "https");
}

bool prefixes_differ(const AddressMap& map) noexcept { return map.public_prefix != map.upstream_prefix; }

// Appends `path`, moved from below the one prefix to below the other.
void append_path(const AddressMap& map, std::string_view path, std::string& out) {
    if (path.starts_with(map.upstream_prefix))
        out.append(map.public_prefix).append(path.substr(map.upstream_prefix.size()));
    else
        out += path;
}

// The attribute of a cookie: "Path=/x".
struct Attribute {
    std::string_view name, value;
};

Attribute split_attribute(std::string_view text) noexcept {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) return {trim(text), {}};
    return {trim(text.substr(0, equals)), trim(text.substr(equals + 1))};
}

bool is_upstream_host(const AddressMap& map, std::string_view domain) noexcept {
    if (domain.starts_with('.')) domain.remove_prefix(1);
    return std::ranges::any_of(
        map.authorities, [&](const std::string& known) { return http::equals_ignoring_case(domain, host_of(known)); });
}

bool is_address(std::string_view host) noexcept {
    return host.starts_with('[') || host.find_first_not_of("0123456789.") == std::string_view::npos;
}

// What becomes of one attribute; empty: it goes.
std::string rewrite_attribute(const AddressMap& map, std::string_view text) {
    const Attribute attribute = split_attribute(text);
    const std::string_view host = host_of(map.host);
    if (http::equals_ignoring_case(attribute.name, "Domain") && is_upstream_host(map, attribute.value))
        return is_address(host) ? std::string() : " Domain=" + std::string(host);
    std::string result(text);
    if (prefixes_differ(map) && http::equals_ignoring_case(attribute.name, "Path") &&
        attribute.value.starts_with(map.upstream_prefix)) {
        result = " Path=";
        append_path(map, attribute.value, result);
    }
    return result;
}

} // namespace

bool rewrite_location(const AddressMap& map, std::string_view value, std::string& out) {
    const Url url = split(value);
    if (url.authority.empty()) {
        if (!prefixes_differ(map) || !value.starts_with(map.upstream_prefix)) return false;
        out.clear();
        append_path(map, value, out);
        return true;
    }
    if (map.host.empty() || !is_web(url.scheme) || !is_upstream(map, url.authority)) return false;
    out.clear();
    if (!url.scheme.empty()) out.append(map.proto).append(":");
    out.append("//").append(map.host);
    append_path(map, url.rest, out);
    return true;
}

bool rewrite_refresh(const AddressMap& map, std::string_view value, std::string& out) {
    const std::size_t semicolon = value.find_first_of(";,");
    if (semicolon == std::string_view::npos) return false;
    std::string_view rest = trim(value.substr(semicolon + 1));
    if (rest.size() < 4 || !http::equals_ignoring_case(rest.substr(0, 3), "url")) return false;
    rest = trim(rest.substr(3));
    if (!rest.starts_with('=')) return false;
    rest = trim(rest.substr(1));
    const bool quoted =
        rest.size() >= 2 && (rest.front() == '"' || rest.front() == '\'') && rest.back() == rest.front();
    const std::string_view url = quoted ? rest.substr(1, rest.size() - 2) : rest;
    std::string changed;
    if (!rewrite_location(map, url, changed)) return false;
    out = std::string(value.substr(0, static_cast<std::size_t>(url.data() - value.data()))) + changed;
    if (quoted) out += rest.back();
    return true;
}

bool rewrite_link(const AddressMap& map, std::string_view value, std::string& out) {
    links::Edits edits;
    for (const links::Span& target : links::link_field_references(value))
        if (std::string changed; rewrite_location(map, target.of(value), changed))
            edits.push_back({target.begin, target.end, std::move(changed)});
    if (edits.empty()) return false;
    out = links::applied(value, edits);
    return true;
}

bool rewrite_cookie(const AddressMap& map, std::string_view value, std::string& out) {
    const std::size_t first = value.find(';');
    if (first == std::string_view::npos) return false;
    out = value.substr(0, first);
    bool changed = false;
    for (std::string_view rest = value.substr(first + 1);;) {
        const std::size_t end = std::min(rest.find(';'), rest.size());
        const std::string_view attribute = rest.substr(0, end);
        const std::string written = rewrite_attribute(map, attribute);
        changed |= written != attribute;
        if (!written.empty() || attribute.empty()) out.append(";").append(written);
        if (end == rest.size()) return changed;
        rest.remove_prefix(end + 1);
    }
}

} // namespace mpsup::accelerator

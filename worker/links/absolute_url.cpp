#include "worker/links/absolute_url.h"

#include "worker/http/char_class.h"
#include "worker/links/url_reference.h"
#include "worker/links/white_space.h"

#include <algorithm>
#include <charconv>

namespace mpsup::links {

namespace {

constexpr std::string_view unfit = "\"<>\\^`{|}"; // besides what is no printable ASCII

std::uint16_t usual_port(std::string_view scheme) noexcept { return scheme == "https" ? 443 : 80; }

std::string encoded(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string result;
    for (const char c : text) {
        const auto octet = static_cast<unsigned char>(c);
        if (octet > 0x20 && octet < 0x7f && !unfit.contains(c))
            result += c;
        else if (c != '\t' && c != '\n' && c != '\r')
            result += {'%', digits[octet >> 4U], digits[octet & 15U]};
    }
    return result;
}

bool set_authority(AbsoluteUrl& url, std::string_view authority) {
    const std::size_t bracket = authority.starts_with('[') ? authority.find(']') : 0;
    if (bracket == std::string_view::npos) return false;
    const std::size_t colon = authority.find(':', bracket);
    url.host = std::string(authority.substr(0, colon));
    std::ranges::transform(url.host, url.host.begin(), http::lower);
    url.port = usual_port(url.scheme);
    if (url.host.empty()) return false;
    if (colon == std::string_view::npos || colon + 1 == authority.size()) return true;
    const char* const end = authority.data() + authority.size();
    const auto [stop, error] = std::from_chars(authority.data() + colon + 1, end, url.port);
    return error == std::errc{} && stop == end && url.port != 0;
}

// From its '?' to its fragment or end.
std::string query_of(std::string_view reference, std::size_t tail) {
    std::string_view rest = reference.substr(tail, reference.find('#', tail) - tail);
    while (!rest.empty() && is_space(rest.back())) rest.remove_suffix(1);
    return rest.starts_with('?') ? std::string(rest) : std::string();
}

} // namespace

std::string AbsoluteUrl::target() const { return encoded(path) + encoded(query); }

std::string AbsoluteUrl::origin() const {
    return scheme + "://" + host + (port == usual_port(scheme) ? "" : ":" + std::to_string(port));
}

std::optional<AbsoluteUrl> parse_url(std::string_view text) {
    const SplitReference split = split_reference(text);
    if (!split.reference || split.reference->scheme.empty()) return std::nullopt;
    return resolve(AbsoluteUrl{}, text);
}

std::optional<AbsoluteUrl> resolve(const AbsoluteUrl& base, std::string_view reference) {
    const SplitReference split = split_reference(reference);
    if (!split.reference) return std::nullopt;
    const UrlReference& parts = *split.reference;
    AbsoluteUrl url = base;
    url.query = query_of(reference, parts.tail);
    if (!parts.scheme.empty()) url.scheme = parts.scheme;
    if (url.scheme != "http" && url.scheme != "https") return std::nullopt;
    if (parts.has_authority) {
        if (!set_authority(url, parts.authority)) return std::nullopt;
        url.path = without_dot_segments(parts.path.starts_with('/') ? parts.path : "/" + parts.path);
    } else if (parts.path.starts_with('/')) {
        url.path = without_dot_segments(parts.path);
    } else if (!parts.path.empty()) {
        url.path = without_dot_segments(base.path.substr(0, base.path.rfind('/') + 1) + parts.path);
    } else if (url.query.empty()) {
        url.query = base.query;
    }
    return url;
}

} // namespace mpsup::links

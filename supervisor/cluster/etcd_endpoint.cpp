#include "supervisor/cluster/etcd_endpoint.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <netinet/in.h>
#include <optional>

namespace mpsup::cluster {

namespace {

bool is_name(std::string_view host) { // RFC 1123 section 2.1, and the underscore of container networks
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
               c == '_';
    };
    return !host.empty() && host.size() < 254 && std::ranges::all_of(host, fits);
}

bool is_ipv6(const std::string& host) {
    std::array<unsigned char, sizeof(in6_addr)> ignored{};
    return ::inet_pton(AF_INET6, host.c_str(), ignored.data()) == 1;
}

// The host, without the brackets that an IPv6 address stands in; `text` keeps what follows.
std::optional<std::string> take_host(std::string_view& text) {
    const bool bracketed = text.starts_with('[');
    const auto end = bracketed ? text.find(']') : std::min(text.find(':'), text.size());
    if (end == std::string_view::npos) return std::nullopt;
    std::string host(text.substr(bracketed ? 1 : 0, end - (bracketed ? 1 : 0)));
    text.remove_prefix(end + (bracketed ? 1 : 0));
    return (bracketed ? is_ipv6(host) : is_name(host)) ? std::optional(host) : std::nullopt;
}

std::optional<EtcdEndpoint> read_endpoint(std::string_view text) {
    EtcdEndpoint endpoint;
    endpoint.tls = text.starts_with("https://");
    if (!endpoint.tls && !text.starts_with("http://")) return std::nullopt;
    text.remove_prefix(text.find("//") + 2);
    if (text.ends_with('/')) text.remove_suffix(1);
    auto host = take_host(text);
    if (!host) return std::nullopt;
    endpoint.host = std::move(*host);
    if (text.empty()) return endpoint;
    text.remove_prefix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), endpoint.port);
    if (error != std::errc{} || end != text.data() + text.size() || endpoint.port == 0) return std::nullopt;
    return endpoint;
}

} // namespace

std::string EtcdEndpoint::url() const { return (tls ? "https://" : "http://") + authority(); }

std::string EtcdEndpoint::authority() const {
    const bool brackets = host.contains(':');
    return (brackets ? "[" : "") + host + (brackets ? "]:" : ":") + std::to_string(port);
}

Result<std::vector<EtcdEndpoint>> read_endpoints(std::string_view list) {
    std::vector<EtcdEndpoint> endpoints;
    for (bool more = true; more;) {
        const auto comma = list.find(',');
        const std::string_view text = list.substr(0, comma);
        more = comma != std::string_view::npos;
        if (more) list.remove_prefix(comma + 1);
        const auto endpoint = read_endpoint(text);
        if (!endpoint) return failure("`" + std::string(text) + "` is no URL of an etcd, such as http://10.0.0.1:2379");
        if (std::ranges::find(endpoints, *endpoint) != endpoints.end())
            return failure("`" + std::string(text) + "` is there twice");
        endpoints.push_back(*endpoint);
    }
    return endpoints;
}

} // namespace mpsup::cluster

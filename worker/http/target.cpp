#include "worker/http/target.h"

#include "worker/http/char_class.h"
#include "worker/http/request.h"

#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cstring>
#include <netinet/in.h>

namespace mpsup::http {

namespace {

bool is_valid_port(std::string_view text) {
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc{} && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

bool is_ipv6(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> copy{};
    if (text.empty() || text.size() >= copy.size()) return false;
    std::memcpy(copy.data(), text.data(), text.size());
    in6_addr address{};
    return ::inet_pton(AF_INET6, copy.data(), &address) == 1;
}

void split_query(std::string_view text, Target& target) {
    const std::size_t mark = text.find('?');
    target.path = text.substr(0, mark);
    if (mark == std::string_view::npos) return;
    target.has_query = true;
    target.query = text.substr(mark + 1);
}

// What follows "http://".
bool split_absolute(std::string_view rest, bool is_options, Target& target) {
    const std::size_t end = rest.find_first_of("/?");
    target.authority = rest.substr(0, end);
    target.absolute = true;
    if (!is_valid_authority(target.authority)) return false;
    if (end == std::string_view::npos) {
        target.path = is_options ? "*" : "/"; // RFC 9112 section 3.2.4
        return true;
    }
    split_query(rest.substr(end), target);
    if (target.path.empty()) target.path = "/";
    return true;
}

} // namespace

std::optional<Target> split_target(std::string_view text, bool is_options) {
    Target target;
    if (text.empty() || !all_are(text, target_char)) return std::nullopt;
    constexpr std::string_view http = "http://";
    constexpr std::string_view https = "https://";
    if (text.front() == '/') {
        split_query(text, target);
    } else if (text == "*") {
        if (!is_options) return std::nullopt;
        target.path = text;
    } else if (equals_ignoring_case(text.substr(0, http.size()), http)) {
        if (!split_absolute(text.substr(http.size()), is_options, target)) return std::nullopt;
    } else if (equals_ignoring_case(text.substr(0, https.size()), https)) {
        if (!split_absolute(text.substr(https.size()), is_options, target)) return std::nullopt;
    } else {
        return std::nullopt;
    }
    // Some servers read '\' as '/': nothing behind us shall have to guess.
    if (target.path.find('\\') != std::string_view::npos) return std::nullopt;
    return target;
}

bool is_valid_authority(std::string_view text) {
    if (text.empty()) return false;
    if (text.front() == '[') {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos || !is_ipv6(text.substr(1, close - 1))) return false;
        const std::string_view rest = text.substr(close + 1);
        return rest.empty() || (rest.front() == ':' && is_valid_port(rest.substr(1)));
    }
    const std::size_t colon = text.find(':');
    const std::string_view host = text.substr(0, colon);
    if (host.empty() || !all_are(host, host_char)) return false;
    return colon == std::string_view::npos || is_valid_port(text.substr(colon + 1));
}

} // namespace mpsup::http

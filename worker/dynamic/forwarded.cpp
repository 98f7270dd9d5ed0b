#include "worker/dynamic/forwarded.h"

#include "worker/contract/cidr.h"

#include <limits>

namespace mpsup::dynamic {

namespace {

std::string_view last_element(std::string_view list) {
    list = list.substr(list.rfind(',') + 1);
    const auto first = list.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return list.substr(first, list.find_last_not_of(" \t") + 1 - first);
}

void read_host(std::string_view authority, Forwarded& forwarded) {
    if (authority.empty()) return;
    const bool is_six = authority.starts_with('[');
    const auto end = is_six ? authority.find(']') : authority.find(':');
    forwarded.server_name = authority.substr(is_six ? 1 : 0, end - (is_six ? 1 : 0));
    const auto colon = is_six ? authority.find(':', end) : end;
    if (colon != std::string_view::npos) forwarded.server_port = authority.substr(colon + 1);
}

} // namespace

Forwarded forwarded_of(const http::Request& request) noexcept {
    Forwarded forwarded;
    for (const http::Field& field : request.fields) {
        if (http::equals_ignoring_case(field.name, "x-forwarded-for")) {
            const std::string_view last = last_element(field.value);
            if (contract::Cidr::parse_ip(last)) forwarded.remote_address = last;
        } else if (http::equals_ignoring_case(field.name, "x-forwarded-proto")) {
            forwarded.is_secure = http::equals_ignoring_case(last_element(field.value), "https");
        } else if (http::equals_ignoring_case(field.name, "mpsup-client-port")) {
            if (field.value.find_first_not_of("0123456789") == std::string_view::npos)
                forwarded.remote_port = field.value;
        }
    }
    if (forwarded.is_secure) forwarded.server_port = "443";
    read_host(request.authority, forwarded);
    return forwarded;
}

http::Limits trusted_limits() {
    http::Limits limits;
    limits.head *= 2;
    limits.line *= 2;
    limits.fields *= 2;
    limits.body = std::numeric_limits<std::uint64_t>::max();
    return limits;
}

http::Deadlines trusted_deadlines(http::Deadlines deadlines) {
    deadlines.write_rate = 0;
    deadlines.write_stall = std::chrono::hours(24);
    return deadlines;
}

} // namespace mpsup::dynamic

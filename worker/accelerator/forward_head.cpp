#include "worker/accelerator/forward_head.h"

#include "worker/accelerator/hop_by_hop.h"
#include "worker/http/char_class.h"

#include <algorithm>
#include <charconv>

namespace mpsup::accelerator {

namespace {

void append_number(std::string& out, std::uint64_t number) {
    char digits[20];
    out.append(digits, std::to_chars(std::begin(digits), std::end(digits), number).ptr);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
}

bool begins(std::string_view name, std::string_view with) noexcept {
    return name.size() >= with.size() && http::equals_ignoring_case(name.substr(0, with.size()), with);
}

// Fields that are written anew below, or that only we may say.
bool is_ours(std::string_view name) noexcept {
    const auto named = [&](std::string_view wanted) { return http::equals_ignoring_case(name, wanted); };
    switch (name.size() > 0 ? name.front() | 0x20 : 0) {
    case 'c': return named("Content-Length");
    case 'e': return named("Expect");
    case 'f': return named("Forwarded");
    case 'h': return named("Host");
    case 'm': return begins(name, "Mpsup-");
    case 'v': return named("Via");
    case 'x':
        return begins(name, "X-Forwarded-") || begins(name, "X-Accel-") || named("X-Real-IP") ||
               named("X-Request-Id") || named("X-Request-Start") || named("X-Sendfile-Type");
    default: return false;
    }
}

bool is_overridden(std::string_view name, const ForwardPlan& plan) noexcept {
    return std::ranges::any_of(plan.overrides,
                               [&](const auto& field) { return http::equals_ignoring_case(field.first, name); });
}

// The Host that a route prescribes, else the one that the client asked for.
std::string_view host_for(const ClientIdentity& identity, const ForwardPlan& plan) noexcept {
    for (const auto& [name, value] : plan.overrides)
        if (!value.empty() && http::equals_ignoring_case(name, "Host")) return value;
    return identity.host.empty() ? plan.fallback_host : identity.host;
}

// What asks for less than the whole answer (RFC 9110 sections 13.1 and 14.2).
bool is_condition(std::string_view name) noexcept {
    return begins(name, "If-") || http::equals_ignoring_case(name, "Range");
}

// An address as a node of Forwarded (RFC 7239 section 6): IPv6 in brackets and quotes.
void append_node(std::string& out, std::string_view address) {
    if (address.empty() || !(http::is(address.front(), http::hex_char) || address.front() == ':'))
        out += "unknown";
    else if (address.contains(':'))
        out.append("\"[").append(address).append("]\"");
    else
        out += address;
}

void append_forwarded(std::string& out, const ClientIdentity& identity, std::string_view peer) {
    out += "Forwarded: ";
    if (!identity.forwarded.empty()) out.append(identity.forwarded).append(", ");
    out += "for=";
    // A trusted peer that says nothing here has said it in X-Forwarded-For: both must name the same client.
    append_node(out, identity.forwarded.empty() ? identity.address : peer);
    if (!identity.host.empty()) {
        const bool token = http::all_are(identity.host, http::token_char);
        out.append(";host=").append(token ? "" : "\"").append(identity.host).append(token ? "" : "\"");
    }
    out.append(";proto=").append(identity.proto).append("\r\n");
}

void append_identity(std::string& out, const ClientIdentity& identity, const ForwardPlan& plan) {
    out += "X-Forwarded-For: ";
    if (!identity.chain.empty()) out.append(identity.chain).append(", ");
    out.append(identity.address).append("\r\n");
    append_field(out, "X-Real-IP", identity.address);
    append_field(out, "X-Forwarded-Proto", identity.proto);
    if (!identity.host.empty()) append_field(out, "X-Forwarded-Host", identity.host);
    append_field(out, "X-Forwarded-Port", identity.port);
    append_forwarded(out, identity, plan.peer);
    append_field(out, "X-Request-Id", plan.request_id);
    out += "X-Request-Start: t=";
    append_number(out, plan.start_us);
    out += "\r\n";
    if (plan.client_port == 0) return;
    out += "Mpsup-Client-Port: ";
    append_number(out, plan.client_port);
    out += "\r\n";
}

void append_framing(std::string& out, const ForwardPlan& plan) {
    if (plan.length && plan.has_content) {
        out += "Content-Length: ";
        append_number(out, *plan.length);
        out += "\r\n";
    } else if (plan.has_content) {
        out += "Transfer-Encoding: chunked\r\n";
    }
    if (plan.upgrade)
        out += "Connection: upgrade\r\nUpgrade: websocket\r\n";
    else if (!plan.keep_alive)
        out += "Connection: close\r\n";
}

void append_line(std::string& out, const http::Request& request, const ForwardPlan& plan) {
    out.append(request.method).append(" ");
    if (!plan.target.empty()) {
        out += plan.target;
    } else {
        out += request.path;
        if (request.has_query) out.append("?").append(request.query);
    }
    out += " HTTP/1.1\r\n";
}

} // namespace

void write_forward_head(std::string& out, const http::Request& request, const ClientIdentity& identity,
                        const ForwardPlan& plan) {
    append_line(out, request, plan);
    append_field(out, "Host", host_for(identity, plan));
    const HopByHop hop(request.fields);
    std::string_view via;
    for (const http::Field& field : request.fields) {
        if (http::equals_ignoring_case(field.name, "Via") && !hop.contains("Via")) {
            // Of several lines all but the last pass as they are.
            if (!via.empty()) append_field(out, "Via", via);
            via = field.value;
        }
        if (is_ours(field.name) || hop.contains(field.name)) continue;
        if (plan.refetch && is_condition(field.name)) continue;
        if (!plan.overrides.empty() && is_overridden(field.name, plan)) continue;
        append_field(out, field.name, field.value);
    }
    for (const http::Field& field : plan.additions) append_field(out, field.name, field.value);
    for (const auto& [name, value] : plan.overrides)
        if (!value.empty() && !is_ours(name)) append_field(out, name, value);
    if (!plan.prefix.empty()) append_field(out, "X-Forwarded-Prefix", plan.prefix);
    append_identity(out, identity, plan);
    out += "Via: ";
    if (!via.empty()) out.append(via).append(", ");
    out += request.minor_version == 0 ? "1.0 mpsup\r\n" : "1.1 mpsup\r\n";
    append_framing(out, plan);
    out += "\r\n";
}

bool wants_websocket(const http::Request& request) noexcept {
    if (request.method != "GET" || request.minor_version != 1 || request.framing != http::Framing::none) return false;
    bool upgrade = false;
    bool connection = false;
    for (const http::Field& field : request.fields) {
        upgrade |=
            http::equals_ignoring_case(field.name, "Upgrade") && http::equals_ignoring_case(field.value, "websocket");
        connection |=
            http::equals_ignoring_case(field.name, "Connection") && http::list_contains(field.value, "upgrade");
    }
    return upgrade && connection;
}

} // namespace mpsup::accelerator

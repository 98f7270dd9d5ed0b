// One request as the gate let it through.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace mpsup::http {

/// A field line: the name as sent (a token, RFC 9110 section 5.6.2), the value without white space around it.
struct Field {
    std::string_view name;
    std::string_view value;
};

/// How the end of the content is found (RFC 9112 section 6.3).
enum class Framing { none, length, chunked };

/// All views point into the buffer of the connection (or to constants) and are good until the request is finished:
/// Connection::finish_response. Fields whose name holds an underscore and the field Proxy are left out, because they
/// would collide with others in a CGI-like environment (CVE-2015-7519, CVE-2016-5385).
struct Request {
    std::string_view line;      // the request line as sent, for logs
    std::string_view method;    // a token, case as sent
    std::string_view target;    // as sent
    std::string_view path;      // raw, undecoded; "/…", or "*" for OPTIONS
    std::string_view query;     // raw, without '?'
    std::string_view authority; // host[:port]: of the absolute form, else of Host; empty only for HTTP/1.0
    bool has_query = false;     // there was a '?', maybe with nothing after it
    int minor_version = 1;      // HTTP/1.0 or HTTP/1.1
    Framing framing = Framing::none;
    std::uint64_t content_length = 0; // for Framing::length
    bool expect_continue = false;
    bool keep_alive = true; // what the client asks for
    std::vector<Field> fields;

    /// The value of the first field of that name (any case), or nothing.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
};

/// ASCII case-insensitive equality.
[[nodiscard]] bool equals_ignoring_case(std::string_view left, std::string_view right) noexcept;

/// Does the comma-separated list `value` hold the token `token` (any case)?
[[nodiscard]] bool list_contains(std::string_view value, std::string_view token) noexcept;

} // namespace mpsup::http

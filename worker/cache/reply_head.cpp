#include "worker/cache/reply_head.h"

#include "worker/http/request.h"

#include <algorithm>
#include <charconv>

namespace mpsup::cache {

namespace {

using http::equals_ignoring_case;

void append_number(std::string& out, std::uint64_t number) {
    char digits[20];
    out.append(digits, std::to_chars(std::begin(digits), std::end(digits), number).ptr);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
}

void append_status_line(std::string& out, int status) {
    if (status == 200) {
        out += "HTTP/1.1 200 OK\r\n";
        return;
    }
    out += "HTTP/1.1 ";
    append_number(out, static_cast<std::uint64_t>(status));
    out.append(" ").append(http::reason_phrase(status)).append("\r\n");
}

// What a 304 tells: enough for the client to bring its own copy up to date.
bool belongs_into_304(std::string_view name) noexcept {
    switch (name.size()) {
    case 4:
        return equals_ignoring_case(name, "Date") || equals_ignoring_case(name, "ETag") ||
               equals_ignoring_case(name, "Vary");
    case 7: return equals_ignoring_case(name, "Expires");
    case 13: return equals_ignoring_case(name, "Cache-Control") || equals_ignoring_case(name, "Last-Modified");
    case 16: return equals_ignoring_case(name, "Content-Location");
    default: return false;
    }
}

bool stays(const StoredReply& reply, std::string_view name) noexcept {
    if (reply.status == 304) return belongs_into_304(name);
    if (reply.status == 416) return equals_ignoring_case(name, "Date");
    return reply.content_type.empty() || !equals_ignoring_case(name, "Content-Type");
}

void append_stored(std::string& out, const StoredReply& reply) {
    if (reply.status != 304 && reply.status != 416 && reply.content_type.empty()) {
        out += reply.fields;
        return;
    }
    for (std::string_view rest = reply.fields; !rest.empty();) {
        const std::string_view line = rest.substr(0, std::min(rest.find('\n'), rest.size() - 1) + 1);
        if (stays(reply, line.substr(0, line.find(':')))) out += line;
        rest.remove_prefix(line.size());
    }
}

} // namespace

http::WrittenHead write_stored_head(std::string& out, const StoredReply& reply, const http::ReplyContext& context) {
    const bool no_content = reply.status == 204 || reply.status == 205 || reply.status == 304;
    http::WrittenHead written;
    written.keep_alive = context.keep_alive && !reply.close;
    if (!context.is_head && !no_content) written.framing = http::BodyFraming::length;

    append_status_line(out, reply.status);
    append_stored(out, reply);
    out += "Age: ";
    append_number(out, static_cast<std::uint64_t>(std::max(Seconds{0}, reply.age)));
    out += "\r\n";
    if (!reply.cache_status.empty()) append_field(out, "Cache-Status", reply.cache_status);
    if (!reply.content_type.empty()) append_field(out, "Content-Type", reply.content_type);
    if (!reply.content_range.empty()) append_field(out, "Content-Range", reply.content_range);
    if (reply.status == 205) {
        out += "Content-Length: 0\r\n";
    } else if (!no_content) {
        out += "Content-Length: ";
        append_number(out, reply.length);
        out += "\r\n";
    }
    if (!written.keep_alive)
        out += "Connection: close\r\n";
    else if (context.minor_version == 0)
        out += "Connection: keep-alive\r\n";
    out += "\r\n";
    return written;
}

} // namespace mpsup::cache

#include "worker/http/response_writer.h"

#include "worker/http/char_class.h"
#include "worker/http/http_date.h"

#include <charconv>

namespace mpsup::http {

namespace {

// Fields that only the engine may write, because they decide where the reply ends.
bool is_ours(std::string_view name) noexcept {
    switch (name.size()) {
    case 7: return equals_ignoring_case(name, "Upgrade") || equals_ignoring_case(name, "Trailer");
    case 10: return equals_ignoring_case(name, "Connection") || equals_ignoring_case(name, "Keep-Alive");
    case 14: return equals_ignoring_case(name, "Content-Length");
    case 17: return equals_ignoring_case(name, "Transfer-Encoding");
    default: return false;
    }
}

HeadProblem check(std::span<const Field> fields) noexcept {
    for (const Field& field : fields) {
        if (field.name.empty() || !all_are(field.name, token_char)) return HeadProblem::bad_field_name;
        if (!field.value.empty() && !all_are(field.value, value_char)) return HeadProblem::bad_field_value;
    }
    return HeadProblem::none;
}

void append_field(std::string& out, const Field& field) {
    out += field.name;
    out += ": ";
    out += field.value;
    out += "\r\n";
}

void append_number(std::string& out, std::uint64_t number) {
    char digits[20];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
    out.append(digits, end);
}

void append_status_line(std::string& out, int status) {
    if (status == 200) {
        out += "HTTP/1.1 200 OK\r\n";
        return;
    }
    out += "HTTP/1.1 ";
    append_number(out, static_cast<std::uint64_t>(status));
    out += ' ';
    out += reason_phrase(status);
    out += "\r\n";
}

bool has_no_content(int status) noexcept { return status == 204 || status == 205 || status == 304; }

WrittenHead decide(const ResponseHead& head, const ReplyContext& context) noexcept {
    WrittenHead written;
    written.keep_alive = context.keep_alive && !head.close;
    if (context.is_head || has_no_content(head.status)) return written;
    if (head.length) {
        written.framing = BodyFraming::length;
    } else if (context.minor_version >= 1) {
        written.framing = BodyFraming::chunked;
    } else {
        written.framing = BodyFraming::until_close;
        written.keep_alive = false;
    }
    return written;
}

} // namespace

HeadProblem check_head(const ResponseHead& head) noexcept {
    if (head.status < 200 || head.status > 599) return HeadProblem::bad_status;
    return check(head.fields);
}

HeadProblem write_head(std::string& out, const ResponseHead& head, const ReplyContext& context, WrittenHead& written) {
    if (const HeadProblem problem = check_head(head); problem != HeadProblem::none) return problem;
    written = decide(head, context);
    append_status_line(out, head.status);
    bool dated = false;
    for (const Field& field : head.fields) {
        if (is_ours(field.name)) continue;
        dated |= field.name.size() == 4 && equals_ignoring_case(field.name, "Date");
        append_field(out, field);
    }
    if (!dated) {
        out += "Date: ";
        out += current_http_date();
        out += "\r\n";
    }
    // RFC 9110 section 8.6: never with 204; with 304 it would have to be that of the 200. Section 15.3.6: a 205 is empty
    // by a length of 0, as its client waits for content else.
    if (head.status == 205) {
        out += "Content-Length: 0\r\n";
    } else if (head.length && !has_no_content(head.status)) {
        out += "Content-Length: ";
        append_number(out, *head.length);
        out += "\r\n";
    }
    if (written.framing == BodyFraming::chunked) out += "Transfer-Encoding: chunked\r\n";
    if (!written.keep_alive)
        out += "Connection: close\r\n";
    else if (context.minor_version == 0)
        out += "Connection: keep-alive\r\n";
    out += "\r\n";
    return HeadProblem::none;
}

HeadProblem write_interim_head(std::string& out, int status, std::span<const Field> fields) {
    if (status < 100 || status > 199 || status == 101) return HeadProblem::bad_status;
    if (const HeadProblem problem = check(fields); problem != HeadProblem::none) return problem;
    append_status_line(out, status);
    for (const Field& field : fields)
        if (!is_ours(field.name)) append_field(out, field);
    out += "\r\n";
    return HeadProblem::none;
}

HeadProblem write_upgrade_head(std::string& out, std::string_view protocols, std::span<const Field> fields) {
    const Field upgrade{"Upgrade", protocols};
    if (protocols.empty()) return HeadProblem::bad_field_value;
    if (const HeadProblem problem = check({&upgrade, 1}); problem != HeadProblem::none) return problem;
    if (const HeadProblem problem = check(fields); problem != HeadProblem::none) return problem;
    append_status_line(out, 101);
    out += "Connection: Upgrade\r\n";
    append_field(out, upgrade);
    for (const Field& field : fields)
        if (!is_ours(field.name)) append_field(out, field);
    out += "\r\n";
    return HeadProblem::none;
}

void write_plain_reply(std::string& out, int status, const ReplyContext& context, std::string_view allow,
                       std::string_view page) {
    std::string plain;
    append_number(plain, static_cast<std::uint64_t>(status));
    plain += ' ';
    plain += reason_phrase(status);
    plain += '\n';
    if (status == 204) plain.clear();
    const std::string_view content = page.empty() ? plain : page;
    const std::string_view type = page.empty() ? "text/plain; charset=utf-8" : "text/html; charset=utf-8";
    const Field fields[] = {{"Content-Type", type}, {"Allow", allow}};
    const std::size_t from = content.empty() ? 1 : 0;
    const std::size_t to = allow.empty() ? 1 : 2;
    const std::span<const Field> used = std::span(fields).subspan(from, to > from ? to - from : 0);
    WrittenHead written;
    const ResponseHead head{status, used, content.size(), false};
    if (write_head(out, head, context, written) == HeadProblem::none && written.framing == BodyFraming::length)
        out += content;
}

std::string_view chunk_start(ChunkSpace& space, std::uint64_t size) noexcept {
    char* end = std::to_chars(space.data(), space.data() + 16, size, 16).ptr;
    *end++ = '\r';
    *end++ = '\n';
    return {space.data(), static_cast<std::size_t>(end - space.data())};
}

std::string_view reason_phrase(int status) noexcept {
    switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 102: return "Processing";
    case 103: return "Early Hints";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 203: return "Non-Authoritative Information";
    case 204: return "No Content";
    case 205: return "Reset Content";
    case 206: return "Partial Content";
    case 207: return "Multi-Status";
    case 300: return "Multiple Choices";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 407: return "Proxy Authentication Required";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 423: return "Locked";
    case 424: return "Failed Dependency";
    case 425: return "Too Early";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 451: return "Unavailable For Legal Reasons";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return "Unknown";
    }
}

} // namespace mpsup::http

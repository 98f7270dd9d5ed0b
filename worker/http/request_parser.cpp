#include "worker/http/request_parser.h"

#include "worker/http/char_class.h"
#include "worker/http/target.h"

#include <algorithm>
#include <cstring>

namespace mpsup::http {

namespace {

// IANA's HTTP Method Registry, without CONNECT, TRACE and PRI.
constexpr std::string_view known_methods[] = {"GET",
                                              "HEAD",
                                              "POST",
                                              "PUT",
                                              "DELETE",
                                              "OPTIONS",
                                              "PATCH",
                                              "PROPFIND",
                                              "ACL",
                                              "BASELINE-CONTROL",
                                              "BIND",
                                              "CHECKIN",
                                              "CHECKOUT",
                                              "COPY",
                                              "LABEL",
                                              "LINK",
                                              "LOCK",
                                              "MERGE",
                                              "MKACTIVITY",
                                              "MKCALENDAR",
                                              "MKCOL",
                                              "MKREDIRECTREF",
                                              "MKWORKSPACE",
                                              "MOVE",
                                              "ORDERPATCH",
                                              "PROPPATCH",
                                              "QUERY",
                                              "REBIND",
                                              "REPORT",
                                              "SEARCH",
                                              "UNBIND",
                                              "UNCHECKOUT",
                                              "UNLINK",
                                              "UNLOCK",
                                              "UPDATE",
                                              "UPDATEREDIRECTREF",
                                              "VERSION-CONTROL"};

constexpr std::size_t max_length_digits = 18; // below 2^63 without a check for overflow

std::string_view trim(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

// The bytes of `method` that are there, up to the space that ends it.
std::string_view method_part(std::string_view line, std::size_t limit) noexcept {
    line = line.substr(0, limit + 1);
    return line.substr(0, line.find(' '));
}

} // namespace

void RequestParser::reset() noexcept {
    refusal_ = {};
    line_start_ = scanned_ = field_count_ = 0;
    blank_seen_ = in_fields_ = false;
    line_ = method_ = target_ = host_ = {};
    options_ = absolute_ = has_host_ = has_length_ = has_coding_ = false;
    unknown_coding_ = expect_continue_ = wants_close_ = wants_keep_alive_ = false;
    minor_version_ = 1;
    content_length_ = 0;
    fields_.clear();
}

RequestParser::Status RequestParser::refuse(int status, const char* reason) noexcept {
    refusal_ = {status, reason};
    return Status::refused;
}

RequestParser::Status RequestParser::parse(std::string_view bytes) {
    if (refusal_) return Status::refused;
    for (;;) {
        const void* found =
            scanned_ < bytes.size() ? std::memchr(bytes.data() + scanned_, '\n', bytes.size() - scanned_) : nullptr;
        if (!found) {
            scanned_ = bytes.size();
            return check_partial(bytes);
        }
        const auto end = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
        scanned_ = end + 1;
        const std::size_t size = end - line_start_; // of the line with its CR
        const Status status = read_line(bytes, size);
        if (status != Status::incomplete) return status;
    }
}

// A line that has not ended yet is refused when nothing that may follow could save it. The same tests come first for a
// whole line, so that the cut does not matter.
RequestParser::Status RequestParser::check_partial(std::string_view bytes) {
    const std::string_view line = bytes.substr(line_start_);
    if (!in_fields_ && !line.empty() && line != "\r") {
        const std::string_view method = method_part(line, limits_.method);
        if (method.size() > limits_.method) return refuse(400, "method too long");
        if (!all_are(method, token_char)) return refuse(400, "bad method");
    }
    if (line.size() > limits_.line + 1) return refuse(in_fields_ ? 431 : 414, "line too long");
    if (bytes.size() > limits_.head) return refuse(431, "head too large");
    return Status::incomplete;
}

RequestParser::Status RequestParser::read_line(std::string_view bytes, std::size_t size) {
    const std::string_view line = bytes.substr(line_start_, size);
    if (!in_fields_ && !line.empty() && line != "\r") {
        const std::string_view method = method_part(line, limits_.method);
        if (method.size() > limits_.method) return refuse(400, "method too long");
        if (!all_are(method, token_char)) return refuse(400, "bad method");
    }
    if (size > limits_.line + 1) return refuse(in_fields_ ? 431 : 414, "line too long");
    if (line_start_ + size + 1 > limits_.head) return refuse(431, "head too large");
    if (size == 0 || line.back() != '\r') return refuse(400, "bare LF");
    const std::size_t next = line_start_ + size + 1;
    Status status = Status::incomplete;
    if (size > 1) {
        status = in_fields_ ? read_field(bytes, size - 1) : read_request_line(bytes, size - 1);
    } else if (in_fields_) {
        status = finish();
    } else if (blank_seen_) {
        return refuse(400, "empty lines before the request line");
    } else {
        blank_seen_ = true;
    }
    line_start_ = next;
    return status;
}

RequestParser::Status RequestParser::read_request_line(std::string_view bytes, std::size_t size) {
    const std::string_view line = bytes.substr(line_start_, size);
    const auto start = static_cast<std::uint32_t>(line_start_);
    line_ = {start, static_cast<std::uint32_t>(size)};
    in_fields_ = true;
    const std::size_t first = line.find(' ');
    if (first == std::string_view::npos) return refuse(400, "request line without target");
    const std::size_t second = line.find(' ', first + 1);
    if (second == std::string_view::npos) return refuse(400, "request line without version");
    if (first == 0 || second == first + 1) return refuse(400, "request line with extra space");
    method_ = {start, static_cast<std::uint32_t>(first)};
    target_ = {start + static_cast<std::uint32_t>(first) + 1, static_cast<std::uint32_t>(second - first - 1)};
    if (const Status status = read_version(line.substr(second + 1)); status != Status::incomplete) return status;
    return read_target(bytes);
}

RequestParser::Status RequestParser::read_version(std::string_view version) {
    constexpr std::string_view name = "HTTP/";
    const auto digit = [&](std::size_t at) { return version[at] >= '0' && version[at] <= '9'; };
    if (version.size() != name.size() + 3 || !version.starts_with(name) || !digit(5) || version[6] != '.' || !digit(7))
        return refuse(400, "bad version");
    if (version[5] != '1' || version[7] > '1') return refuse(505, "unknown version");
    minor_version_ = version[7] - '0';
    return Status::incomplete;
}

RequestParser::Status RequestParser::read_target(std::string_view bytes) {
    const std::string_view method = bytes.substr(method_.start, method_.size);
    if (method == "CONNECT" || method == "TRACE") return refuse(405, "CONNECT or TRACE");
    options_ = method == "OPTIONS";
    const auto target = split_target(bytes.substr(target_.start, target_.size), options_);
    if (!target) return refuse(400, "bad target");
    if (std::ranges::find(known_methods, method) == std::end(known_methods)) return refuse(501, "unknown method");
    absolute_ = target->absolute;
    return Status::incomplete;
}

RequestParser::Status RequestParser::read_field(std::string_view bytes, std::size_t size) {
    const std::string_view line = bytes.substr(line_start_, size);
    if (++field_count_ > limits_.fields) return refuse(431, "too many fields");
    if (line.front() == ' ' || line.front() == '\t') return refuse(400, "folded line");
    std::size_t colon = 0;
    bool underscore = false;
    for (; colon < line.size() && is(line[colon], token_char); ++colon) underscore |= line[colon] == '_';
    if (colon == line.size() || line[colon] != ':' || colon == 0) return refuse(400, "bad field name");
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trim(line.substr(colon + 1));
    if (!value.empty() && !all_are(value, value_char)) return refuse(400, "bad field value");
    if (underscore || equals_ignoring_case(name, "Proxy")) return Status::incomplete;
    const auto position = [&](std::string_view part) {
        return Part{static_cast<std::uint32_t>(part.data() - bytes.data()), static_cast<std::uint32_t>(part.size())};
    };
    fields_.push_back({position(name), position(value)});
    return read_special(name, value);
}

RequestParser::Status RequestParser::read_special(std::string_view name, std::string_view value) {
    const auto named = [&](std::string_view wanted) { return equals_ignoring_case(name, wanted); };
    switch (name.size()) {
    case 4:
        if (!named("Host")) break;
        if (has_host_) return refuse(400, "two Host fields");
        if (!is_valid_authority(value)) return refuse(400, "bad Host");
        has_host_ = true;
        host_ = fields_.back().value;
        break;
    case 6:
        if (!named("Expect")) break;
        if (!equals_ignoring_case(value, "100-continue")) return refuse(417, "unknown expectation");
        expect_continue_ = true;
        break;
    case 10:
        if (!named("Connection")) break;
        wants_close_ |= list_contains(value, "close");
        wants_keep_alive_ |= list_contains(value, "keep-alive");
        break;
    case 14:
        if (named("Content-Length")) return read_length(value);
        break;
    case 17:
        if (named("Transfer-Encoding")) return read_coding(value);
        break;
    default: break;
    }
    return Status::incomplete;
}

RequestParser::Status RequestParser::read_length(std::string_view value) {
    if (has_length_) return refuse(400, "two Content-Length fields");
    if (value.empty() || value.size() > max_length_digits) return refuse(400, "bad Content-Length");
    for (const char c : value) {
        if (c < '0' || c > '9') return refuse(400, "bad Content-Length");
        content_length_ = content_length_ * 10 + static_cast<std::uint64_t>(c - '0');
    }
    has_length_ = true;
    return Status::incomplete;
}

RequestParser::Status RequestParser::read_coding(std::string_view value) {
    if (has_coding_) return refuse(400, "two Transfer-Encoding fields");
    if (minor_version_ == 0) return refuse(400, "Transfer-Encoding in HTTP/1.0");
    has_coding_ = true;
    if (equals_ignoring_case(value, "chunked")) return Status::incomplete;
    if (value.empty() || !all_are(value, token_char)) return refuse(400, "bad Transfer-Encoding");
    unknown_coding_ = true; // a Content-Length beside it is the graver fault: judged at the end
    return Status::incomplete;
}

RequestParser::Status RequestParser::finish() {
    if (has_coding_ && has_length_) return refuse(400, "Transfer-Encoding and Content-Length");
    if (!has_host_ && minor_version_ == 1) return refuse(400, "no Host");
    if (unknown_coding_) return refuse(501, "unknown transfer coding");
    if (has_length_ && content_length_ > limits_.body) return refuse(413, "content too large");
    return Status::complete;
}

void RequestParser::build(std::string_view bytes, Request& request) const {
    const auto text = [&](Part part) { return bytes.substr(part.start, part.size); };
    request.line = text(line_);
    request.method = text(method_);
    request.target = text(target_);
    const Target target = split_target(request.target, options_).value_or(Target{});
    request.path = target.path;
    request.query = target.query;
    request.has_query = target.has_query;
    request.authority = absolute_ ? target.authority : text(host_);
    request.minor_version = minor_version_;
    request.framing = has_coding_ ? Framing::chunked : has_length_ ? Framing::length : Framing::none;
    request.content_length = content_length_;
    if (has_length_ && content_length_ == 0) request.framing = Framing::none;
    // RFC 9110 section 10.1.1: HTTP/1.0 knows no expectation; without a body there is nothing to continue with.
    request.expect_continue = expect_continue_ && minor_version_ == 1 && request.framing != Framing::none;
    request.keep_alive = !wants_close_ && (minor_version_ == 1 || wants_keep_alive_);
    request.fields.clear();
    for (const RawField& field : fields_) request.fields.push_back({text(field.name), text(field.value)});
}

std::string_view RequestParser::request_line(std::string_view bytes) const noexcept {
    if (line_.size > 0) return bytes.substr(line_.start, line_.size);
    std::string_view line = bytes.substr(std::min(line_start_, bytes.size()), limits_.line);
    line = line.substr(0, line.find('\n'));
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

} // namespace mpsup::http

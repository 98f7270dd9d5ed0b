#include "worker/accelerator/response_parser.h"

#include "worker/http/char_class.h"

#include <cstring>

namespace mpsup::accelerator {

namespace {

constexpr std::size_t max_length_digits = 18; // below 2^63 without a check for overflow

std::string_view trim(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

} // namespace

std::optional<std::string_view> UpstreamHead::find(std::string_view name) const noexcept {
    for (const http::Field& field : fields)
        if (http::equals_ignoring_case(field.name, name)) return field.value;
    return std::nullopt;
}

void ResponseParser::reset(Expectation expectation) noexcept {
    expectation_ = expectation;
    problem_ = nullptr;
    line_start_ = scanned_ = 0;
    status_ = 0;
    minor_version_ = 1;
    has_length_ = has_coding_ = wants_close_ = wants_keep_alive_ = upgrades_ = false;
    content_length_ = 0;
    fields_.clear();
}

ResponseParser::Status ResponseParser::refuse(const char* problem) noexcept {
    problem_ = problem;
    return Status::refused;
}

ResponseParser::Status ResponseParser::parse(std::string_view bytes) {
    if (problem_) return Status::refused;
    for (;;) {
        const void* found =
            scanned_ < bytes.size() ? std::memchr(bytes.data() + scanned_, '\n', bytes.size() - scanned_) : nullptr;
        if (!found) {
            scanned_ = bytes.size();
            return bytes.size() > limits_.head ? refuse("head too large") : Status::incomplete;
        }
        const auto end = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
        scanned_ = end + 1;
        const Status status = read_line(bytes, end - line_start_);
        if (status == Status::refused) return status;
        line_start_ = end + 1;
        if (status == Status::complete) return status;
    }
}

// `size`: of the line with its CR.
ResponseParser::Status ResponseParser::read_line(std::string_view bytes, std::size_t size) {
    if (line_start_ + size + 1 > limits_.head) return refuse("head too large");
    std::string_view line = bytes.substr(line_start_, size);
    if (!line.ends_with('\r')) return refuse("bare LF");
    line.remove_suffix(1);
    if (status_ == 0) return read_status_line(line);
    return line.empty() ? finish() : read_field(bytes, line);
}

ResponseParser::Status ResponseParser::read_status_line(std::string_view line) {
    constexpr std::string_view version = "HTTP/1.";
    if (line.size() < 12 || !line.starts_with(version) || (line[7] != '0' && line[7] != '1') || line[8] != ' ')
        return refuse("bad status line");
    minor_version_ = line[7] - '0';
    int status = 0;
    for (const char digit : line.substr(9, 3)) {
        if (!is_digit(digit)) return refuse("bad status code");
        status = status * 10 + (digit - '0');
    }
    if (status < 100 || status > 599) return refuse("status code out of range");
    const std::string_view reason = line.substr(12);
    if (!reason.empty() && (reason.front() != ' ' || !http::all_are(reason, http::value_char)))
        return refuse("bad status line");
    status_ = status;
    return Status::incomplete;
}

ResponseParser::Status ResponseParser::read_field(std::string_view bytes, std::string_view line) {
    if (fields_.size() == limits_.fields) return refuse("too many fields");
    if (line.front() == ' ' || line.front() == '\t') return refuse("folded line");
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return refuse("bad field name");
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trim(line.substr(colon + 1));
    if (!http::all_are(name, http::token_char)) return refuse("bad field name");
    if (!value.empty() && !http::all_are(value, http::value_char)) return refuse("bad field value");
    const auto position = [&](std::string_view part) {
        return Part{static_cast<std::uint32_t>(part.data() - bytes.data()), static_cast<std::uint32_t>(part.size())};
    };
    fields_.push_back({position(name), position(value)});
    return read_special(name, value);
}

ResponseParser::Status ResponseParser::read_special(std::string_view name, std::string_view value) {
    const auto named = [&](std::string_view wanted) { return http::equals_ignoring_case(name, wanted); };
    switch (name.size()) {
    case 7: upgrades_ |= named("Upgrade") && !value.empty(); break;
    case 10:
        if (!named("Connection")) break;
        wants_close_ |= http::list_contains(value, "close");
        wants_keep_alive_ |= http::list_contains(value, "keep-alive");
        break;
    case 14:
        if (named("Content-Length")) return read_length(value);
        break;
    case 17:
        if (!named("Transfer-Encoding")) break;
        if (has_coding_) return refuse("two Transfer-Encoding fields");
        if (minor_version_ == 0) return refuse("Transfer-Encoding in HTTP/1.0");
        if (!http::equals_ignoring_case(value, "chunked")) return refuse("unknown transfer coding");
        has_coding_ = true;
        break;
    default: break;
    }
    return Status::incomplete;
}

ResponseParser::Status ResponseParser::read_length(std::string_view value) {
    if (has_length_) return refuse("two Content-Length fields");
    if (value.empty() || value.size() > max_length_digits) return refuse("bad Content-Length");
    for (const char c : value) {
        if (!is_digit(c)) return refuse("bad Content-Length");
        content_length_ = content_length_ * 10 + static_cast<std::uint64_t>(c - '0');
    }
    has_length_ = true;
    return Status::incomplete;
}

ResponseParser::Status ResponseParser::finish() {
    if (has_coding_ && has_length_) return refuse("Transfer-Encoding and Content-Length");
    if (status_ == 101 && (!expectation_.upgrade || !upgrades_)) return refuse("101 that nobody asked for");
    if (status_ < 200 && status_ != 100 && status_ != 101 && status_ != 103) return refuse("unknown interim response");
    if (status_ < 200 && minor_version_ == 0) return refuse("interim response in HTTP/1.0");
    return Status::complete;
}

ContentEnd ResponseParser::content_end() const noexcept {
    if (expectation_.is_head || status_ < 200 || status_ == 204 || status_ == 304) return ContentEnd::none;
    if (has_coding_) return ContentEnd::chunked;
    if (!has_length_) return ContentEnd::until_close;
    return content_length_ == 0 ? ContentEnd::none : ContentEnd::length;
}

void ResponseParser::build(std::string_view bytes, UpstreamHead& head) const {
    const auto text = [&](Part part) { return bytes.substr(part.start, part.size); };
    head.status = status_;
    head.minor_version = minor_version_;
    head.end = content_end();
    head.content_length = content_length_;
    head.has_length = has_length_;
    head.keep_alive = head.end != ContentEnd::until_close && status_ != 101 && !wants_close_ &&
                      (minor_version_ == 1 || wants_keep_alive_);
    head.fields.clear();
    for (const RawField& field : fields_) head.fields.push_back({text(field.name), text(field.value)});
}

} // namespace mpsup::accelerator

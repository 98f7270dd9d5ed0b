#include "worker/http/access_log.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <unistd.h>
#include <utility>

namespace mpsup::http {

namespace {

constexpr std::size_t flush_size = 32 * 1024;

void append_escaped(std::string& out, std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    if (text.empty()) {
        out += '-';
        return;
    }
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c >= 0x20 && c < 0x7f) {
            out += c;
        } else {
            const auto octet = static_cast<unsigned char>(c);
            out += {'\\', 'x', digits[octet >> 4U], digits[octet & 15U]};
        }
    }
}

void append_number(std::string& out, std::uint64_t number) {
    char digits[20];
    out.append(digits, std::to_chars(std::begin(digits), std::end(digits), number).ptr);
}

// "[06/Nov/1994:08:49:37 +0000]", formatted once a second.
std::string_view bracketed_time(std::time_t time) {
    static thread_local std::time_t formatted = -1;
    static thread_local char text[32];
    static thread_local std::size_t size = 0;
    if (time != formatted) {
        std::tm tm{};
        ::gmtime_r(&time, &tm);
        size = std::strftime(text, sizeof text, "[%d/%b/%Y:%H:%M:%S +0000]", &tm);
        formatted = time;
    }
    return {text, size};
}

// "12.345"
void append_milliseconds(std::string& out, std::chrono::microseconds time) {
    const auto count = static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0));
    append_number(out, count / 1000);
    const auto rest = static_cast<unsigned>(count % 1000);
    out += {'.', static_cast<char>('0' + rest / 100), static_cast<char>('0' + rest / 10 % 10),
            static_cast<char>('0' + rest % 10)};
}

void append_if_known(std::string& out, std::optional<std::chrono::microseconds> time) {
    if (time)
        append_milliseconds(out, *time);
    else
        out += '-';
}

void append_notes(std::string& out, const AccessRecord& record) {
    const LogNotes& notes = *record.notes;
    out += ' ';
    append_escaped(out, notes.tier);
    out += " \"";
    append_escaped(out, notes.cache);
    out += "\" ";
    append_if_known(out, notes.queue);
    out += ' ';
    append_if_known(out, notes.heavy);
    out += ' ';
    append_milliseconds(out, record.took);
    out += ' ';
    append_number(out, record.bytes_in);
    out += ' ';
    out += notes.child > 0 ? std::to_string(notes.child) : "-";
    out += ' ';
    out += notes.child > 0 ? std::to_string(notes.generation) : "-";
    out += " \"";
    append_escaped(out, notes.request_id);
    out += '"';
}

void append_json_name(std::string& out, std::string_view name) { out.append(",\"").append(name).append("\":"); }

void append_json(std::string& out, std::string_view name, std::uint64_t number) {
    append_json_name(out, name);
    append_number(out, number);
}

void append_json(std::string& out, std::string_view name, std::chrono::microseconds time) {
    append_json_name(out, name);
    append_milliseconds(out, time);
}

// Nothing when it is empty.
void append_json(std::string& out, std::string_view name, std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    if (text.empty()) return;
    append_json_name(out, name);
    out += '"';
    for (const char c : text) {
        const auto octet = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            out += {'\\', c};
        else if (octet >= 0x20 && octet < 0x7f)
            out += c;
        else
            out.append("\\u00") += {digits[octet >> 4U], digits[octet & 15U]};
    }
    out += '"';
}

} // namespace

void format_access_line(std::string& out, const AccessRecord& record, std::time_t time) {
    append_escaped(out, record.remote);
    out += " - ";
    append_escaped(out, record.user);
    out += ' ';
    out += bracketed_time(time);
    out += " \"";
    append_escaped(out, record.request_line);
    out += "\" ";
    append_number(out, static_cast<std::uint64_t>(record.status));
    out += ' ';
    append_number(out, record.bytes);
    out += " \"";
    append_escaped(out, record.referer);
    out += "\" \"";
    append_escaped(out, record.user_agent);
    out += '"';
    if (record.notes) append_notes(out, record);
    out += '\n';
}

void format_json_line(std::string& out, const AccessRecord& record, std::time_t time) {
    std::tm tm{};
    ::gmtime_r(&time, &tm);
    char text[32];
    out.append("{\"time\":\"").append(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm)) += '"';
    append_json(out, "remote", record.remote);
    append_json(out, "user", record.user);
    append_json(out, "request", record.request_line);
    append_json(out, "status", static_cast<std::uint64_t>(record.status));
    append_json(out, "bytes", record.bytes);
    append_json(out, "referer", record.referer);
    append_json(out, "user_agent", record.user_agent);
    if (const LogNotes* notes = record.notes) {
        append_json(out, "tier", notes->tier);
        append_json(out, "cache", notes->cache);
        if (notes->queue) append_json(out, "queue_ms", *notes->queue);
        if (notes->heavy) append_json(out, "heavy_ms", *notes->heavy);
        append_json(out, "client_ms", record.took);
        append_json(out, "bytes_in", record.bytes_in);
        if (notes->child > 0) append_json(out, "child", static_cast<std::uint64_t>(notes->child));
        if (notes->child > 0) append_json(out, "generation", notes->generation);
        append_json(out, "request_id", notes->request_id);
    }
    out += "}\n";
}

void AccessLog::add(const AccessRecord& record) {
    if (!file_) return;
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (json_)
        format_json_line(lines_, record, now.tv_sec);
    else
        format_access_line(lines_, record, now.tv_sec);
    ++pending_count_;
    if (lines_.size() >= flush_size) flush();
}

void AccessLog::flush() noexcept {
    if (lines_.empty()) return;
    if (std::exchange(torn_, false)) lines_.insert(0, 1, '\n');
    // A disk that is full or gone costs lines, never requests; a part that was written stays.
    const ssize_t written = ::write(file_.get(), lines_.data(), lines_.size());
    if (written != static_cast<ssize_t>(lines_.size())) {
        dropped_ += pending_count_;
        torn_ = written > 0 && lines_[static_cast<std::size_t>(written) - 1] != '\n';
    }
    lines_.clear();
    pending_count_ = 0;
}

void AccessLog::reopen(Fd file) noexcept {
    flush();
    torn_ = false;
    file_ = std::move(file);
}

} // namespace mpsup::http

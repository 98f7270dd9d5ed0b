#include "worker/http/access_log.h"

#include <cerrno>
#include <charconv>
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
    out += "\"\n";
}

void AccessLog::add(const AccessRecord& record) {
    if (!file_) return;
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
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

// Lines of log files, and when they were written.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <regex.h>
#include <string>
#include <string_view>

namespace mpsup::cli {

/// The time that a line says of itself, in milliseconds since 1970: "[2026-01-31T12:00:00.000+0000] …" and its like at its
/// beginning, or that of an access log's line. A time without a zone is local.
[[nodiscard]] std::optional<std::int64_t> time_in_line(std::string_view line);

struct LogLine {
    std::int64_t at_ms = 0;
    std::string text;
};

/// Places lines in time: one that carries none has that of the line before it; those before the first time have that one.
/// Files are pushed oldest first.
class LineClock {
public:
    /// A file follows that was written to at `written_ms` at last.
    void begin_file(std::int64_t written_ms) { written_ms_ = written_ms; }
    /// Lines that are placed are appended to `placed`.
    void push(std::string text, std::deque<LogLine>& placed);
    /// The file has ended: lines that still wait for a time are of its last.
    void end_file(std::deque<LogLine>& placed);

private:
    static constexpr std::size_t most_waiting = 10'000;
    std::optional<std::int64_t> now_ms_;
    std::int64_t written_ms_ = 0;
    std::deque<std::string> waiting_; // for the first time there is
};

/// An extended regular expression (regex(7)).
class LinePattern {
public:
    /// Nothing: the text is none.
    [[nodiscard]] static std::optional<LinePattern> compile(const std::string& text);
    [[nodiscard]] bool matches(const std::string& line) const;

private:
    struct Compiled {
        explicit Compiled(const std::string& text)
            : error(::regcomp(&pattern, text.c_str(), REG_EXTENDED | REG_NOSUB)) {}
        Compiled(const Compiled&) = delete;
        Compiled& operator=(const Compiled&) = delete;
        ~Compiled() {
            if (error == 0) ::regfree(&pattern);
        }
        regex_t pattern{};
        int error;
    };
    std::unique_ptr<const Compiled> compiled_;
};

} // namespace mpsup::cli

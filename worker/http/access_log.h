// The access log: NCSA combined format, one line a request.
#pragma once

#include "base/error.h"
#include "base/fd.h"

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

namespace mpsup::http {

struct AccessRecord {
    std::string_view remote;       // address without port; "-" for a unix socket
    std::string_view user;         // authenticated; empty: "-"
    std::string_view request_line; // as sent; empty: "-"
    int status = 0;
    std::uint64_t bytes = 0; // of content sent
    std::string_view referer, user_agent;
};

/// Appends one line. Control octets, quotes, backslashes and 8-bit octets that clients sent become \xHH (\" and \\ for
/// the two), so that no line can be forged and no terminal driven (`time`: wall clock, written in UTC).
void format_access_line(std::string& out, const AccessRecord& record, std::time_t time);

/// Owns the descriptor of an append-only file. Lines are gathered and written whole, in one write(2) of at most 32 KiB,
/// when that much is there or on flush(); O_APPEND keeps writers of several processes apart. Not thread-safe. Without a
/// descriptor it drops everything. A failed write drops its lines and counts them; what it left of a line is ended before the
/// next ones.
class AccessLog {
public:
    AccessLog() noexcept = default;
    explicit AccessLog(Fd file) noexcept : file_(std::move(file)) {}
    AccessLog(AccessLog&&) noexcept = default;
    AccessLog& operator=(AccessLog&&) noexcept = default;
    ~AccessLog() { flush(); }

    [[nodiscard]] bool enabled() const noexcept { return static_cast<bool>(file_); }
    void add(const AccessRecord& record);
    /// To be called when the process is about to wait, so that lines never hang back.
    void flush() noexcept;
    /// Lines go to another file from here on; those that wait are written to the one before.
    void reopen(Fd file) noexcept;
    [[nodiscard]] bool pending() const noexcept { return !lines_.empty(); }
    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

private:
    Fd file_;
    std::string lines_;
    std::uint64_t pending_count_ = 0;
    std::uint64_t dropped_ = 0;
    bool torn_ = false; // the last write ended within a line
};

} // namespace mpsup::http

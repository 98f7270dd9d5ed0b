// The access log: one line a request, in NCSA combined format or JSON.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "worker/http/log_notes.h"

#include <chrono>
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
    // What the combined format has no place for.
    const LogNotes* notes = nullptr;   // nothing: the line ends where the combined format does
    std::chrono::microseconds took{0}; // from the head of the request to the end of the reply
    std::uint64_t bytes_in = 0;        // of content
};

/// Appends one line. With notes there follow, each "-" when it is not known: tier, "cache", milliseconds in the queue, in a
/// child, and for the client in all, bytes of the request's content, pid and generation of the child, "request id". Control octets, quotes, backslashes and 8-bit octets that clients sent become \xHH (\" and \\ for
/// the two), so that no line can be forged and no terminal driven (`time`: wall clock, written in UTC).
void format_access_line(std::string& out, const AccessRecord& record, std::time_t time);

/// The same as one JSON object (RFC 8259): time (RFC 3339), remote, user, request, status, bytes, referer, user_agent, tier,
/// cache, queue_ms, heavy_ms, client_ms, bytes_in, child, generation, request_id; what is not known is left out. Octets
/// that are no printable ASCII become \u00HH.
void format_json_line(std::string& out, const AccessRecord& record, std::time_t time);

/// Owns the descriptor of an append-only file. Lines are gathered and written whole, in one write(2) of at most 32 KiB,
/// when that much is there or on flush(); O_APPEND keeps writers of several processes apart. Not thread-safe. Without a
/// descriptor it drops everything. A failed write drops its lines and counts them; what it left of a line is ended before the
/// next ones.
class AccessLog {
public:
    AccessLog() noexcept = default;
    explicit AccessLog(Fd file, bool json = false) noexcept : file_(std::move(file)), json_(json) {}
    AccessLog(AccessLog&&) noexcept = default;
    AccessLog& operator=(AccessLog&&) noexcept = default;
    ~AccessLog() { flush(); }

    [[nodiscard]] bool enabled() const noexcept { return static_cast<bool>(file_); }
    /// Its lines hold more than the combined format, for every request.
    [[nodiscard]] bool wants_all() const noexcept { return json_; }
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
    bool json_ = false;
    bool torn_ = false; // the last write ended within a line
};

} // namespace mpsup::http

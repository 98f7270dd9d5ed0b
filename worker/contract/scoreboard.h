// What one serving process is doing right now, in memory that the supervisor can read without asking it.
#pragma once

#include "base/error.h"
#include "base/latency_histogram.h"
#include "base/memfd.h"
#include "worker/contract/page_fate.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::contract {

/// The letters of Apache's scoreboard that apply to us.
enum class Activity : char {
    starting = 'S',
    waiting = '_',
    reading = 'R',
    sending = 'W',   // in the application, or writing its reply
    finishing = 'G', // draining
};

/// What was running when a request had become slow. Written by a signal handler of the process.
struct SlowRecord {
    std::atomic<std::uint32_t> sequence; // odd while it is being written; 0: never yet
    std::uint32_t size;                  // of text
    std::atomic<std::int64_t> at_ms;     // CLOCK_MONOTONIC
    std::int64_t since_ms;               // when the request began
    std::array<char, 16> method;
    std::array<char, 208> uri;
    std::array<char, 2648> text; // lines "FILE:LINE SUB", innermost first
};

/// The last reply with 5xx that a client got.
struct FailureRecord {
    std::atomic<std::uint32_t> sequence; // odd while it is being written; 0: never yet
    std::uint32_t status;
    std::array<char, 16> method;
    std::array<char, 208> uri;
    std::array<char, 200> body; // how it began
};

/// The layout in shared memory. One writer (the process itself), readers that trust nothing. Text that is longer is
/// cut. `sequence` is odd while `method`, `uri`, `since_ms` and `deadline_ms` are being changed (a seqlock).
struct ScoreboardRecord {
    static constexpr std::uint32_t layout = 0x6d700005; // "mp", version 5
    std::uint32_t layout_version;
    std::uint32_t record_size;
    std::atomic<std::uint64_t> requests;   // answered since the process started
    std::atomic<std::int64_t> since_ms;    // CLOCK_MONOTONIC: when the request in hand began; 0: none
    std::atomic<std::int64_t> deadline_ms; // when it is killed for it; 0: never
    std::atomic<std::int64_t> last_ms;     // when the last one ended, or the process started
    std::atomic<std::uint64_t> rss;        // bytes, at its last look
    std::atomic<std::uint64_t> unshared;   // bytes, at its last look
    std::atomic<std::uint32_t> sequence;
    std::atomic<char> activity;
    std::array<char, 15> method;
    std::array<char, 208> uri;
    // Of what clients asked for, not of probes: by how long it took, and how many of them were answered with 5xx.
    std::array<std::atomic<std::uint32_t>, latency_buckets> latency;
    std::atomic<std::uint64_t> failures;
    std::array<std::atomic<std::uint64_t>, page_fates.size()> pages; // by PageFate
    FailureRecord failure;
    SlowRecord slow;
};
static_assert(sizeof(ScoreboardRecord) <= 4096 && std::atomic<std::uint64_t>::is_always_lock_free);

/// The writer's side, owned by the process it describes. Not thread-safe. A default-constructed one writes nowhere.
class ScoreboardWriter {
public:
    ScoreboardWriter() noexcept = default;
    /// Maps what make_scoreboard returned and starts a fresh record in state `starting`.
    [[nodiscard]] static Result<ScoreboardWriter> open(int memfd);

    void set(Activity activity) noexcept;
    /// A request was read and goes to the application. `deadline_ms`: 0 for none.
    void begin_request(std::string_view method, std::string_view uri, std::int64_t now_ms,
                       std::int64_t deadline_ms = 0) noexcept;
    /// It was answered.
    void end_request(std::int64_t now_ms) noexcept;
    /// The same of a process that has many in hand at a time: only counts. From any thread.
    void count_request(std::int64_t now_ms) noexcept;
    /// What was answered was a client's request.
    void count_reply(int status, std::uint64_t microseconds) noexcept;
    /// And it was the server's fault: the request in hand, and how the content of its reply began.
    void note_failure(int status, std::string_view body) noexcept;
    /// From any thread.
    void count_page(PageFate fate) noexcept;
    void set_last(std::int64_t now_ms) noexcept;
    void set_memory(std::uint64_t rss, std::uint64_t unshared) noexcept;
    [[nodiscard]] std::uint64_t requests() const noexcept;

    /// In a signal handler: the request in hand is slow. `copy_stack` fills what it is given and returns the size.
    template <typename CopyStack> void note_slow(std::int64_t now_ms, CopyStack copy_stack) noexcept {
        SlowRecord* slow = begin_slow(now_ms);
        if (!slow) return;
        slow->size = static_cast<std::uint32_t>(copy_stack(std::span<char>(slow->text)));
        slow->sequence.fetch_add(1, std::memory_order_release);
    }

private:
    explicit ScoreboardWriter(Mapping mapping) noexcept : mapping_(std::move(mapping)) {}
    [[nodiscard]] ScoreboardRecord* record() const noexcept { return static_cast<ScoreboardRecord*>(mapping_.data()); }
    [[nodiscard]] SlowRecord* begin_slow(std::int64_t now_ms) noexcept;
    Mapping mapping_;
};

/// What clients asked for and got.
struct Traffic {
    LatencyHistogram latency;   // of all of it
    std::uint64_t failures = 0; // answered with 5xx; never more than all
    [[nodiscard]] std::uint64_t requests() const noexcept { return latency.total(); }
};

using PageCounts = std::array<std::uint64_t, page_fates.size()>; // by PageFate

struct ScoreboardSnapshot {
    char activity = '?'; // one of Activity, or '?' for anything else the process wrote
    std::uint64_t requests = 0;
    std::int64_t last_ms = 0;
    std::uint64_t rss = 0, unshared = 0;
    PageCounts pages{};
    struct Request {
        std::string method, uri; // printable ASCII, anything else replaced by '?'
        std::int64_t since_ms = 0;
        std::int64_t deadline_ms = 0; // 0: none
    };
    std::optional<Request> request;
};

/// A request that had become slow.
struct SlowSnapshot {
    std::string method, uri;         // printable ASCII
    std::int64_t age_ms = 0;         // when it was looked at
    std::vector<std::string> frames; // "FILE:LINE SUB", innermost first; printable ASCII
};

/// The reader's side: maps read-only after checking size and seals.
/// A reply with 5xx. Printable ASCII, the body's first line.
struct FailureSnapshot {
    unsigned status = 0;
    std::string method, uri, body;
};

class ScoreboardReader {
public:
    ScoreboardReader() noexcept = default;
    [[nodiscard]] static Result<ScoreboardReader> open(int memfd);
    /// A copy of now; a record that never holds still is read without its request.
    [[nodiscard]] ScoreboardSnapshot read() const;
    /// What it has counted so far. Untrusted: the caller holds it to going up only.
    [[nodiscard]] Traffic read_traffic() const;
    /// The latest reply with 5xx, or nothing.
    [[nodiscard]] std::optional<FailureSnapshot> read_failure() const;
    /// The latest slow request, or nothing.
    [[nodiscard]] std::optional<SlowSnapshot> read_slow() const;

private:
    explicit ScoreboardReader(Mapping mapping) noexcept : mapping_(std::move(mapping)) {}
    Mapping mapping_;
};

/// The memory for one record, to be mapped by its writer and handed to the supervisor.
[[nodiscard]] Result<Fd> make_scoreboard();

} // namespace mpsup::contract

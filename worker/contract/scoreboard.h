// What one serving process is doing right now, in memory that the supervisor can read without asking it.
#pragma once

#include "base/error.h"
#include "base/memfd.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mpsup::contract {

/// The letters of Apache's scoreboard that apply to us.
enum class Activity : char {
    starting = 'S',
    waiting = '_',
    reading = 'R',
    sending = 'W',   // in the application, or writing its reply
    finishing = 'G', // draining
};

/// The layout in shared memory. One writer (the process itself), readers that trust nothing. Text that is longer is
/// cut. `sequence` is odd while `method`, `uri` and `since_ms` are being changed (a seqlock).
struct ScoreboardRecord {
    static constexpr std::uint32_t layout = 0x6d700001; // "mp", version 1
    std::uint32_t layout_version;
    std::uint32_t record_size;
    std::atomic<std::uint64_t> requests; // answered since the process started
    std::atomic<std::int64_t> since_ms;  // CLOCK_MONOTONIC: when the request in hand began; 0: none
    std::atomic<std::uint32_t> sequence;
    std::atomic<char> activity;
    std::array<char, 15> method;
    std::array<char, 208> uri;
};
static_assert(sizeof(ScoreboardRecord) == 256 && std::atomic<std::uint64_t>::is_always_lock_free);

/// The writer's side, owned by the process it describes. Not thread-safe. A default-constructed one writes nowhere.
class ScoreboardWriter {
public:
    ScoreboardWriter() noexcept = default;
    /// Maps what make_scoreboard returned and starts a fresh record in state `starting`.
    [[nodiscard]] static Result<ScoreboardWriter> open(int memfd);

    void set(Activity activity) noexcept;
    /// A request was read and goes to the application.
    void begin_request(std::string_view method, std::string_view uri, std::int64_t now_ms) noexcept;
    /// It was answered.
    void end_request() noexcept;

private:
    explicit ScoreboardWriter(Mapping mapping) noexcept : mapping_(std::move(mapping)) {}
    [[nodiscard]] ScoreboardRecord* record() noexcept { return static_cast<ScoreboardRecord*>(mapping_.data()); }
    Mapping mapping_;
};

struct ScoreboardSnapshot {
    char activity = '?'; // one of Activity, or '?' for anything else the process wrote
    std::uint64_t requests = 0;
    struct Request {
        std::string method, uri; // printable ASCII, anything else replaced by '?'
        std::int64_t since_ms = 0;
    };
    std::optional<Request> request;
};

/// The reader's side: maps read-only after checking size and seals.
class ScoreboardReader {
public:
    ScoreboardReader() noexcept = default;
    [[nodiscard]] static Result<ScoreboardReader> open(int memfd);
    /// A copy of now; a record that never holds still is read without its request.
    [[nodiscard]] ScoreboardSnapshot read() const;

private:
    explicit ScoreboardReader(Mapping mapping) noexcept : mapping_(std::move(mapping)) {}
    Mapping mapping_;
};

/// The memory for one record, to be mapped by its writer and handed to the supervisor.
[[nodiscard]] Result<Fd> make_scoreboard();

} // namespace mpsup::contract

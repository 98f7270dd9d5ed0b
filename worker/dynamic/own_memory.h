// What a child knows of its own memory, and what of it is given back.
#pragma once

#include "worker/contract/scoreboard.h"
#include "worker/dynamic/heap_image.h"

#include <chrono>
#include <cstdint>
#include <optional>

namespace mpsup::dynamic {

/// Of this process. Used from one thread.
class OwnMemory {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    /// `image`: of its master's heap; null: there is none, and nothing is given back.
    OwnMemory(const HeapImage* image, TimePoint born) : image_(image), looked_at_(born) {}

    /// Bytes, at the last look.
    [[nodiscard]] std::uint64_t rss() const { return rss_; }
    [[nodiscard]] std::uint64_t unshared() const { return unshared_; }
    /// Looks when that is due, after so many requests or so long, and writes down what it sees: looking costs as much as a
    /// small request or two.
    void look(std::uint64_t served, TimePoint now, contract::ScoreboardWriter& scoreboard);

    /// A request has ended: a while after it there may be something to give back.
    void note_request(TimePoint ended) {
        if (image_ && !give_back_at_) give_back_at_ = ended + give_back_delay;
    }
    /// When to see what can be given back; nothing: no request since.
    [[nodiscard]] const std::optional<TimePoint>& next_look() const { return give_back_at_; }
    /// That is now. When enough has become its own to be worth the look, and nobody has asked for a while: under a load that
    /// never pauses it would all be written to again.
    void give_back(TimePoint last_request, TimePoint now);

private:
    static constexpr auto give_back_delay = std::chrono::seconds(30);

    const HeapImage* image_;
    TimePoint looked_at_;
    std::uint64_t looked_at_requests_ = 0;
    std::uint64_t rss_ = 0;
    std::uint64_t unshared_ = 0;
    std::optional<TimePoint> give_back_at_;
    TimePoint gave_back_at_{};
    std::int64_t enough_faults_ = 0; // page faults from which on it is worth the look
};

} // namespace mpsup::dynamic

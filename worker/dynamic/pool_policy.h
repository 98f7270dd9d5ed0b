// How many children a pool should have. Pure: no clock, no process.
#pragma once

#include "worker/contract/messages.h"

#include <chrono>
#include <optional>
#include <span>
#include <sys/types.h>

namespace mpsup::dynamic {

using TimePoint = std::chrono::steady_clock::time_point;

/// A child as its master sees it.
struct ChildView {
    pid_t pid = -1;
    enum class State { starting, idle, busy } state = State::starting;
    TimePoint last_busy{}; // when it last had a request; its birth, if never
    bool leaving = false;  // told to go: it counts for nothing
};

/// Growth is at once: fewer than min_spare idle ones (those on their way count) are made up to it. Shrinking takes its
/// time, so that a pool does not flap: only a child that has had nothing to do for idle_timeout is let go, the coldest
/// first, one a second, and only while more than max_spare are idle. (The kernel wakes the same idle child again and
/// again, so the others grow cold.) ondemand, and dynamic without spare ones: a waiting client is what makes it grow.
class PoolPolicy {
public:
    explicit PoolPolicy(contract::PoolSize size) : size_(size) {}

    void resize(contract::PoolSize size) { size_ = size; }
    [[nodiscard]] const contract::PoolSize& size() const { return size_; }

    /// How many children there should be. `client_waits`: somebody is in a queue and nobody is idle. `room`: how many
    /// more fit into memory, when `max` is 0.
    [[nodiscard]] int wanted(std::span<const ChildView> children, bool client_waits, int room) const;

    /// May it grow, as far as memory does not matter?
    [[nodiscard]] bool can_grow(std::span<const ChildView> children) const;
    /// Should the master look whether clients wait? Nobody else would notice them, and more children would help.
    [[nodiscard]] bool watches_queue(std::span<const ChildView> children) const;

    /// The child to let go now, if any. Never one that is busy, never below the smallest size.
    [[nodiscard]] std::optional<pid_t> to_retire(std::span<const ChildView> children, TimePoint now);
    /// When to_retire may say more.
    [[nodiscard]] std::optional<TimePoint> next_look(std::span<const ChildView> children, TimePoint now) const;

    /// At start, and what makes the pool complete.
    [[nodiscard]] int initial() const;
    /// Idle ones below which children call.
    [[nodiscard]] int spare() const;

    static constexpr int most = 1000; // children of one pool, whatever memory allows

private:
    static constexpr std::chrono::seconds between_retirements{1};

    [[nodiscard]] int floor() const;
    [[nodiscard]] int ceiling(int present, int room) const;
    [[nodiscard]] const ChildView* coldest(std::span<const ChildView> children) const;

    contract::PoolSize size_;
    std::optional<TimePoint> retired_at_;
};

} // namespace mpsup::dynamic

// Requests that wait for a child of a pool: how many there are, and for how long.
#pragma once

#include "worker/http/limits.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <utility>

namespace mpsup::accelerator {

/// The kernel's queue of the pool's socket is the queue: who has connected and written waits until a child accepts and
/// reads. Nobody tells us when that happens, so those that came first are asked when it matters (`begun`, a system call):
/// the kernel's queue is first in, first out. Shared by threads; `begun` is called with the queue locked.
class Queue {
    struct Waiting {
        int connection;
        http::TimePoint since;
        bool written = true; // before, an empty socket says nothing
        bool begun = false;
    };

public:
    /// Has a child begun to read what was written to this connection?
    using Begun = std::function<bool(int connection)>;

    /// At most `length` requests may wait.
    Queue(std::size_t length, Begun begun) : length_(length), begun_(std::move(begun)) {}
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;

    /// One request, from its connection on. The queue outlives it.
    class Place {
    public:
        Place() noexcept = default;
        Place(Place&& other) noexcept : queue_(std::exchange(other.queue_, nullptr)), position_(other.position_) {}
        Place& operator=(Place&& other) noexcept;
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;
        ~Place() { leave(); }

        /// Of a request that was still to be written when it entered: it is.
        void written() noexcept;
        /// When the response begins, at the latest before the connection is closed.
        void leave() noexcept;
        [[nodiscard]] explicit operator bool() const noexcept { return queue_ != nullptr; }

    private:
        friend class Queue;
        Place(Queue& queue, std::list<Waiting>::iterator position) noexcept : queue_(&queue), position_(position) {}
        Queue* queue_ = nullptr;
        std::list<Waiting>::iterator position_{};
    };

    /// Would one more be served soon? At most `few` wait, and none of them for longer than `moment`: a child that is idle
    /// takes less time to begin.
    [[nodiscard]] bool is_short(http::TimePoint now);
    static constexpr std::size_t few = 8;
    static constexpr std::chrono::milliseconds moment{10};
    /// Is there no room for one more?
    [[nodiscard]] bool full();
    /// A request was written to `connection`, or is about to be (`written`).
    [[nodiscard]] Place enter(int connection, http::TimePoint now, bool written = true);
    /// Since when the first of those that wait has been waiting; nothing when nobody does.
    [[nodiscard]] std::optional<http::TimePoint> waiting_since();

private:
    void settle();

    const std::size_t length_;
    const Begun begun_;
    std::mutex mutex_;
    std::list<Waiting> waiting_; // guarded by mutex_, as the next; oldest first
    std::list<Waiting> served_;  // a child is at it
};

} // namespace mpsup::accelerator

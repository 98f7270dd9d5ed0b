// Who of a pool is busy, in memory that its master and its children share.
#pragma once

#include "base/error.h"
#include "base/fd.h"

#include <array>
#include <atomic>
#include <optional>

namespace mpsup::dynamic {

/// One slot a child. A child that leaves fewer idle ones than wanted behind it calls the master, so that the pool grows
/// before somebody waits, and nobody polls. Lock-free; copied by fork(2), shared by all that have a copy.
class PoolBoard {
public:
    static constexpr std::size_t capacity = 2048; // twice the most of a pool: who is told to leave keeps its slot
    enum class Slot : char { free = 0, starting, idle, busy };

    [[nodiscard]] static Result<PoolBoard> make();
    PoolBoard(PoolBoard&& other) noexcept;
    PoolBoard& operator=(PoolBoard&& other) noexcept;
    PoolBoard(const PoolBoard&) = delete;
    PoolBoard& operator=(const PoolBoard&) = delete;
    ~PoolBoard();

    // The master
    /// A free slot, taken.
    [[nodiscard]] std::optional<std::size_t> take() noexcept;
    void release(std::size_t slot) noexcept { set(slot, Slot::free); }
    [[nodiscard]] Slot state(std::size_t slot) const noexcept;
    /// How many idle ones there should always be.
    void set_spare(int wanted) noexcept;
    /// Readable when a child has called.
    [[nodiscard]] int call_fd() const noexcept { return call_.get(); }
    /// Somebody has been busy since the last look: whoever is idle should show that he is.
    [[nodiscard]] bool look_is_due() const noexcept;
    void looked() noexcept;
    /// The call was heard: the next one comes when there is another reason.
    void answer() noexcept;

    // A child
    void set(std::size_t slot, Slot state) noexcept;
    /// Sets its slot to busy, and calls the master when fewer are idle now than there should be.
    void become_busy(std::size_t slot) noexcept;
    /// Wakes one of the others, if one is idle, for a client that whoever holds `slot` leaves in the queue.
    void hand_on(std::size_t slot) noexcept;
    /// Readable, for one who waits, when another has handed on.
    [[nodiscard]] int handed_on_fd() const noexcept { return handed_on_.get(); }
    /// It was heard: a client waits in the queue, unless somebody was faster.
    void heed() noexcept;
    /// Of something that is to be said once by all of them: nobody has asked this before. `what`: below 32.
    [[nodiscard]] bool is_first(unsigned what) noexcept;
    /// Sets its slot to idle; the first one since the last look calls the master.
    void become_idle(std::size_t slot) noexcept;

private:
    struct Shared {
        std::atomic<int> spare;
        std::atomic<std::uint32_t> used; // slots ever taken: no need to look beyond
        std::atomic<bool> called;
        std::atomic<bool> look_due;
        std::atomic<std::uint32_t> asked; // is_first, a bit each
        std::array<std::atomic<Slot>, capacity> slots;
    };
    PoolBoard(Shared* shared, Fd call, Fd handed_on) noexcept
        : shared_(shared), call_(std::move(call)), handed_on_(std::move(handed_on)) {}
    [[nodiscard]] int idle() const noexcept;
    void call() noexcept;

    Shared* shared_ = nullptr;
    Fd call_;      // eventfd
    Fd handed_on_; // eventfd, counts
};

} // namespace mpsup::dynamic

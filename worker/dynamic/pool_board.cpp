#include "worker/dynamic/pool_board.h"

#include <new>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace mpsup::dynamic {

Result<PoolBoard> PoolBoard::make() {
    void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return system_failure("map the pool's board");
    Fd call(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    Fd handed_on(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE));
    if (!call || !handed_on) {
        ::munmap(memory, sizeof(Shared));
        return system_failure("make an eventfd");
    }
    return PoolBoard(new (memory) Shared{}, std::move(call), std::move(handed_on));
}

PoolBoard::PoolBoard(PoolBoard&& other) noexcept
    : shared_(std::exchange(other.shared_, nullptr)),
      call_(std::move(other.call_)),
      handed_on_(std::move(other.handed_on_)) {}

PoolBoard& PoolBoard::operator=(PoolBoard&& other) noexcept {
    std::swap(shared_, other.shared_);
    std::swap(call_, other.call_);
    std::swap(handed_on_, other.handed_on_);
    return *this;
}

PoolBoard::~PoolBoard() {
    if (shared_) ::munmap(shared_, sizeof(Shared));
}

std::optional<std::size_t> PoolBoard::take() noexcept {
    for (std::size_t i = 0; i < capacity; ++i) {
        if (shared_->slots[i] != Slot::free) continue;
        shared_->slots[i] = Slot::starting;
        if (i >= shared_->used) shared_->used = static_cast<std::uint32_t>(i + 1);
        return i;
    }
    return std::nullopt;
}

PoolBoard::Slot PoolBoard::state(std::size_t slot) const noexcept { return shared_->slots[slot]; }

void PoolBoard::set_spare(int wanted) noexcept { shared_->spare = wanted; }

void PoolBoard::answer() noexcept {
    std::uint64_t count = 0;
    (void)!::read(call_.get(), &count, sizeof count);
    shared_->called = false;
}

void PoolBoard::set(std::size_t slot, Slot state) noexcept {
    shared_->slots[slot].store(state, std::memory_order_relaxed);
}

void PoolBoard::become_busy(std::size_t slot) noexcept {
    shared_->slots[slot].store(Slot::busy, std::memory_order_seq_cst);
    const int spare = shared_->spare.load(std::memory_order_relaxed);
    if (spare == 0 || shared_->called.load(std::memory_order_relaxed) || idle() >= spare) return;
    if (!shared_->called.exchange(true)) call();
}

void PoolBoard::become_idle(std::size_t slot) noexcept {
    set(slot, Slot::idle);
    if (shared_->look_due.load(std::memory_order_relaxed) || shared_->look_due.exchange(true)) return;
    call();
}

bool PoolBoard::look_is_due() const noexcept { return shared_->look_due; }

void PoolBoard::looked() noexcept { shared_->look_due = false; }

void PoolBoard::call() noexcept {
    constexpr std::uint64_t one = 1;
    (void)!::write(call_.get(), &one, sizeof one);
}

void PoolBoard::hand_on(std::size_t slot) noexcept {
    const bool is_idle = state(slot) == Slot::idle;
    if (idle() <= (is_idle ? 1 : 0)) return; // whoever is free first looks at the queue
    constexpr std::uint64_t one = 1;
    (void)!::write(handed_on_.get(), &one, sizeof one);
}

void PoolBoard::heed() noexcept {
    std::uint64_t one = 0;
    (void)!::read(handed_on_.get(), &one, sizeof one);
}

bool PoolBoard::is_first(unsigned what) noexcept {
    const std::uint32_t bit = std::uint32_t{1} << what;
    return (shared_->asked.load(std::memory_order_relaxed) & bit) == 0 && (shared_->asked.fetch_or(bit) & bit) == 0;
}

int PoolBoard::idle() const noexcept {
    int count = 0;
    const auto used = std::min<std::size_t>(shared_->used.load(std::memory_order_relaxed), capacity);
    for (std::size_t i = 0; i < used; ++i)
        count += shared_->slots[i].load(std::memory_order_relaxed) == Slot::idle ? 1 : 0;
    return count;
}

} // namespace mpsup::dynamic

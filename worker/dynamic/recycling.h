// Which worn child of a pool is replaced. Pure: no clock, no process.
#pragma once

#include <deque>
#include <optional>
#include <sys/types.h>

namespace mpsup::dynamic {

/// One at a time, and its successor is ready first: until then the pool has one child more. The others wait in the order in
/// which they said that they are worn.
class Recycling {
public:
    struct Worn {
        pid_t pid;
        const char* reason; // for people; lives for ever
    };

    /// It wants to be replaced.
    void add(Worn worn) { waiting_.push_back(worn); }
    /// The one whose successor is on its way.
    [[nodiscard]] bool is_running() const noexcept { return running_.has_value(); }
    [[nodiscard]] const std::optional<Worn>& running() const noexcept { return running_; }
    /// The size of the pool when that began, without the successor.
    [[nodiscard]] int size() const noexcept { return size_; }

    /// Takes the next out of the queue, if none is running: begin() with it, or leave it, if it is gone or leaving anyway.
    [[nodiscard]] std::optional<Worn> next();
    void begin(Worn worn, int size) {
        running_ = worn;
        size_ = size;
    }
    /// Its successor is there, or it went by itself.
    void end() noexcept { running_.reset(); }

private:
    std::deque<Worn> waiting_;
    std::optional<Worn> running_;
    int size_ = 0;
};

} // namespace mpsup::dynamic

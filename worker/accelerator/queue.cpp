#include "worker/accelerator/queue.h"

#include <algorithm>

namespace mpsup::accelerator {

Queue::Place& Queue::Place::operator=(Place&& other) noexcept {
    if (this == &other) return *this;
    leave();
    queue_ = std::exchange(other.queue_, nullptr);
    position_ = other.position_;
    return *this;
}

void Queue::Place::leave() noexcept {
    Queue* queue = std::exchange(queue_, nullptr);
    if (!queue) return;
    const std::scoped_lock lock(queue->mutex_);
    (position_->begun ? queue->served_ : queue->waiting_).erase(position_);
}

void Queue::Place::written() noexcept {
    if (!queue_ || position_->written) return; // nobody else writes it
    const std::scoped_lock lock(queue_->mutex_);
    position_->written = true;
}

// Only the oldest need to be asked: behind the first that waits everybody waits.
void Queue::settle() {
    while (!waiting_.empty() && waiting_.front().written && begun_(waiting_.front().connection)) {
        waiting_.front().begun = true;
        served_.splice(served_.end(), waiting_, waiting_.begin());
    }
}

bool Queue::full() {
    const std::scoped_lock lock(mutex_);
    if (waiting_.size() < length_) return false;
    settle();
    return waiting_.size() >= length_;
}

bool Queue::is_short(http::TimePoint now) {
    const std::scoped_lock lock(mutex_);
    if (waiting_.empty()) return true;
    settle();
    if (waiting_.empty()) return true;
    return waiting_.size() < std::min(few, length_) && now - waiting_.front().since < moment;
}

Queue::Place Queue::enter(int connection, http::TimePoint now, bool written) {
    const std::scoped_lock lock(mutex_);
    return {*this, waiting_.insert(waiting_.end(), {connection, now, written})};
}

std::optional<http::TimePoint> Queue::waiting_since() {
    const std::scoped_lock lock(mutex_);
    settle();
    if (waiting_.empty()) return std::nullopt;
    return waiting_.front().since;
}

} // namespace mpsup::accelerator

#include "worker/dynamic/pool_policy.h"

#include <algorithm>

namespace mpsup::dynamic {

namespace {

using contract::PoolMode;

int count(std::span<const ChildView> children, ChildView::State state) {
    return static_cast<int>(std::ranges::count_if(
        children, [state](const ChildView& child) { return !child.leaving && child.state == state; }));
}

int present(std::span<const ChildView> children) {
    return static_cast<int>(std::ranges::count(children, false, &ChildView::leaving));
}

} // namespace

int PoolPolicy::floor() const {
    if (size_.mode == PoolMode::fixed) return size_.max;
    return size_.mode == PoolMode::ondemand ? 0 : size_.min;
}

int PoolPolicy::ceiling(int present, int room) const {
    if (size_.max > 0) return size_.max;
    return std::clamp(present + room, std::max(floor(), 1), most); // one at least, however little memory is known of
}

bool PoolPolicy::can_grow(std::span<const ChildView> children) const {
    return size_.mode != PoolMode::fixed && present(children) < (size_.max > 0 ? size_.max : most);
}

bool PoolPolicy::watches_queue(std::span<const ChildView> children) const {
    return can_grow(children) && std::ranges::none_of(children, [](const ChildView& child) {
               return !child.leaving && child.state != ChildView::State::busy;
           });
}

int PoolPolicy::initial() const {
    if (size_.mode == PoolMode::dynamic) return std::max(size_.min, 1);
    return floor();
}

int PoolPolicy::spare() const {
    switch (size_.mode) {
    case PoolMode::fixed: return 0;
    case PoolMode::dynamic: return std::max(size_.min_spare, 1);
    case PoolMode::ondemand: return 1; // the last idle one being taken is when the master looks at the queue itself
    }
    return 0;
}

int PoolPolicy::wanted(std::span<const ChildView> children, bool client_waits, int room) const {
    if (size_.mode == PoolMode::fixed) return size_.max;
    const int alive = present(children);
    const int idle = count(children, ChildView::State::idle) + count(children, ChildView::State::starting);
    int more = 0;
    if (size_.mode == PoolMode::dynamic) more = std::max(0, size_.min_spare - idle);
    if (client_waits && idle == 0) more = std::max(more, 1);
    return std::clamp(alive + more, floor(), std::max(floor(), ceiling(alive, room)));
}

const ChildView* PoolPolicy::coldest(std::span<const ChildView> children) const {
    const ChildView* found = nullptr;
    for (const ChildView& child : children)
        if (!child.leaving && child.state == ChildView::State::idle && (!found || child.last_busy < found->last_busy))
            found = &child;
    return found;
}

std::optional<pid_t> PoolPolicy::to_retire(std::span<const ChildView> children, TimePoint now) {
    const int alive = present(children);
    const ChildView* candidate = coldest(children);
    const bool is_bounded = size_.max > 0 || size_.mode == PoolMode::fixed; // a fixed one of 0: it sleeps
    const bool too_many = is_bounded && alive > size_.max; // it was made smaller: no need to be cold for that
    if (too_many && !candidate) {                          // all are busy: one finishes and goes
        const auto any = std::ranges::find(children, false, &ChildView::leaving);
        if (any != children.end()) return any->pid;
    }
    if (!candidate || alive <= floor()) return std::nullopt;
    if (!too_many) {
        if (size_.mode == PoolMode::fixed) return std::nullopt;
        const int spare = size_.mode == PoolMode::ondemand ? 0 : size_.max_spare;
        if (count(children, ChildView::State::idle) <= spare) return std::nullopt;
        if (now < candidate->last_busy + size_.idle_timeout) return std::nullopt;
        if (retired_at_ && now < *retired_at_ + between_retirements) return std::nullopt;
    }
    retired_at_ = now;
    return candidate->pid;
}

std::optional<TimePoint> PoolPolicy::next_look(std::span<const ChildView> children, TimePoint now) const {
    if (size_.mode == PoolMode::fixed || present(children) <= floor()) return std::nullopt;
    const int spare = size_.mode == PoolMode::ondemand ? 0 : size_.max_spare;
    if (present(children) <= spare) return std::nullopt;
    const ChildView* candidate = coldest(children);
    // Who is busy now is no candidate: that is looked at again when its time could have come at the earliest.
    TimePoint at = candidate ? candidate->last_busy + size_.idle_timeout : now + size_.idle_timeout;
    if (retired_at_) at = std::max(at, *retired_at_ + between_retirements);
    return std::max(at, now + between_retirements);
}

} // namespace mpsup::dynamic

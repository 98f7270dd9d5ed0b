#include "worker/dynamic/sizing.h"

#include "base/earlier.h"
#include "worker/dynamic/room.h"

#include <algorithm>
#include <utility>

namespace mpsup::dynamic {

namespace {

constexpr auto full_retry = std::chrono::seconds(1); // no memory for another child: it may come back

int staying(const std::vector<ChildView>& children) {
    return static_cast<int>(std::ranges::count(children, false, &ChildView::leaving));
}

} // namespace

void Sizing::start_anew(contract::PoolSize size) {
    policy_ = PoolPolicy(size);
    recycling_ = {};
    watch_queue_ = client_waits_ = false;
    look_at_ = full_until_ = std::nullopt;
}

void Sizing::resize(const contract::PoolSize& size) {
    policy_.resize(size);
    brood_.roster().complete_with(policy_.initial());
    begin();
}

bool Sizing::is_asleep() const { return policy_.size().mode == contract::PoolMode::fixed && policy_.size().max == 0; }

std::optional<TimePoint> Sizing::next_look() const { return earlier(look_at_, full_until_); }

// Of one that is recycled its successor counts in its place.
std::vector<ChildView> Sizing::view() const {
    const auto& worn = recycling_.running();
    return brood_.view(worn ? std::optional(worn->pid) : std::nullopt);
}

void Sizing::size_pool(TimePoint now) {
    if (brood_.roster().draining()) return;
    auto children = view();
    const int wanted = children_wanted(children, now);
    // Who is recycled is not in view, and stays until as many others are there as when it began.
    set_wanted(recycling_.is_running() ? std::max(wanted, recycling_.size()) + 1 : wanted);
    while (!recycling_.is_running()) {
        const auto pid = policy_.to_retire(children, now);
        if (!pid) break;
        brood_.tell_to_leave(*pid, "the pool has more children than it needs");
        children = view();
        set_wanted(std::min(brood_.roster().wanted(), staying(children)));
    }
    look_at_ = policy_.next_look(children, now);
    brood_.board().set_spare(policy_.can_grow(children) ? policy_.spare() : 0);
    const bool has_all =
        staying(children) + (recycling_.is_running() ? 1 : 0) >= brood_.roster().wanted(); // else one is on its way
    watch_queue_ = has_all && !full_until_ && policy_.watches_queue(children);
    recycle_next();
}

int Sizing::children_wanted(const std::vector<ChildView>& children, TimePoint now) {
    const bool client_waits = std::exchange(client_waits_, false);
    if (policy_.size().max > 0) return policy_.wanted(children, client_waits, 0);
    if (full_until_ && now >= *full_until_) full_until_.reset();
    const int desired = policy_.wanted(children, client_waits, PoolPolicy::most);
    if (desired <= staying(children)) return desired; // memory is looked at only for those that would need it
    const int wanted = policy_.wanted(children, client_waits, room_for_children(brood_.unshared_bytes()));
    if (wanted < desired) full_until_ = now + full_retry;
    return wanted;
}

void Sizing::set_wanted(int wanted) {
    if (brood_.roster().wanted() == wanted) return;
    brood_.roster().set_wanted(wanted);
    tell_wanted();
}

void Sizing::tell_wanted() {
    supervisor_.say(contract::PoolWants{brood_.roster().wanted() - (recycling_.is_running() ? 1 : 0)});
}

void Sizing::recycle_next() {
    if (!brood_.roster().complete()) return;
    const auto worn = recycling_.next();
    if (!worn) return;
    const auto member = brood_.members().find(worn->pid);
    if (member == brood_.members().end() || member->second.is_leaving()) return;
    member->second.reason = worn->reason;
    recycling_.begin(*worn, brood_.roster().wanted());
    set_wanted(brood_.roster().wanted() + 1);
}

void Sizing::finish_recycling() {
    const auto worn = recycling_.running();
    if (!worn) return;
    const bool went = !brood_.members().contains(worn->pid); // by itself
    if (!went && brood_.ready_count() < brood_.roster().wanted()) return;
    recycling_.end();
    set_wanted(brood_.roster().wanted() - 1);
    if (!went) brood_.tell_to_leave(worn->pid, brood_.members().at(worn->pid).reason);
}

} // namespace mpsup::dynamic

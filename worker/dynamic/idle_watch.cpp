#include "worker/dynamic/idle_watch.h"

#include <utility>

namespace mpsup::dynamic {

bool IdleWatch::begin(TimePoint now) {
    if (!round_at_ || now < *round_at_) return false;
    round_at_.reset();
    judge_at_ = now + patience;
    return true;
}

std::vector<IdleWatch::Silent> IdleWatch::silent(TimePoint now) {
    std::vector<Silent> found;
    if (!judge_at_ || now < *judge_at_) return found;
    const bool was_held_up = now > *judge_at_ + held_up;
    judge_at_.reset();
    for (const auto& [pid, served] : std::exchange(waiting_, {})) found.push_back({pid, served});
    if (!was_held_up || found.empty()) return found;
    round_at_ = now + settle; // the whole machine may have stood still: ask again
    return {};
}

std::vector<pid_t> IdleWatch::long_stopped(TimePoint now) {
    std::vector<pid_t> found;
    for (auto& [pid, until] : stopped_) {
        if (now < until) continue;
        if (now > until + held_up)
            until = now + patience; // we were stopped with them, perhaps
        else
            found.push_back(pid);
    }
    for (const pid_t pid : found) stopped_.erase(pid);
    return found;
}

std::optional<IdleWatch::TimePoint> IdleWatch::next_look() const {
    std::optional<TimePoint> next = round_at_;
    const auto consider = [&](std::optional<TimePoint> time) {
        if (time && (!next || *time < *next)) next = time;
    };
    consider(judge_at_);
    for (const auto& [pid, until] : stopped_) consider(until);
    return next;
}

} // namespace mpsup::dynamic

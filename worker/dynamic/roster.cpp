#include "worker/dynamic/roster.h"

#include <algorithm>
#include <cmath>

namespace mpsup::dynamic {

int Roster::to_fork(TimePoint now) {
    if (draining_) return 0;
    refill(now);
    if (not_before_ && now < *not_before_) return 0;
    const int missing = wanted_ - static_cast<int>(members_.size());
    const int first_time = std::max(0, missing - replacements_);
    return std::max(0, std::min(missing, first_time + static_cast<int>(tokens_)));
}

std::optional<TimePoint> Roster::next_look(TimePoint now) const {
    if (draining_ || static_cast<int>(members_.size()) >= wanted_) return std::nullopt;
    if (not_before_ && now < *not_before_) return not_before_;
    if (tokens_ >= 1) return now;
    const auto wait = Duration(static_cast<Duration::rep>(std::ceil((1 - tokens_) / per_second * 1000)));
    return refilled_ + wait;
}

void Roster::forked(pid_t pid) {
    members_.emplace(pid, std::nullopt);
    if (replacements_ == 0) return;
    --replacements_;
    tokens_ = std::max(0.0, tokens_ - 1);
}

void Roster::ready(pid_t pid, TimePoint now) {
    const auto member = members_.find(pid);
    if (member == members_.end() || member->second) return;
    member->second = now;
    look_if_complete();
}

void Roster::complete_with(int children) {
    complete_at_ = children;
    look_if_complete();
}

void Roster::look_if_complete() {
    const auto is_ready = [](const auto& entry) { return entry.second.has_value(); };
    complete_ = complete_ || std::ranges::count_if(members_, is_ready) >= complete_at_;
}

Duration Roster::gone(pid_t pid, TimePoint now, bool planned) {
    const auto member = members_.find(pid);
    if (member == members_.end()) return Duration(0);
    const std::optional<TimePoint> since = member->second;
    const Duration ready_for = since ? std::chrono::duration_cast<Duration>(now - *since) : Duration(0);
    members_.erase(member);
    if (planned) return ready_for;
    ++replacements_;
    if (since) {
        wait_ = Duration(0);
    } else {
        wait_ = std::clamp(wait_ * 2, first_wait, longest_wait);
        not_before_ = now + wait_;
    }
    return ready_for;
}

void Roster::leaving(pid_t pid) { members_.erase(pid); }

void Roster::refill(TimePoint now) {
    const double seconds = std::chrono::duration<double>(now - refilled_).count();
    tokens_ = std::min(burst, tokens_ + seconds * per_second);
    refilled_ = now;
}

} // namespace mpsup::dynamic

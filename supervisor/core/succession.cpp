#include "supervisor/core/succession.h"

#include <algorithm>

namespace mpsup::core {

std::optional<pid_t> Succession::told() const { return heir_ && alone_.contains(*heir_) ? heir_ : std::nullopt; }

void Succession::choose(pid_t pid, Time until) {
    heir_ = pid;
    deadline_ = until;
    rival_failed_ = false;
    tried_.insert(pid);
}

bool Succession::choose_without_need(pid_t pid, Time until) {
    if (heir_ || chosen_without_need_) return false;
    chosen_without_need_ = true;
    heir_ = pid;
    deadline_ = until;
    return true;
}

void Succession::speaks(pid_t pid) {
    alone_.insert(pid);
    if (heir_ == pid) tried_.insert(pid); // chosen while its master lived, perhaps
}

void Succession::gone(pid_t pid, Time now) {
    alone_.erase(pid);
    tried_.erase(pid);
    if (heir_ != pid) return;
    heir_.reset();
    deadline_ = now;
}

void Succession::crowned() {
    alone_.erase(heir_.value_or(0));
    tried_.erase(heir_.value_or(0));
    heir_.reset();
    deadline_.reset();
}

bool Succession::lapse(Time now) {
    if (!deadline_ || now < *deadline_) return false;
    heir_.reset();
    deadline_.reset();
    rival_failed_ = false;
    return true;
}

void Succession::on_pause(Duration lasted) {
    if (deadline_) *deadline_ += lasted;
}

std::optional<pid_t> Succession::next() const {
    if (!rival_failed_) return std::nullopt;
    const auto untried = std::ranges::find_if(alone_, [this](pid_t pid) { return !tried_.contains(pid); });
    return untried == alone_.end() ? std::nullopt : std::optional(*untried);
}

} // namespace mpsup::core

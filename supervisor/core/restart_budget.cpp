#include "supervisor/core/restart_budget.h"

#include <algorithm>
#include <cmath>

namespace mpsup::core {

namespace {

Duration backoff(const RestartRule& rule, int in_a_row, double chance) {
    if (in_a_row <= 1) return Duration(0);
    const double doubled = static_cast<double>(rule.backoff.count()) * std::exp2(std::min(in_a_row - 2, 30));
    const double capped = std::min(doubled, static_cast<double>(rule.backoff_max.count()));
    return Duration(std::llround(capped * (0.8 + 0.4 * chance)));
}

} // namespace

RestartBudget::Verdict RestartBudget::on_death(Time now, Duration ready_for, double chance) {
    in_a_row_ = ready_for >= rule_.settled ? 1 : in_a_row_ + 1;
    deaths_.push_back(now);
    while (!deaths_.empty() && now - deaths_.front() > rule_.window) deaths_.pop_front();
    const int deaths = static_cast<int>(deaths_.size());
    return {deaths >= rule_.burst, backoff(rule_, in_a_row_, chance), deaths};
}

int RestartBudget::deaths(Time now) const {
    return static_cast<int>(std::ranges::count_if(deaths_, [&](Time then) { return now - then <= rule_.window; }));
}

void RestartBudget::reset() noexcept {
    deaths_.clear();
    in_a_row_ = 0;
}

} // namespace mpsup::core

#include "supervisor/daemon/traffic_counter.h"

#include <algorithm>

namespace mpsup {

TrafficCounter::Counts& TrafficCounter::counts() {
    if (!counts_) counts_ = std::make_unique<Counts>();
    return *counts_;
}

void TrafficCounter::look(const contract::Traffic& traffic, std::uint64_t skip_first) {
    auto& [base, latest, died] = counts();
    for (std::size_t i = 0; i < latency_buckets; ++i)
        latest.latency.counts[i] = std::max(latest.latency.counts[i], traffic.latency.counts[i]);
    latest.failures = std::clamp(traffic.failures, latest.failures, std::max(latest.failures, latest.requests()));
    if (!base && latest.requests() >= skip_first) base = latest;
}

void TrafficCounter::end(const contract::Traffic& traffic, bool in_order) {
    look(traffic, ~std::uint64_t{0});
    Counts& ended = counts();
    ended.died = !in_order;
    if (ended.died && !ended.base) ended.base = contract::Traffic{};
}

void TrafficCounter::add_to(core::Tally& tally) const {
    if (!counts_ || !counts_->base) return;
    const contract::Traffic& base = *counts_->base;
    const contract::Traffic& latest = counts_->latest;
    for (std::size_t i = 0; i < latency_buckets; ++i)
        tally.latency.counts[i] += latest.latency.counts[i] - base.latency.counts[i];
    tally.failures += latest.failures - base.failures;
    tally.deaths += counts_->died ? 1 : 0;
}

} // namespace mpsup

#include "supervisor/daemon/traffic_counter.h"

#include <algorithm>

namespace mpsup {

void TrafficCounter::look(const contract::Traffic& traffic, std::uint64_t skip_first) {
    for (std::size_t i = 0; i < latency_buckets; ++i)
        latest_.latency.counts[i] = std::max(latest_.latency.counts[i], traffic.latency.counts[i]);
    latest_.failures = std::clamp(traffic.failures, latest_.failures, std::max(latest_.failures, latest_.requests()));
    if (!base_ && latest_.requests() >= skip_first) base_ = latest_;
}

void TrafficCounter::end(const contract::Traffic& traffic, bool in_order) {
    look(traffic, ~std::uint64_t{0});
    died_ = !in_order;
    if (died_ && !base_) base_ = contract::Traffic{};
}

void TrafficCounter::add_to(core::Tally& tally) const {
    if (!base_) return;
    for (std::size_t i = 0; i < latency_buckets; ++i)
        tally.latency.counts[i] += latest_.latency.counts[i] - base_->latency.counts[i];
    tally.failures += latest_.failures - base_->failures;
    tally.deaths += died_ ? 1 : 0;
}

} // namespace mpsup

#include "worker/accelerator/brownout.h"

namespace mpsup::accelerator {

Load Brownout::judge(std::optional<http::TimePoint> waiting_since, http::TimePoint now) noexcept {
    if (!possible()) return Load::normal;
    const auto wait = waiting_since ? now - *waiting_since : http::Clock::duration::zero();
    if (wait >= target_) on_.store(true, std::memory_order_relaxed);
    if (wait < target_ / 2) on_.store(false, std::memory_order_relaxed);
    if (wait >= too_long_) return Load::shed;
    return on_.load(std::memory_order_relaxed) ? Load::stale : Load::normal;
}

} // namespace mpsup::accelerator

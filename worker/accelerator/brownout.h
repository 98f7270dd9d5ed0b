// What is still answered when a pool cannot keep up.
#pragma once

#include "worker/http/limits.h"

#include <atomic>
#include <chrono>
#include <optional>

namespace mpsup::accelerator {

enum class Load {
    normal,
    stale, // an answer that is out of date is better than another request to the pool
    shed,  // and who has none is answered 503
};

/// Judges by how long the first in the queue has been waiting. Over the target new requests are shed, so that the wait
/// stays near it while every child has work; what is stale is preferred until the wait is below half of the target.
/// Shared by threads.
class Brownout {
public:
    /// `target` of 0: never.
    explicit Brownout(std::chrono::milliseconds target) noexcept : target_(target) {}

    [[nodiscard]] bool possible() const noexcept { return target_.count() > 0; }
    [[nodiscard]] Load judge(std::optional<http::TimePoint> waiting_since, http::TimePoint now) noexcept;

private:
    const std::chrono::milliseconds target_;
    std::atomic<bool> on_{false};
};

} // namespace mpsup::accelerator

// What is still answered when a pool cannot keep up.
#pragma once

#include "worker/http/limits.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>

namespace mpsup::accelerator {

enum class Load {
    normal,
    stale, // an answer that is out of date is better than another request to the pool
    shed,  // and who has none is answered 503
};

/// Judges by how long the first in the queue has been waiting. Over the target what is stale is preferred, until the wait is below
/// half of it. Over half of the time that anybody waits at most new requests are shed: they would hardly be served
/// within it, and those before them will. Shared by threads.
class Brownout {
public:
    /// `target` of 0: never. `timeout`: how long a request waits at most.
    Brownout(std::chrono::milliseconds target, std::chrono::milliseconds timeout) noexcept
        : target_(target), too_long_(std::max(target, timeout / 2)) {}

    [[nodiscard]] bool possible() const noexcept { return target_.count() > 0; }
    [[nodiscard]] Load judge(std::optional<http::TimePoint> waiting_since, http::TimePoint now) noexcept;

private:
    const std::chrono::milliseconds target_;
    const std::chrono::milliseconds too_long_;
    std::atomic<bool> on_{false};
};

} // namespace mpsup::accelerator

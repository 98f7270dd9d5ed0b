// What a serving worker does every now and then.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "worker/http/event_server.h"
#include "worker/light/serving.h"

#include <chrono>

namespace mpsup::light {

constexpr std::chrono::milliseconds upkeep_interval{200};

/// A timer in the server's main loop that runs while Serving::needs_keeping_up(), so a worker without such needs sleeps.
/// Both outlive it, and it outlives the server's run().
class Upkeep {
public:
    Upkeep(http::EventServer& server, Serving& serving) : server_(server), serving_(serving) {}

    /// The worker serves from now on.
    [[nodiscard]] Result<> begin();

private:
    [[nodiscard]] bool tick();

    http::EventServer& server_;
    Serving& serving_;
    Fd timer_;
};

} // namespace mpsup::light

// What a serving worker does every now and then.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "worker/http/event_server.h"
#include "worker/light/serving.h"

namespace mpsup::light {

/// A timer in the server's main loop that runs while Serving::keep_up_in() says so: a worker without such needs sleeps.
/// Both outlive it, and it outlives the server's run().
class Upkeep {
public:
    Upkeep(http::EventServer& server, Serving& serving) : server_(server), serving_(serving) {}

    /// The worker serves from now on.
    [[nodiscard]] Result<> begin();

private:
    [[nodiscard]] bool tick();
    [[nodiscard]] bool set();

    http::EventServer& server_;
    Serving& serving_;
    Fd timer_;
};

} // namespace mpsup::light

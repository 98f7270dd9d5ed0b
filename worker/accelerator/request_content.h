// The content of a request, before an upstream is asked.
#pragma once

#include "worker/accelerator/spool.h"
#include "worker/http/exchange.h"

#include <chrono>

namespace mpsup::accelerator {

enum class ContentOutcome {
    whole,
    gone,      // the client is gone or was answered
    too_large, // 413
    no_room,   // 503: others hold all there is, and did so for as long as one waits
    no_disk,   // 507
};

/// Reads all of it into the spool, for no child should wait for a slow client. What does not fit now is waited for, up to
/// `patience` each time, so the client waits too.
[[nodiscard]] http::Task<ContentOutcome> read_content(http::Exchange& exchange, Spool& spool,
                                                      std::chrono::milliseconds patience);

} // namespace mpsup::accelerator

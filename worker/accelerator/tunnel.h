// Bytes both ways between a client and an upstream, after an upgrade.
#pragma once

#include "worker/accelerator/upstream_connection.h"
#include "worker/http/exchange.h"

#include <chrono>

namespace mpsup::accelerator {

/// Until both sides have ended, one of them is gone, or nothing has come from either for `idle`. What one side ends is ended
/// for the other. `exchange` and `upstream` have been upgraded.
[[nodiscard]] http::Task<> tunnel(http::Exchange& exchange, UpstreamConnection& upstream,
                                  std::chrono::milliseconds idle);

} // namespace mpsup::accelerator

// The life of a light worker after `go`.
#pragma once

#include "worker/contract/session.h"

#include <vector>

namespace mpsup::light {

/// Serves what `go.front` says from event loops, files or an accelerator's routes, until it is told to drain and has: returns the exit code of the process. When its
/// supervisor is gone it serves on, and says hello to the next.
[[nodiscard]] int run_light(contract::Session session, const contract::CommandLine& command_line,
                            const contract::Go& go, std::vector<Fd> fds);

} // namespace mpsup::light

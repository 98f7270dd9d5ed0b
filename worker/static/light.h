// The life of a light worker after `go`.
#pragma once

#include "worker/contract/session.h"

#include <vector>

namespace mpsup::static_files {

/// Serves files from an event loop until it is told to drain and has: returns the exit code of the process.
[[nodiscard]] int run_light(contract::Session& session, const contract::Go& go, std::vector<Fd> fds);

} // namespace mpsup::static_files

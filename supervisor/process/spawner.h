// Starting a worker process.
#pragma once

#include "base/error.h"
#include "base/pidfd.h"

#include <string>
#include <vector>

namespace mpsup {

/// What to start. Nothing is inherited but what stands here.
struct SpawnRequest {
    std::string executable;               // absolute path
    std::vector<std::string> arguments;   // argv[1] and on
    std::vector<std::string> environment; // "NAME=value", the whole of it
    std::string working_directory;        // absolute path
    int output = -1;                      // becomes fds 1 and 2; stays the caller's. fd 0 is /dev/null
};

/// All variables of this process, as SpawnRequest::environment wants them.
[[nodiscard]] std::vector<std::string> own_environment();

/// The seam between the supervisor and the kernel's process table.
class Spawner {
public:
    virtual ~Spawner() = default;

    /// Starts a process in a session of its own, with default signal dispositions and no signal blocked. It is our
    /// child; the caller owns the handle and must reap it. Waits until exec has happened: when this fails nothing
    /// runs, and the error names the step. Called on the event loop; takes a fork's time.
    [[nodiscard]] virtual Result<Pidfd> spawn(const SpawnRequest& request) = 0;
};

/// The real one, on Boost.Process v2.
class ProcessSpawner final : public Spawner {
public:
    [[nodiscard]] Result<Pidfd> spawn(const SpawnRequest& request) override;
};

} // namespace mpsup

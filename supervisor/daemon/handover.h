// What a supervisor hands over to the program that replaces it in its own process (execve(2)).
#pragma once

#include "base/error.h"
#include "supervisor/control/site_paths.h"
#include "supervisor/daemon/endpoint.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mpsup {

/// Descriptors by number: they stay open across the exec, and belong to whoever took over. Processes are not in it: they say hello,
/// and the history says who they are.
struct Handover {
    static constexpr int newest = 1;
    int version = newest;
    std::string from; // version of the program that handed over
    int lock = -1;
    int control = -1;  // listener of the control API
    int contract = -1; // listener of the contract
    int client = -1;   // who asked for it, and waits for the end of the streamed answer; -1: nobody
    std::vector<std::pair<Endpoint, int>> listeners;

    [[nodiscard]] std::string to_json() const;
    /// Every key checked; descriptors are numbers only so far.
    [[nodiscard]] static Result<Handover> parse(const std::string& text);
    /// Is each descriptor what it is said to be (SO_ACCEPTCONN, getsockname(2))?
    [[nodiscard]] Result<> verify() const;
};

/// Where it is written, mode 0600, and read from; whoever takes over removes it.
[[nodiscard]] std::string handover_path(const SitePaths& paths);

/// Reads it, in the process that it was written in, makes its descriptors close-on-exec, verifies them, and removes the file.
[[nodiscard]] Result<Handover> read_handover(const SitePaths& paths);

/// What a program says that could take over.
constexpr std::string_view can_take_over = "mpsup can take over";

/// Could this program take over: can it read the handover, the history (its schema is not newer than ours) and the topology
/// that was applied last? Says what it cannot. Changes nothing.
[[nodiscard]] Result<> check_state(const SitePaths& paths);

} // namespace mpsup

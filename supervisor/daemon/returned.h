// What a process that served under an earlier supervisor brings along, looked at before it is believed.
#pragma once

#include "base/pidfd.h"
#include "supervisor/core/adoption.h"
#include "supervisor/daemon/listeners.h"
#include "worker/contract/messages.h"
#include "worker/contract/scoreboard.h"

#include <map>
#include <optional>
#include <vector>

namespace mpsup {

/// A process that says hello and has come further than `fresh`.
struct Returned {
    contract::Hello hello;
    Pidfd pidfd;
    core::Claimant claimant;                              // with what the kernel says of it
    std::map<Endpoint, Listener> listeners;               // bound and listening
    std::optional<contract::ScoreboardReader> scoreboard; // of the right size, sealed
    Fd cache;                                    // a sealed memory file, of whatever size; nothing: it has none
    std::optional<core::RecordedProcess> record; // what the history says of it
    bool is_intended = false;                    // or only that it was to be started is recorded, by its uuid
    std::int64_t started_ms = 0;                 // wall clock, as recorded; 0: not known
    std::string program;                         // file name of its program
};

/// Opens the process, asks the kernel who it is (start time, after the pidfd was opened), and checks each descriptor: a public
/// listener is a TCP socket that listens (SO_ACCEPTCONN, getsockname(2)) or the socket of its own pool, a scoreboard has its size
/// and seals, a cache's memory its seals. The pid in
/// `hello` was attested by SO_PEERCRED.
[[nodiscard]] Result<Returned> receive_returned(contract::Hello hello, std::vector<Fd> fds, const SitePaths& paths);

} // namespace mpsup

// Where supervisors of other machines come in to read.
#pragma once

#include "supervisor/control/server.h"

#include <functional>
#include <string>

namespace mpsup {

/// A door of a ControlServer that only reads. `listener`: TCP, non-blocking; connections that die without a word are
/// found within a minute. `is_machine`: is this IP address (canonical text of inet_ntop(3)) one of a machine of the
/// topology? It is asked for each connection, and whoever is none of them is let go without an answer.
[[nodiscard]] ControlDoor peer_door(Fd listener, std::function<bool(const std::string& ip)> is_machine);

} // namespace mpsup

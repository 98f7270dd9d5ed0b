// Who holds a port that we wanted.
#pragma once

#include "base/address.h"

#include <string>

namespace mpsup {

/// "held by nginx (pid 812)", as far as /proc lets this user see it: a socket without a visible owner gives "held by
/// a process that this user may not see", and an empty text means that nobody listens there any more.
[[nodiscard]] std::string describe_port_owner(const Address& address);

} // namespace mpsup

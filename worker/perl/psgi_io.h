// psgix.io: the client's connection, for applications that want it. Private to worker/perl.
#pragma once

#include "worker/perl/exchange.h"

namespace mpsup::perl {

/// A value that becomes a socket handle when it is read for the first time (perldoc perlguts, "ext" magic): taking the
/// connection costs it its future, so that must not happen to whoever only copies the environment's keys. The caller
/// owns it. Read after its request, it is undef.
[[nodiscard]] SV* make_lazy_io(pTHX_ UV serial);

} // namespace mpsup::perl

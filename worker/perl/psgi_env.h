// The PSGI environment of a request (PSGI 1.1). Private to worker/perl.
#pragma once

#include "worker/perl/exchange.h"

namespace mpsup::perl {

/// What is the same for all requests. The caller owns the reference.
[[nodiscard]] HV* make_env_template(pTHX);

/// A reference to the environment of the request in hand, owned by the caller. May die.
[[nodiscard]] SV* make_env(pTHX_ Exchange& exchange);

} // namespace mpsup::perl

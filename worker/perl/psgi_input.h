// psgi.input: a real Perl file handle on the content of a request. Private to worker/perl.
#pragma once

#include "worker/perl/exchange.h"

namespace mpsup::perl {

/// A reference to a fresh handle, blessed into IO::File, readable and seekable; in memory when the content is. The
/// caller owns the reference. May die.
[[nodiscard]] SV* make_input(pTHX_ const RequestInput& input);

} // namespace mpsup::perl

// What Perl code died of. Private to worker/perl.
#pragma once

#include "worker/perl/perl_api.h"

#include <string>

namespace mpsup::perl {

/// The text of $@, which is empty afterwards; empty when nothing died. An object is asked for its text within an eval of its own:
/// its overloading is code of the application too. Never dies.
[[nodiscard]] std::string take_error(pTHX);

} // namespace mpsup::perl

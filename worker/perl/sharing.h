// What Perl keeps in memory, made fit for being shared with many forks. Private to worker/perl.
#pragma once

#include "worker/perl/perl_api.h"

namespace mpsup::perl {

/// Copying a string writes to it: since copies share a buffer, its last byte counts them (perldoc perlguts, copy on write),
/// and in a child that costs a page of its own. Here, in the process that is to be forked, every short string that has room
/// for such a count is told that it has none, so that copying it only reads. Longer ones, which are dear to copy, and
/// constants of code stay as they are. Touches every value: some ten milliseconds for 100 MB. Returns how many it changed.
std::size_t keep_strings_shared(pTHX) noexcept;

} // namespace mpsup::perl

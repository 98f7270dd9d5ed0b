// Requests that a pool master makes to its own application before it forks.
#pragma once

#include "worker/perl/engine.h"

#include <string>

namespace mpsup::dynamic {

/// Asks for `target` ("/search?q=x") as a client of HTTP/1.1 at 127.0.0.1 would; the reply goes nowhere. What the
/// application compiles, caches and allocates for it is then shared by all children. What goes wrong is written to
/// stderr and stops nothing.
void warm_up(perl::Engine& engine, const std::string& target);

} // namespace mpsup::dynamic

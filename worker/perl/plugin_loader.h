// Loading the Perl engine at run time.
#pragma once

#include "base/error.h"
#include "worker/perl/engine.h"

#include <string>

namespace mpsup::perl {

/// Opens libperl for all to see (RTLD_GLOBAL: XS modules name no library that they need), then `plugin` for us alone, and
/// checks that it is a perl.so of this version, built for the libperl that was opened. Nothing is ever closed. The error
/// names both versions and what to do.
[[nodiscard]] Result<Engine*> load_plugin(const std::string& plugin);

} // namespace mpsup::perl

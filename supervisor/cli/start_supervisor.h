// The supervisor in the background.
#pragma once

#include "base/error.h"
#include "supervisor/cli/context.h"

namespace mpsup::cli {

/// Starts the site's supervisor in the background, its log in the site's folder, and waits (10 s) until it answers. It takes over
/// what an earlier one left running.
[[nodiscard]] Result<> start_supervisor(const Context& context, const ChosenSite& site);

} // namespace mpsup::cli

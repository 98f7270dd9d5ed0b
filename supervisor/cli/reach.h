// Which machines a verb that only reads is about.
#pragma once

#include "supervisor/cli/context.h"

#include <expected>
#include <optional>
#include <string>

namespace mpsup::cli {

/// The value of `machines` for the control API: "all", or those of --machine, joined by commas. Nothing: the site has
/// no cluster, or no supervisor of it answers; then it is what lies on this machine. An error is the exit code, and
/// has been complained about: --machine without a cluster, or of a machine that there is not.
[[nodiscard]] std::expected<std::optional<std::string>, int> reach_of(const Context& context, const ChosenSite& site);

/// The same as the supervisor is asked, which knows whether there is a cluster.
[[nodiscard]] std::string machines_word(const Context& context);

} // namespace mpsup::cli

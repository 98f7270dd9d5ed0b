// What verbs that change something have in common: ask the supervisor, show what it reports, end as it says.
#pragma once

#include "supervisor/cli/context.h"

#include <string>
#include <system_error>

namespace mpsup::cli {

/// POSTs `body`, JSON, to `path` and shows each line of the answer: progress as it comes (not with -q), and how it ended. With
/// -o jsonl the lines are passed on as they are, with -o json the last alone. Returns the exit code.
[[nodiscard]] int ask(const Context& context, const ChosenSite& site, const std::string& path, const std::string& body);

/// Does this error of a control socket say that nobody listens there?
[[nodiscard]] bool nobody_listens(const std::error_code& error);

/// After a supervisor said that it ends: waits until it has, so that the next command finds its lock free. At most 5 s.
void wait_until_gone(const ChosenSite& site);

} // namespace mpsup::cli

// Processes that became ours because their parent died.
#pragma once

#include "base/error.h"

#include <functional>
#include <sys/types.h>
#include <vector>

namespace mpsup {

/// Orphans below us become our children instead of init's, so that their exit status reaches us and no zombie is left
/// (PR_SET_CHILD_SUBREAPER, prctl(2)).
[[nodiscard]] Result<> become_subreaper();

/// Reaps every ended child for which `is_known` says no; those it knows are reaped through their own handle. Never
/// blocks. To be called when SIGCHLD came, and after known ones were reaped.
void reap_strays(const std::function<bool(pid_t)>& is_known);

/// Children of ours that were stopped (SIGSTOP) since this was asked last.
[[nodiscard]] std::vector<pid_t> stopped_children();

} // namespace mpsup

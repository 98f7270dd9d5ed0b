// What the children of a pool do, and which of them become masters.
#pragma once

#include "supervisor/core/lineage.h"

#include <sys/types.h>

namespace mpsup::core {

// Functions on a lineage; core/worker.h says when each is called. Unknown numbers and pids are ignored. Pure.

/// `master`: that forked it; 0: not known.
void child_started(Lineage& line, GenerationNumber number, pid_t pid, pid_t master, Time now);
void child_ready(Lineage& line, GenerationNumber number, pid_t pid, Time now);
/// It has served enough to be a good master: it is let go of and becomes one, unless it is not that generation's turn. Of
/// a generation on trial, when that is over: until then its children are counted, and an heir may have fewer.
void release_for_refork(Lineage& line, GenerationNumber number, pid_t pid, Time now);
/// It has no master and is idle: it may be made one. False: it is orphaned, and that word alone
/// made nobody master: the worker converges.
[[nodiscard]] bool child_speaks(Lineage& line, GenerationNumber number, pid_t pid, Time now);
/// It is told to be master.
void make_heir(Lineage& line, Generation& generation, pid_t pid, Time now);
/// Another size was told to that generation's master, which will not be it for long where there is an heir: its order is repeated.
void resize_heir(Lineage& line, GenerationNumber number);
/// It is.
void crown_heir(Lineage& line, GenerationNumber number, pid_t pid, Time now);

} // namespace mpsup::core

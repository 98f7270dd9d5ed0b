// What a worker makes of the generations that an earlier supervisor started: which serve on, which go.
#pragma once

#include "supervisor/core/lineage.h"

namespace mpsup::core {

// Functions on a lineage; core/worker.h says when each is called. Pure.

/// Enters one as it is found, or corrects what is known of it. `has_process`: its light process or pool master lives.
void inherit(Lineage& line, GenerationNumber number, Phase phase, bool has_process, Time now);
/// One of which only a record speaks: it may serve, or have been on its way out.
void inherit_silent(Lineage& line, GenerationNumber number, Time now);

/// All that live are entered. Of several that serve the one that served first stays, and the newest that sleeps sleeps on. What
/// was on its way goes, but the newest of it when nobody serves: that one is gated, and held by no operation any more.
void take_up(Lineage& line, Time now);

/// One that was entered after that. It goes, unless it is needed: nothing else serves and, if it does not itself, nothing
/// else is on its way either. `wanted`: the worker should run.
void take_up_late(Lineage& line, Generation& late, bool wanted, Time now);

} // namespace mpsup::core

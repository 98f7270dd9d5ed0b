// What a topology changes of a site that runs.
#pragma once

#include "supervisor/daemon/report.h"
#include "supervisor/daemon/site.h"
#include "supervisor/topology/diff.h"

#include <string>
#include <vector>

namespace mpsup {

/// As topology::diff, and: a worker whose own keys are the same has changed all the same when what it is told of the others
/// has.
[[nodiscard]] topology::Diff changes_between(const topology::Topology& before, const topology::Topology& after);

/// Those of which the site does not know what they were started with have changed, unless they go.
void add_unsure(const Site& site, topology::Diff& changes);

/// Are only its pool's size, `rolling`, `hooks` or `depends_on` others?
[[nodiscard]] bool needs_no_generation(const topology::Diff::Change& change);

/// Workers that need no new generation. Taken out of `changes`.
[[nodiscard]] std::vector<std::string> take_resized(const Site& site, const topology::Topology& wanted,
                                                    topology::Diff& changes);

/// Does to them what take_resized found.
void resize_pools(Site& site, const topology::Topology& wanted, const std::vector<std::string>& names,
                  const Report& report);

void report_changes(const topology::Diff& changes, const Report& report);

} // namespace mpsup

// What an operator can ask for: each a coroutine that reads like the runbook.
#pragma once

#include "supervisor/daemon/outcome.h"
#include "supervisor/daemon/report.h"
#include "supervisor/daemon/site.h"

#include <boost/asio/awaitable.hpp>

#include <string>
#include <vector>

namespace mpsup {

/// Makes the site what `wanted` says: everything that is new or changed is started beside what serves, gated, and only
/// when all of it stands by is it let in, the old drained, what is no longer wanted stopped. If any of it fails, all
/// of it is taken back and what served before serves on. What others depend on is let in before they are started. What the site
/// is unsure of is replaced.
struct BringUp {
    bool all_anew = false;     // what has not changed in it gets a new generation too
    bool fast = false;         // without steps, without a verdict, one probe at the gate
    bool asks_pre_roll = true; // whoever goes back is not to be stopped by a hook
};
[[nodiscard]] boost::asio::awaitable<Outcome> bring_up(Site& site, AppliedTopology wanted, Report report, BringUp how);

/// Replaces the named workers (none: all) by new generations, one worker after the other, start first. `fast`: for what
/// fails already, without steps, without a verdict, one probe at the gate.
[[nodiscard]] boost::asio::awaitable<Outcome> restart(Site& site, std::vector<std::string> names, bool fast,
                                                      Report report);

/// Wakes the generation that sleeps of each named worker (none: of each that has one) in place of the one that serves. When
/// none sleeps: the topology that was applied before this one, in haste: who goes back does it because what serves is bad. For
/// the same reason no pre_roll is asked.
[[nodiscard]] boost::asio::awaitable<Outcome> roll_back(Site& site, std::vector<std::string> names, Report report);

/// Forgets that the named workers (none: all) were given up, and their back-off; starts what should run. Waits until it serves
/// or has failed again.
[[nodiscard]] boost::asio::awaitable<Outcome> reset(Site& site, std::vector<std::string> names, Report report);

/// Ends the worker that answers for addresses which were given up (topology/moved.h), closes these, and takes it out of
/// what is applied. Nothing else is looked at.
[[nodiscard]] boost::asio::awaitable<Outcome> end_moved(Site& site, Report report);

/// Stops everything, in the reverse of the order in which it is started.
[[nodiscard]] boost::asio::awaitable<Outcome> bring_down(Site& site, Report report);

} // namespace mpsup

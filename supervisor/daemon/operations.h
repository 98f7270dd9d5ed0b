// What an operator can ask for: each a coroutine that reads like the runbook.
#pragma once

#include "supervisor/daemon/report.h"
#include "supervisor/daemon/site.h"

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup {

/// How an operation ended: an exit code of the command line (0 done, 1 failed, 6 the old one was kept, 7 the new one had
/// served and was taken back, 9 too late), and a
/// sentence.
struct Outcome {
    int code = 0;
    std::string text;
};

/// Makes the site what `wanted` says: everything that is new or changed is started beside what serves, gated, and only
/// when all of it stands by is it let in, the old drained, what is no longer wanted stopped. If any of it fails, all
/// of it is taken back and what served before serves on. What others depend on is let in before they are started.
/// What the site is unsure of is replaced. `all_anew`: what has not changed in it gets a new generation too.
[[nodiscard]] boost::asio::awaitable<Outcome> bring_up(Site& site, AppliedTopology wanted, Report report,
                                                       bool all_anew = false, bool fast = false);

/// Replaces the named workers (none: all) by new generations, one worker after the other, start first. `fast`: for what
/// fails already, without steps, without a verdict, one probe at the gate.
[[nodiscard]] boost::asio::awaitable<Outcome> restart(Site& site, std::vector<std::string> names, bool fast,
                                                      Report report);

/// Wakes the generation that sleeps of each named worker (none: of each that has one) in place of the one that serves. When
/// none sleeps: the topology that was applied before this one.
[[nodiscard]] boost::asio::awaitable<Outcome> roll_back(Site& site, std::vector<std::string> names, Report report);

/// Forgets that the named workers (none: all) were given up, and their back-off; starts what should run. Waits until it serves
/// or has failed again.
[[nodiscard]] boost::asio::awaitable<Outcome> reset(Site& site, std::vector<std::string> names, Report report);

/// What is asked of one pool: a number of children, or so many more or fewer.
struct ScaleOrder {
    std::string worker;
    bool is_relative = false;
    int count = 0;
};

/// "httpd_perl=6", "httpd_perl=+2", "httpd_perl=-1"; nothing for anything else.
[[nodiscard]] std::optional<ScaleOrder> parse_scale(std::string_view text);

/// So many more or fewer children in every pool that has a number, as far as it goes: an order for each that changes.
[[nodiscard]] std::vector<ScaleOrder> orders_for_all(const Site& site, int difference);

/// Gives pools that run another size, without a restart: of a fixed one its size, of others their `max`. It lasts until
/// the next `up`. All or none: nothing is changed when one of the orders cannot be carried out.
[[nodiscard]] boost::asio::awaitable<Outcome> scale(Site& site, std::vector<ScaleOrder> orders, Report report);

/// Stops everything, in the reverse of the order in which it is started.
[[nodiscard]] boost::asio::awaitable<Outcome> bring_down(Site& site, Report report);

} // namespace mpsup

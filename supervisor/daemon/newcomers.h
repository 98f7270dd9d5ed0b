// Generations that an operation starts beside what serves: each in its turn, and taken back together.
#pragma once

#include "supervisor/core/rollout.h"
#include "supervisor/daemon/conversion.h"
#include "supervisor/daemon/operations.h"
#include "supervisor/daemon/report.h"
#include "supervisor/daemon/site.h"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mpsup {

/// A worker that an operation is bringing in.
struct Newcomer {
    std::shared_ptr<WorkerHandle> worker;
    core::GenerationNumber generation = 0;
    bool is_added = false;
    topology::CopyOnWrite<topology::WorkerSpec> old_spec; // of one that is not
    std::vector<Listener> old_listeners;
    core::Progress seen = core::Progress::coming;
    core::RolloutPlan plan{}; // of one that is not added
    std::uint64_t log_start = 0;
};

[[nodiscard]] core::Progress progress_of(const Newcomer& newcomer);

/// "name generation n"
[[nodiscard]] std::string title(const Newcomer& newcomer);

/// How it takes the place of the old one: as its `rolling` says; without steps and verdict; in haste, and so without them too.
enum class Pace { on_trial, at_once, in_haste };

/// Starts a generation of `spec` beside what serves of `worker`; it waits to be let in.
[[nodiscard]] Newcomer prepare(Site& site, const std::shared_ptr<WorkerHandle>& worker,
                               const topology::WorkerSpec& spec, std::vector<Listener> listeners, Pace pace);

/// Starts what is coming, each when what it depends on is there. Ends: what is waited for stands by, or
/// did not make it, or was given up. Empty, or why it went no further; `newcomers` has what was started by then.
[[nodiscard]] boost::asio::awaitable<std::string> start_in_order(Site& site, const topology::Topology& wanted,
                                                                 const Conversion& conversion, BringUp how,
                                                                 ProgressReport& progress, const Report& report,
                                                                 std::vector<Newcomer>& newcomers);

/// Until each stands by or serves: nullptr; or one did not make it: that one. Every phase on the way has a deadline of its
/// own, so this ends.
[[nodiscard]] boost::asio::awaitable<Newcomer*> wait_until_standing_by(Site& site, std::vector<Newcomer>& newcomers,
                                                                       ProgressReport& report);

/// A sentence about one that did not make it.
[[nodiscard]] std::string why_not(const Newcomer& newcomer);

/// Would a new generation of it replace one that serves? Then its hooks may forbid that: why, or empty.
[[nodiscard]] boost::asio::awaitable<std::string> ask_before_roll(Site& site, std::string name, topology::Hooks hooks);

/// Until nothing but what serves or comes or sleeps is left of it. Draining has a deadline, and after it comes SIGKILL.
[[nodiscard]] boost::asio::awaitable<void> wait_until_settled(Site& site, const WorkerHandle& worker);

/// Until no process of it is left; each gets its grace, and then SIGKILL.
[[nodiscard]] boost::asio::awaitable<void> stop_and_wait(Site& site, std::shared_ptr<WorkerHandle> worker,
                                                         const Report& report);

} // namespace mpsup

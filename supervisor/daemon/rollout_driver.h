// The shell around core::Rollout: one worker's new generation takes the place of the old one.
#pragma once

#include "supervisor/core/rollout.h"
#include "supervisor/daemon/report.h"
#include "supervisor/daemon/site.h"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace mpsup {

/// How a generation of `spec` replaces what serves. `new_one` is still to be filled in. `fast`: all at once and unjudged.
[[nodiscard]] core::RolloutPlan plan_of(const core::Worker& worker, const topology::WorkerSpec& spec, bool fast);

/// Is a new generation of it let in by steps, or judged?
[[nodiscard]] bool is_tried(const topology::WorkerSpec& spec);

/// From the moment that the plan's new generation is started until it serves alone, or was taken back. Reports child by
/// child what happens. Ends: every phase has a deadline, but for a pause and a freeze, which wait for an operator
/// (Surroundings::rollout). `until_gone`: until what left has ended too.
[[nodiscard]] boost::asio::awaitable<core::Rollout> run_rollout(Site& site, std::shared_ptr<WorkerHandle> worker,
                                                                core::RolloutPlan plan, ProgressReport& progress,
                                                                bool until_gone);

enum class RollEnd { settled, never_served, taken_back };

/// Records that the roll to this generation is over and tells the hooks: post_roll, and an alert of one that was taken back
/// (of one that never served the worker's handle tells). run_rollout does that for itself; this is for one that never came
/// so far.
void end_roll(Site& site, const WorkerHandle& worker, core::GenerationNumber number, RollEnd how, std::string text);

/// What failed, what serves now, and what the worker wrote last.
[[nodiscard]] std::string describe_failure(Site& site, const WorkerHandle& worker, const core::RolloutPlan& plan,
                                           const core::Rollout& rollout, std::uint64_t log_start);

/// The last lines that a worker wrote since its log was so long, below a heading; empty: none.
[[nodiscard]] std::string words_since(Site& site, const std::string& worker, std::uint64_t since);

} // namespace mpsup

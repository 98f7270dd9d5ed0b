// Calls what a topology wants called when something happens.
#pragma once

#include "supervisor/core/generation.h"
#include "supervisor/daemon/bell.h"
#include "supervisor/daemon/history.h"
#include "supervisor/process/commands.h"
#include "supervisor/topology/hook.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <string>

namespace mpsup {

struct HookEvent {
    topology::HookPoint point = topology::HookPoint::on_alert;
    std::string worker{}; // empty: the site as a whole
    core::GenerationNumber generation = 0;
    std::string reason{};
    std::string alert{}; // of on_alert: worker_failed, gate_failed, rollout_taken_back, store_damaged
};

/// One event loop; outlives its coroutines. The site's hooks come first, then the worker's; each has its own deadline.
/// How each ended is an event of the history.
class HookRunner {
public:
    HookRunner(const boost::asio::any_io_executor& executor, std::string site, Commands& commands, History& history);

    void set_site_hooks(topology::Hooks hooks) { site_hooks_ = std::move(hooks); }
    [[nodiscard]] const topology::Hooks& site_hooks() const { return site_hooks_; }

    /// Is there anything to call?
    [[nodiscard]] bool has(const topology::Hooks& of_worker, topology::HookPoint point) const;
    /// The longest that run() may take.
    [[nodiscard]] std::chrono::milliseconds longest(const topology::Hooks& of_worker, topology::HookPoint point) const;
    /// One after the other, until one fails. Empty: none did; else which, and why.
    [[nodiscard]] boost::asio::awaitable<std::string> run(topology::Hooks of_worker, HookEvent event);
    /// All of them, while everything goes on.
    void fire(const topology::Hooks& of_worker, HookEvent event);
    /// Records an alert, and fires on_alert.
    void alert(const topology::Hooks& of_worker, HookEvent event);
    /// Calls what has to be called for what the core noted about a worker. `serves`: some generation of it does.
    void note(const topology::Hooks& of_worker, const std::string& worker, const core::Note& note, bool serves);
    /// Nothing that fire() began runs any more. Each has a deadline.
    [[nodiscard]] boost::asio::awaitable<void> wait_until_idle();
    /// Has the database been damaged since this was asked last? Then that is an alert.
    void look_at_store();

private:
    [[nodiscard]] std::vector<topology::Hook> hooks_at(const topology::Hooks& of_worker,
                                                       topology::HookPoint point) const;
    boost::asio::awaitable<void> run_in_background(std::vector<topology::Hook> hooks, HookEvent event);
    boost::asio::awaitable<std::string> call(topology::Hook hook, HookEvent event);
    [[nodiscard]] std::string document(const HookEvent& event) const;
    [[nodiscard]] std::vector<std::string> environment(const HookEvent& event) const;

    boost::asio::any_io_executor executor_;
    std::string site_;
    Commands& commands_;
    History& history_;
    topology::Hooks site_hooks_;
    int running_ = 0; // in the background
    Bell ended_;
    std::string damage_; // of the store, as it was known last
};

} // namespace mpsup

#include "supervisor/daemon/operations.h"

#include "base/joined.h"
#include "supervisor/daemon/changes.h"
#include "supervisor/daemon/failpoint.h"
#include "supervisor/daemon/hook_runner.h"
#include "supervisor/daemon/newcomers.h"
#include "supervisor/daemon/rollout_driver.h"
#include "supervisor/daemon/sleeper.h"
#include "supervisor/daemon/switchover.h"
#include "supervisor/topology/dependencies.h"
#include "supervisor/topology/links.h"
#include "supervisor/topology/moved.h"
#include "supervisor/topology/urls.h"

#include <algorithm>
#include <optional>
#include <ranges>
#include <set>
#include <utility>

// GCC 12 inlines Asio's operator new of a coroutine's frame here and not its operator delete, and then finds that they differ.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace mpsup {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

std::string no_such_worker(const Site& site, const std::string& name) {
    std::vector<std::string> known;
    for (const auto& worker : site.workers()) known.push_back(worker->spec().name);
    return "there is no worker " + name + (known.empty() ? "" : "; there is " + joined(known, ", "));
}

// No names mean all that is to run: what an earlier supervisor left over and is on its way out stays so.
std::optional<Outcome> fill_in(const Site& site, std::vector<std::string>& names) {
    for (const std::string& name : names) {
        const auto worker = site.find(name);
        if (!worker) return Outcome{2, no_such_worker(site, name)};
        if (!worker->core().wants_to_run()) return Outcome{2, name + " is being stopped"};
    }
    if (!names.empty()) return std::nullopt;
    for (const auto& worker : site.workers())
        if (worker->core().wants_to_run()) names.push_back(worker->spec().name);
    return std::nullopt;
}

// Workers that were adopted and that no topology knows: of a conversion in which a supervisor died.
asio::awaitable<void> forget_strangers(Site& site, const topology::Topology& wanted, const Report& report) {
    const auto workers = site.workers();
    for (const auto& worker : workers) {
        const std::string name = worker->spec().name;
        if (wanted.find(name)) continue;
        co_await stop_and_wait(site, worker, report);
        site.remove(name);
    }
}

} // namespace

asio::awaitable<Outcome> bring_up(Site& site, AppliedTopology wanted, Report report, BringUp how) {
    const bool is_first = !site.applied();
    const topology::Topology before = is_first ? topology::Topology{} : site.applied()->topology;
    wanted.topology = with_moved(before, std::move(wanted.topology), wall_clock_ms());
    const auto old_urls = std::exchange(site.around().urls, urls_of(wanted.topology));
    const auto old_links = std::exchange(site.around().links, links_of(wanted.topology));
    const auto old_servers = std::exchange(site.around().servers, servers_in_words(wanted.topology));
    const auto old_build = std::exchange(site.around().build, wanted.topology.binaries);
    site.use_hooks(wanted.topology.hooks);
    site.listeners().may_be_absent(wanted.topology.vip.ip);
    const auto forget_wanted = [&] {
        site.use_hooks(before.hooks);
        site.listeners().may_be_absent(before.vip.ip);
        site.around().urls = old_urls;
        site.around().links = old_links;
        site.around().servers = old_servers;
        site.around().build = old_build;
    };
    topology::Diff changes = changes_between(before, wanted.topology);
    add_unsure(site, changes);
    const auto resized = take_resized(site, wanted.topology, changes);
    if (how.all_anew)
        for (const topology::WorkerSpec& spec : wanted.topology.workers)
            if (site.find(spec.name) &&
                std::ranges::find(changes.changed, spec.name, &topology::Diff::Change::worker) == changes.changed.end())
                changes.changed.push_back({spec.name, {"reload"}});
    // All addresses first: one that cannot be had stops everything before anything has started.
    auto bound = site.listeners().open(endpoints_of(wanted.topology, site.around().paths));
    if (!bound) {
        forget_wanted();
        co_return Outcome{Outcome::failed, bound.error().to_string()};
    }
    report_changes(changes, report);
    ProgressReport progress(report);
    std::vector<Newcomer> newcomers;
    const Conversion conversion = conversion_of(site, before, wanted.topology, changes);
    Switchover switchover(site, conversion, newcomers, progress, report);
    std::string trouble = co_await start_in_order(site, wanted.topology, conversion, how, progress, report, newcomers);
    if (trouble.empty() && newcomers.empty() && changes.empty() && resized.empty()) {
        co_await forget_strangers(site, wanted.topology, report);
        const bool is_known = !is_first && site.applied()->digest == wanted.digest;
        site.set_applied(std::move(wanted));
        if (!is_known) record(site, *site.applied()); // it may be another one, which asks for nothing else here
        co_return Outcome{.code = 0, .text = "nothing changed", .is_idle = true};
    }
    if (trouble.empty())
        if (const Newcomer* lost = co_await wait_until_standing_by(site, newcomers, progress))
            trouble = why_not(*lost) + words_since(site, lost->worker->spec().name, lost->log_start);
    Outcome outcome{Outcome::failed, std::move(trouble)};
    if (outcome.text.empty()) outcome = co_await switchover.forward();
    if (outcome.code != 0) {
        forget_wanted();
        const bool had_served = co_await switchover.back(outcome.text);
        site.listeners().keep_only(endpoints_of(before, site.around().paths));
        if (!is_first && outcome.code == Outcome::failed) outcome.text += "; what served before serves on";
        outcome.code = is_first                                            ? Outcome::failed
                       : had_served || outcome.code == Outcome::taken_back ? Outcome::taken_back
                                                                           : Outcome::old_kept;
        co_return outcome;
    }
    failpoint();
    co_await forget_strangers(site, wanted.topology, report);
    resize_pools(site, wanted.topology, resized, report);
    site.set_applied(std::move(wanted));
    site.unsure_of().clear();
    site.sort_workers();
    site.listeners().keep_only(endpoints_of(site.applied()->topology, site.around().paths));
    failpoint();
    record(site, *site.applied());
    failpoint();
    co_return Outcome{0, "site " + site.applied()->topology.site + " is up", outcome.is_unjudged};
}

asio::awaitable<Outcome> restart(Site& site, std::vector<std::string> names, bool fast, Report report) {
    if (const auto wrong = fill_in(site, names)) co_return *wrong;
    std::vector<std::shared_ptr<WorkerHandle>> rolled;
    bool is_unjudged = false;
    ProgressReport progress(report);
    for (const std::string& name : names) {
        const auto worker = site.find(name);
        site.around().history.worker_event(state::EventKind::restart_planned, name, worker->core());
        if (std::string why = co_await ask_before_roll(site, name, worker->spec().hooks); !why.empty())
            co_return Outcome{Outcome::old_kept, std::move(why)};
        const topology::WorkerSpec spec = worker->spec();
        const Pace pace = fast ? Pace::in_haste : Pace::on_trial;
        const Newcomer newcomer = prepare(site, worker, spec, worker->listeners(), pace);
        report(title(newcomer) + " is being started");
        const core::Rollout rollout = co_await run_rollout(site, worker, newcomer.plan, progress, true);
        if (rollout.phase() != core::Rollout::Phase::settled) {
            std::string why = describe_failure(site, *worker, newcomer.plan, rollout, newcomer.log_start);
            const bool goes_back = spec.rolling.on_failure == topology::OnFailure::rollback;
            int code = rollout.has_served()            ? Outcome::taken_back
                       : worker->core().serving() != 0 ? Outcome::old_kept
                                                       : Outcome::failed;
            for (const auto& earlier : rolled) {
                if (!goes_back || earlier->core().sleeping() == 0) continue;
                if (const auto trouble = co_await go_back(site, earlier, report); !trouble.empty())
                    why += "; " + trouble;
                code = Outcome::taken_back;
            }
            co_return Outcome{code, std::move(why)};
        }
        is_unjudged = is_unjudged || rollout.is_unjudged();
        rolled.push_back(worker);
        co_await wait_until_settled(site, *worker);
        site.around().history.worker_event(state::EventKind::restarted, name, worker->core());
        report(name + " is restarted");
    }
    co_return Outcome{0, joined(names, ", ") + " restarted", is_unjudged};
}

asio::awaitable<Outcome> roll_back(Site& site, std::vector<std::string> names, Report report) {
    for (const std::string& name : names) {
        const auto worker = site.find(name);
        if (!worker) co_return Outcome{2, no_such_worker(site, name)};
        if (worker->core().sleeping() == 0)
            co_return Outcome{Outcome::failed,
                              name + ": no generation sleeps that it could go back to (rolling.keep); without a "
                                     "name, rollback applies the topology before this one"};
    }
    std::vector<std::string> woken;
    for (const auto& worker : std::vector(site.workers())) {
        const std::string name = worker->spec().name;
        const bool is_meant = names.empty() || std::ranges::find(names, name) != names.end();
        if (!is_meant || worker->core().sleeping() == 0) continue;
        woken.push_back(name);
        site.around().history.worker_event(state::EventKind::rollout_started, name, worker->core(), "rollback");
        const auto sleeper = worker->core().sleeping();
        const std::string trouble = co_await go_back(site, worker, report);
        end_roll(site, *worker, sleeper, trouble.empty() ? RollEnd::settled : RollEnd::never_served,
                 trouble.empty() ? "rolled back" : trouble);
        if (trouble.empty()) continue;
        record_woken(site, woken); // those before it
        co_return Outcome{Outcome::failed, trouble};
    }
    record_woken(site, woken);
    if (!woken.empty()) co_return Outcome{0, joined(woken, ", ") + ": rolled back"};
    auto previous = previous_topology(site);
    if (!previous) co_return Outcome{Outcome::failed, previous.error().to_string()};
    report("no generation sleeps: back to the topology applied before");
    const BringUp in_haste{.all_anew = false, .fast = true, .asks_pre_roll = false};
    co_return co_await bring_up(site, std::move(*previous), report, in_haste);
}

asio::awaitable<Outcome> reset(Site& site, std::vector<std::string> names, Report report) {
    if (const auto wrong = fill_in(site, names)) co_return *wrong;
    for (const std::string& name : names) {
        const auto worker = site.find(name);
        site.around().history.worker_event(state::EventKind::reset, name, worker->core());
        worker->reset();
        report(name + ": reset");
    }
    std::string failures;
    for (const std::string& name : names) {
        const auto worker = site.find(name);
        while (worker->core().state() == core::WorkerState::starting) // each phase of it has a deadline
            co_await site.around().changed.wait_until(Clock::time_point::max());
        if (worker->core().serving() == 0)
            failures += (failures.empty() ? "" : "; ") + name + " does not serve: " + worker->core().last_failure();
    }
    co_return failures.empty() ? Outcome{0, joined(names, ", ") + " reset"} : Outcome{Outcome::failed, failures};
}

asio::awaitable<Outcome> end_moved(Site& site, Report report) {
    const std::string name(topology::moved_worker);
    if (auto worker = site.find(name)) {
        co_await stop_and_wait(site, std::move(worker), report);
        site.remove(name);
    }
    site.around().links.erase(name);
    site.unsure_of().erase(name);
    if (!site.applied()) co_return Outcome{0, "nothing is applied"};
    AppliedTopology applied = *site.applied();
    applied.topology = topology::without_moved(std::move(applied.topology));
    site.set_applied(std::move(applied));
    site.listeners().keep_only(endpoints_of(site.applied()->topology, site.around().paths));
    failpoint();
    record(site, *site.applied());
    co_return Outcome{0, "what had moved is closed"};
}

asio::awaitable<Outcome> bring_down(Site& site, Report report) {
    const auto is_left = [&] {
        return std::ranges::any_of(site.workers(), [](const auto& worker) { return worker->core().has_processes(); });
    };
    std::vector<topology::WorkerSpec> specs;
    for (const auto& worker : site.workers()) specs.push_back(worker->spec());
    for (const std::string& name : topology::start_order(specs) | std::views::reverse)
        if (auto worker = site.find(name)) co_await stop_and_wait(site, std::move(worker), report);
    while (is_left()) { // somebody has come back meanwhile whom an earlier supervisor started
        const auto workers = site.workers();
        for (const auto& worker : workers | std::views::reverse) co_await stop_and_wait(site, worker, report);
    }
    for (const auto& worker : site.workers()) worker->close();
    if (site.around().hooks) co_await site.around().hooks->wait_until_idle();
    site.listeners().keep_only({});
    co_return Outcome{0, "the site is down"};
}

} // namespace mpsup

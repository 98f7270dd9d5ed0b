#include "supervisor/daemon/operations.h"

#include "state/queries.h"
#include "supervisor/daemon/failpoint.h"
#include "supervisor/daemon/hook_runner.h"
#include "supervisor/daemon/last_words.h"
#include "supervisor/daemon/rollout_driver.h"
#include "supervisor/daemon/urls.h"
#include "supervisor/topology/dependencies.h"
#include "supervisor/topology/diff.h"
#include "supervisor/topology/resolve.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <ranges>
#include <utility>

// GCC 12 inlines Asio's operator new of a coroutine's frame here and not its operator delete, and then finds that they differ.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace mpsup {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int failed = 1;
constexpr int old_kept = 6;
constexpr int taken_back = 7;
constexpr auto wake_patience = std::chrono::seconds(30);

// A worker that an operation is bringing in.
struct Newcomer {
    std::shared_ptr<WorkerHandle> worker;
    core::GenerationNumber generation = 0;
    bool is_added = false;
    topology::WorkerSpec old_spec; // of one that is not
    std::vector<Listener> old_listeners;
    core::Progress seen = core::Progress::coming;
    core::RolloutPlan plan{}; // of one that is not added
    std::uint64_t log_start = 0;
};

core::Progress progress_of(const Newcomer& newcomer) { return newcomer.worker->core().progress(newcomer.generation); }

std::string title(const Newcomer& newcomer) {
    return newcomer.worker->spec().name + " generation " + std::to_string(newcomer.generation);
}

// Until each stands by (or serves), or one did not make it. Every phase on the way has a deadline of its own, so this ends.
asio::awaitable<Newcomer*> wait_until_standing_by(Site& site, std::vector<Newcomer>& newcomers,
                                                  ProgressReport& report) {
    for (;;) {
        bool all = true;
        for (Newcomer& newcomer : newcomers) {
            report.look(newcomer.worker->spec().name, newcomer.worker->core(), newcomer.generation);
            const auto progress = progress_of(newcomer);
            if (progress == core::Progress::did_not_make_it || progress == core::Progress::over) co_return &newcomer;
            if (progress != std::exchange(newcomer.seen, progress))
                report.say(title(newcomer) + " is ready and passed its health checks");
            all = all && progress != core::Progress::coming;
        }
        if (all) co_return nullptr;
        co_await site.around().changed.wait_until(Clock::time_point::max());
    }
}

// Until nothing but what serves is left of it. Draining has a deadline, and after it comes SIGKILL.
asio::awaitable<void> wait_until_settled(Site& site, const WorkerHandle& worker) {
    const auto is_settled = [&] {
        return std::ranges::all_of(worker.core().generations(), [](const core::Generation& generation) {
            const bool sleeps = generation.phase == core::Phase::sleeping && generation.children.empty();
            return sleeps || core::is_taking_requests(generation.phase) || core::is_coming(generation.phase);
        });
    };
    while (!is_settled()) co_await site.around().changed.wait_until(Clock::time_point::max());
}

asio::awaitable<void> stop_and_wait(Site& site, std::shared_ptr<WorkerHandle> worker, const Report& report) {
    if (worker->core().has_processes()) report(worker->spec().name + ": stopping");
    worker->stop();
    while (worker->core().has_processes()) co_await site.around().changed.wait_until(Clock::time_point::max());
}

std::string why_not(const Newcomer& newcomer) {
    const std::string& trouble = newcomer.worker->core().trouble(newcomer.generation);
    return title(newcomer) + " did not become ready: " + (trouble.empty() ? "no reason is known" : trouble);
}

// Takes back what was brought in: added workers go, changed ones are what they were.
asio::awaitable<void> take_back(Site& site, std::vector<Newcomer>& newcomers, const Report& report) {
    for (Newcomer& newcomer : newcomers) {
        if (newcomer.is_added) {
            co_await stop_and_wait(site, newcomer.worker, report);
            site.remove(newcomer.worker->spec().name);
        } else {
            newcomer.worker->set_spec(newcomer.old_spec, newcomer.old_listeners);
            newcomer.worker->abandon(newcomer.generation);
            co_await wait_until_settled(site, *newcomer.worker);
        }
    }
}

std::vector<Address> addresses_of(const topology::Topology& topology) {
    std::vector<Address> addresses;
    for (const topology::WorkerSpec& worker : topology.workers)
        addresses.insert(addresses.end(), worker.listen.begin(), worker.listen.end());
    return addresses;
}

std::string join(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
}

// A worker whose own keys are the same has changed all the same when what it is told of the others has.
topology::Diff changes_between(const topology::Topology& before, const topology::Topology& after) {
    topology::Diff changes = topology::diff(before, after);
    const bool is_rebuilt = before.binaries != after.binaries;
    if (!is_rebuilt && urls_of(before) == urls_of(after)) return changes;
    const std::string why = is_rebuilt ? "binaries" : "the addresses of others";
    for (topology::Diff::Change& change : changes.changed) change.keys.push_back(why); // another size is not all of it
    for (std::string& name : std::exchange(changes.unchanged, {})) changes.changed.push_back({std::move(name), {why}});
    return changes;
}

// Pools that only get another size need no new generation. Taken out of `changes`.
std::vector<std::string> take_resized(const Site& site, const topology::Topology& wanted, topology::Diff& changes) {
    std::vector<std::string> names;
    const auto is_of_no_generation = [](const std::string& key) {
        return key.starts_with("pool.") || key.starts_with("rolling.") || key.starts_with("hooks.") ||
               key == "depends_on";
    };
    std::erase_if(changes.changed, [&](topology::Diff::Change& change) {
        if (!std::ranges::all_of(change.keys, is_of_no_generation)) return false;
        names.push_back(change.worker);
        return true;
    });
    for (const std::string& name : changes.unchanged) { // scaled by hand since
        const auto worker = site.find(name);
        if (worker && worker->spec().pool != wanted.find(name)->pool) names.push_back(name);
    }
    std::erase_if(names, [&](const std::string& name) { // nothing of it runs: it is started with its new size
        const auto worker = site.find(name);
        return !worker || worker->core().serving() == 0;
    });
    return names;
}

void resize_pools(Site& site, const topology::Topology& wanted, const std::vector<std::string>& names,
                  const Report& report) {
    for (const std::string& name : names) {
        const auto worker = site.find(name);
        const topology::WorkerSpec& spec = *wanted.find(name);
        if (worker->spec().rolling != spec.rolling) worker->set_rolling(spec.rolling);
        worker->set_dependencies(spec.depends_on);
        worker->set_hooks(spec.hooks);
        if (worker->spec().pool == spec.pool) continue;
        worker->resize(spec.pool);
        report(name + ": its pool has another size");
    }
}

void report_changes(const topology::Diff& changes, const Report& report) {
    for (const std::string& name : changes.added) report(name + ": added");
    for (const topology::Diff::Change& change : changes.changed)
        report(change.worker + ": changed (" + join(change.keys) + ")");
    for (const std::string& name : changes.removed) report(name + ": removed");
}

Newcomer prepare(Site& site, const std::shared_ptr<WorkerHandle>& worker, const topology::WorkerSpec& spec,
                 std::vector<Listener> listeners, bool fast) {
    Newcomer newcomer{worker, 0, false, worker->spec(), worker->listeners(), core::Progress::coming, {}, 0};
    newcomer.log_start = log_size(site.around().paths.worker_log(spec.name));
    newcomer.plan = plan_of(worker->core(), spec, fast);
    newcomer.plan.keeps_old = !site.unsure_of().contains(spec.name);
    Preparation how{{}, fast};
    if (!newcomer.plan.is_at_once()) how.children = newcomer.plan.first_children();
    newcomer.generation = newcomer.plan.new_one = worker->prepare(spec, std::move(listeners), how);
    return newcomer;
}

// Starts it beside what serves if it is new or has changed.
Result<> bring_in(Site& site, const topology::WorkerSpec& spec, const topology::Diff& changes, bool fast,
                  std::vector<Newcomer>& newcomers) {
    auto listeners = site.listeners().open(spec.listen);
    if (!listeners) return std::unexpected(listeners.error());
    const bool is_changed =
        std::ranges::find(changes.changed, spec.name, &topology::Diff::Change::worker) != changes.changed.end();
    auto worker = site.find(spec.name);
    if (!worker) {
        worker = site.add(spec);
        const auto generation = worker->start(std::move(*listeners), true);
        newcomers.push_back({worker, generation, true, {}, {}, core::Progress::coming, {}, 0});
    } else if (is_changed || worker->core().serving() == 0) {
        newcomers.push_back(prepare(site, worker, spec, std::move(*listeners), fast));
    }
    return {};
}

// Lets in what others wait for: it is new, so nothing is replaced by it.
void let_in(const std::string& name, std::vector<Newcomer>& newcomers, const Report& report) {
    const auto newcomer = std::ranges::find_if(newcomers, [&](const auto& n) { return n.worker->spec().name == name; });
    if (newcomer == newcomers.end() || !newcomer->is_added) return;
    if (progress_of(*newcomer) != core::Progress::standing_by) return;
    newcomer->worker->admit(newcomer->generation);
    newcomer->seen = core::Progress::serving;
    report(title(*newcomer) + " serves: others depend on it");
}

// Empty: all that it depends on is there. Else who is not.
std::string missing_dependency(Site& site, const topology::WorkerSpec& spec, const std::vector<Newcomer>& newcomers) {
    for (const auto& [name, condition] : spec.depends_on) {
        const auto worker = site.find(name);
        const auto newcomer =
            std::ranges::find_if(newcomers, [&](const auto& n) { return n.worker->spec().name == name; });
        const bool stands_by =
            newcomer != newcomers.end() && !newcomer->is_added && progress_of(*newcomer) == core::Progress::standing_by;
        const bool is_there = worker && (condition == "started" ? worker->core().has_processes()
                                                                : worker->core().serving() != 0 || stands_by);
        if (!is_there) return name;
    }
    return {};
}

// Would a new generation of it replace one that serves? Then its hooks may forbid that: why, or empty.
asio::awaitable<std::string> ask_before_roll(Site& site, std::string name, topology::Hooks hooks) {
    const auto worker = site.find(name);
    HookRunner* const runner = site.around().hooks;
    if (!runner || !worker || worker->core().serving() == 0) co_return std::string();
    HookEvent event{.point = topology::HookPoint::pre_roll,
                    .worker = name,
                    .generation = worker->core().serving(),
                    .reason = {},
                    .alert = {}};
    const std::string why = co_await runner->run(std::move(hooks), std::move(event));
    co_return why.empty() ? std::string() : name + " is not rolled: " + why;
}

// Starts what is new and what has changed, each when what it depends on is there. Ends: what is waited for stands by, or did
// not make it, or was given up.
asio::awaitable<std::string> start_in_order(Site& site, const topology::Topology& wanted, const topology::Diff& changes,
                                            bool fast, ProgressReport& progress, const Report& report,
                                            std::vector<Newcomer>& newcomers) {
    for (const std::string& name : topology::start_order(wanted.workers)) {
        const topology::WorkerSpec& spec = *wanted.find(name);
        for (bool is_said = false;;) {
            for (const auto& dependency : spec.depends_on) let_in(dependency.first, newcomers, report);
            const std::string missing = missing_dependency(site, spec, newcomers);
            if (missing.empty()) break;
            if (!std::exchange(is_said, true)) report(name + " waits for " + missing);
            for (const Newcomer& newcomer : newcomers) {
                progress.look(newcomer.worker->spec().name, newcomer.worker->core(), newcomer.generation);
                const auto come = progress_of(newcomer);
                if (come == core::Progress::did_not_make_it || come == core::Progress::over)
                    co_return why_not(newcomer) + words_since(site, newcomer.worker->spec().name, newcomer.log_start);
            }
            const auto worker = site.find(missing);
            if (worker && worker->core().state() == core::WorkerState::failed)
                co_return name + " depends on " + missing + ", which was given up (mpsup reset " + missing + ")";
            co_await site.around().changed.wait_until(Clock::time_point::max());
        }
        if (std::ranges::find(changes.changed, name, &topology::Diff::Change::worker) != changes.changed.end())
            if (std::string why = co_await ask_before_roll(site, name, spec.hooks); !why.empty()) co_return why;
        if (const auto begun = bring_in(site, spec, changes, fast, newcomers); !begun)
            co_return begun.error().to_string();
    }
    co_return std::string();
}

// The generation that sleeps serves again, in place of the other. Empty, or why not.
asio::awaitable<std::string> go_back(Site& site, std::shared_ptr<WorkerHandle> worker, Report report) {
    const auto number = worker->core().sleeping();
    if (number == 0) co_return worker->spec().name + ": no generation sleeps";
    const auto old_spec = worker->spec();
    const auto old_listeners = worker->listeners();
    if (!worker->become_as(number)) site.unsure_of().insert(worker->spec().name);
    worker->wake(number);
    const auto deadline = Clock::now() + wake_patience;
    const auto is_awake = [&] {
        const core::Generation* woken = worker->core().find(number);
        return !woken || woken->phase != core::Phase::serving ||
               woken->ready_count() >= worker->core().rules().wanted();
    };
    while (!is_awake() && Clock::now() < deadline) co_await site.around().changed.wait_until(deadline);
    const core::Generation* woken = worker->core().find(number);
    if (!woken || woken->phase != core::Phase::serving || !is_awake()) {
        worker->take_back(number);
        worker->set_spec(old_spec, old_listeners);
        co_return worker->spec().name + " generation " + std::to_string(number) + " did not wake up";
    }
    worker->serve_alone(number, false);
    report(worker->spec().name + " generation " + std::to_string(number) + " serves again");
    co_return std::string();
}

// Those with a trial first, for they can fail; what is let in at once comes after. Empty, or what failed.
asio::awaitable<Outcome> roll_in(Site& site, std::vector<Newcomer>& newcomers, ProgressReport& progress,
                                 const Report& report) {
    for (const bool on_trial : {true, false})
        for (Newcomer& newcomer : newcomers) {
            if (!newcomer.is_added && newcomer.plan.is_at_once() == on_trial) continue;
            if (newcomer.is_added) {
                if (on_trial || progress_of(newcomer) == core::Progress::serving) continue;
                newcomer.worker->admit(newcomer.generation);
                progress.look(newcomer.worker->spec().name, newcomer.worker->core(), newcomer.generation);
                report(title(newcomer) + " serves");
                continue;
            }
            const core::Rollout rollout = co_await run_rollout(site, newcomer.worker, newcomer.plan, progress, false);
            if (rollout.phase() == core::Rollout::Phase::settled) continue;
            std::string text = describe_failure(site, *newcomer.worker, newcomer.plan, rollout, newcomer.log_start);
            std::vector<Newcomer> rest;
            for (Newcomer& other : newcomers) {
                const bool is_in = core::Progress::serving == progress_of(other);
                if (is_in && other.worker->core().sleeping() != 0)
                    (void)co_await go_back(site, other.worker, report);
                else if (!is_in)
                    rest.push_back(other);
            }
            co_await take_back(site, rest, report);
            co_return Outcome{rollout.has_served() ? taken_back : old_kept, std::move(text)};
        }
    co_return Outcome{};
}

// Lets the old out.
asio::awaitable<void> clear_out(Site& site, std::vector<Newcomer>& newcomers, const topology::Topology& before,
                                const topology::Diff& changes, const Report& report) {
    for (const std::string& name : topology::start_order(before.workers) | std::views::reverse) {
        if (std::ranges::find(changes.removed, name) == changes.removed.end()) continue;
        if (auto worker = site.find(name)) co_await stop_and_wait(site, std::move(worker), report);
        site.remove(name);
    }
    for (const Newcomer& newcomer : newcomers) co_await wait_until_settled(site, *newcomer.worker);
}

void record(Site& site, const AppliedTopology& applied) {
    History& history = site.around().history;
    history.store().topology({applied.digest, topology::to_document(applied.topology), applied.path});
    history.site_event(state::EventKind::topology_applied, applied.path + ", digest " + applied.digest);
}

} // namespace

namespace {

void add_unsure(const Site& site, topology::Diff& changes) {
    for (const std::string& name : site.unsure_of()) {
        if (!site.find(name)) continue;
        std::erase(changes.added, name);
        std::erase(changes.unchanged, name);
        std::erase_if(changes.changed, [&](const topology::Diff::Change& change) { return change.worker == name; });
        if (std::ranges::find(changes.removed, name) == changes.removed.end())
            changes.changed.push_back({name, {"it is not known what it was started with"}});
    }
}

} // namespace

asio::awaitable<Outcome> bring_up(Site& site, AppliedTopology wanted, Report report, bool all_anew, bool fast) {
    const bool is_first = !site.applied();
    const topology::Topology before = is_first ? topology::Topology{} : site.applied()->topology;
    const auto old_urls = std::exchange(site.around().urls, urls_of(wanted.topology));
    const auto old_build = std::exchange(site.around().build, wanted.topology.binaries);
    site.use_hooks(wanted.topology.hooks);
    const auto forget_wanted = [&] {
        site.use_hooks(before.hooks);
        site.around().urls = old_urls;
        site.around().build = old_build;
    };
    topology::Diff changes = changes_between(before, wanted.topology);
    add_unsure(site, changes);
    const auto resized = take_resized(site, wanted.topology, changes);
    if (all_anew)
        for (const topology::WorkerSpec& spec : wanted.topology.workers)
            if (site.find(spec.name) &&
                std::ranges::find(changes.changed, spec.name, &topology::Diff::Change::worker) == changes.changed.end())
                changes.changed.push_back({spec.name, {"reload"}});
    // All addresses first: one that cannot be had stops everything before anything has started.
    auto bound = site.listeners().open(addresses_of(wanted.topology));
    if (!bound) {
        forget_wanted();
        co_return Outcome{failed, bound.error().to_string()};
    }
    report_changes(changes, report);
    ProgressReport progress(report);
    std::vector<Newcomer> newcomers;
    std::string trouble = co_await start_in_order(site, wanted.topology, changes, fast, progress, report, newcomers);
    if (trouble.empty() && newcomers.empty() && changes.empty() && resized.empty()) {
        site.set_applied(std::move(wanted));
        co_return Outcome{0, "nothing changed"};
    }
    if (trouble.empty())
        if (const Newcomer* lost = co_await wait_until_standing_by(site, newcomers, progress))
            trouble = why_not(*lost) + words_since(site, lost->worker->spec().name, lost->log_start);
    if (!trouble.empty()) {
        forget_wanted();
        co_await take_back(site, newcomers, report);
        site.listeners().keep_only(addresses_of(before));
        co_return Outcome{is_first ? failed : old_kept, trouble + (is_first ? "" : "; what served before serves on")};
    }
    if (Outcome failure = co_await roll_in(site, newcomers, progress, report); failure.code != 0) {
        forget_wanted();
        site.listeners().keep_only(addresses_of(before));
        co_return failure;
    }
    co_await clear_out(site, newcomers, before, changes, report);
    failpoint();
    resize_pools(site, wanted.topology, resized, report);
    site.set_applied(std::move(wanted));
    site.unsure_of().clear();
    site.sort_workers();
    site.listeners().keep_only(addresses_of(site.applied()->topology));
    failpoint();
    record(site, *site.applied());
    failpoint();
    co_return Outcome{0, "site " + site.applied()->topology.site + " is up"};
}

asio::awaitable<Outcome> restart(Site& site, std::vector<std::string> names, bool fast, Report report) {
    if (names.empty())
        for (const auto& worker : site.workers()) names.push_back(worker->spec().name);
    for (const std::string& name : names)
        if (!site.find(name)) co_return Outcome{2, "there is no worker " + name};
    std::vector<std::shared_ptr<WorkerHandle>> rolled;
    ProgressReport progress(report);
    for (const std::string& name : names) {
        const auto worker = site.find(name);
        site.around().history.worker_event(state::EventKind::restart_planned, name, worker->core());
        if (std::string why = co_await ask_before_roll(site, name, worker->spec().hooks); !why.empty())
            co_return Outcome{old_kept, std::move(why)};
        const topology::WorkerSpec spec = worker->spec();
        const Newcomer newcomer = prepare(site, worker, spec, worker->listeners(), fast);
        report(title(newcomer) + " is being started");
        const core::Rollout rollout = co_await run_rollout(site, worker, newcomer.plan, progress, true);
        if (rollout.phase() != core::Rollout::Phase::settled) {
            std::string why = describe_failure(site, *worker, newcomer.plan, rollout, newcomer.log_start);
            const bool goes_back = spec.rolling.on_failure == topology::OnFailure::rollback;
            int code = rollout.has_served() ? taken_back : worker->core().serving() != 0 ? old_kept : failed;
            for (const auto& earlier : rolled) {
                if (!goes_back || earlier->core().sleeping() == 0) continue;
                if (const auto trouble = co_await go_back(site, earlier, report); !trouble.empty())
                    why += "; " + trouble;
                code = taken_back;
            }
            co_return Outcome{code, std::move(why)};
        }
        rolled.push_back(worker);
        co_await wait_until_settled(site, *worker);
        site.around().history.worker_event(state::EventKind::restarted, name, worker->core());
        report(name + " is restarted");
    }
    co_return Outcome{0, join(names) + " restarted"};
}

namespace {

// What is applied now follows what was woken.
void record_woken(Site& site, const std::vector<std::string>& names) {
    if (!site.applied()) return;
    AppliedTopology applied = *site.applied();
    bool changed = false;
    for (topology::WorkerSpec& spec : applied.topology.workers) {
        const auto worker = site.find(spec.name);
        if (std::ranges::find(names, spec.name) == names.end() || !worker || worker->spec() == spec) continue;
        spec = worker->spec();
        changed = true;
    }
    if (!changed) return;
    applied.digest = topology::digest_of(topology::to_document(applied.topology));
    site.set_applied(std::move(applied));
    record(site, *site.applied());
}

Result<AppliedTopology> previous_topology(const Site& site, const SitePaths& paths) {
    const auto queries = state::Queries::open(paths.database());
    if (!queries) return std::unexpected(queries.error());
    auto rows = queries->last_topologies(20);
    if (!rows) return std::unexpected(rows.error());
    for (state::TopologyRow& row : *rows) {
        if (site.applied() && row.digest == site.applied()->digest) continue;
        auto topology = topology::from_document(row.document);
        if (!topology) return std::unexpected(topology.error());
        return AppliedTopology{std::move(*topology), row.path, row.digest};
    }
    return failure("no generation sleeps, and no other topology was ever applied");
}

} // namespace

asio::awaitable<Outcome> roll_back(Site& site, std::vector<std::string> names, Report report) {
    for (const std::string& name : names)
        if (!site.find(name)) co_return Outcome{2, "there is no worker " + name};
    std::vector<std::string> woken;
    for (const auto& worker : std::vector(site.workers())) {
        const std::string& name = worker->spec().name;
        const bool is_meant = names.empty() || std::ranges::find(names, name) != names.end();
        if (!is_meant || worker->core().sleeping() == 0) continue;
        woken.push_back(name);
        site.around().history.worker_event(state::EventKind::rollout_started, name, worker->core(), "rollback");
        const std::string trouble = co_await go_back(site, worker, report);
        site.around().history.worker_event(state::EventKind::rollout_finished, name, worker->core(),
                                           trouble.empty() ? "rolled back" : trouble);
        if (!trouble.empty()) co_return Outcome{failed, trouble};
    }
    record_woken(site, woken);
    if (!woken.empty()) co_return Outcome{0, join(woken) + ": rolled back"};
    auto previous = previous_topology(site, site.around().paths);
    if (!previous) co_return Outcome{failed, previous.error().to_string()};
    report("no generation sleeps: back to the topology applied before");
    co_return co_await bring_up(site, std::move(*previous), report);
}

asio::awaitable<Outcome> reset(Site& site, std::vector<std::string> names, Report report) {
    if (names.empty())
        for (const auto& worker : site.workers()) names.push_back(worker->spec().name);
    for (const std::string& name : names)
        if (!site.find(name)) co_return Outcome{2, "there is no worker " + name};
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
    co_return failures.empty() ? Outcome{0, join(names) + " reset"} : Outcome{failed, failures};
}

std::optional<ScaleOrder> parse_scale(std::string_view text) {
    const auto equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0) return std::nullopt;
    ScaleOrder order{std::string(text.substr(0, equals)), false, 0};
    std::string_view number = text.substr(equals + 1);
    order.is_relative = number.starts_with('+') || number.starts_with('-');
    if (number.starts_with("+-")) return std::nullopt;
    if (number.starts_with('+')) number.remove_prefix(1);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), order.count);
    if (number.empty() || error != std::errc{} || end != number.data() + number.size()) return std::nullopt;
    return order;
}

namespace {

constexpr int most_children = 1000;

// The pool as it will be, or why that cannot be.
Result<topology::Pool> scaled(const topology::WorkerSpec& spec, const ScaleOrder& order) {
    if (spec.kind != topology::Kind::dynamic) return failure(spec.name + " has no pool: it is one process");
    topology::Pool pool = spec.pool;
    const auto sized = pool.sized();
    if (order.is_relative && sized.max == 0)
        return failure(spec.name + " grows as memory allows (max: auto): give it a number");
    const std::int64_t count = order.is_relative ? std::int64_t{sized.max} + order.count : order.count;
    if (count < 1 || count > most_children)
        return failure(spec.name + ": " + std::to_string(count) + " children: from 1 to " +
                       std::to_string(most_children));
    if (sized.mode == topology::PoolMode::fixed) {
        pool.size = count;
        pool.max.reset();
    } else {
        pool.max = count;
    }
    if (sized.mode == topology::PoolMode::dynamic) {
        pool.min = std::min<std::int64_t>(sized.min, count);
        pool.min_spare = std::min<std::int64_t>(sized.min_spare, count);
    }
    return pool;
}

using ScaleStep = std::pair<std::shared_ptr<WorkerHandle>, topology::Pool>;

// Every order checked before one is carried out.
Result<std::vector<ScaleStep>> steps_of(Site& site, const std::vector<ScaleOrder>& orders) {
    std::vector<ScaleStep> steps;
    for (const ScaleOrder& order : orders) {
        auto worker = site.find(order.worker);
        if (!worker) return failure("there is no worker " + order.worker);
        topology::WorkerSpec spec = worker->spec();
        for (const auto& [other, pool] : steps) // an order before this one
            if (other == worker) spec.pool = pool;
        auto pool = scaled(spec, order);
        if (!pool) return std::unexpected(pool.error());
        steps.emplace_back(std::move(worker), *pool);
    }
    return steps;
}

// As many as there should be, or a time that is enough for all that it may take.
asio::awaitable<bool> wait_until_scaled(Site& site, const WorkerHandle& worker) {
    const auto deadline = Clock::now() + worker.spec().stop.grace + std::chrono::seconds(30);
    const auto is_done = [&] {
        const core::Generation* serving = worker.core().find(worker.core().serving());
        if (!serving) return true;
        const auto sized = worker.spec().pool.sized();
        const int children = static_cast<int>(serving->children.size());
        return worker.core().ready() >= sized.min && (sized.max == 0 || children <= sized.max);
    };
    while (!is_done() && Clock::now() < deadline) co_await site.around().changed.wait_until(deadline);
    co_return is_done();
}

} // namespace

std::vector<ScaleOrder> orders_for_all(const Site& site, int difference) {
    std::vector<ScaleOrder> orders;
    for (const auto& worker : site.workers()) {
        const topology::WorkerSpec& spec = worker->spec();
        const int size = spec.pool.sized().max;
        if (spec.kind != topology::Kind::dynamic || size == 0) continue;
        const int wanted = std::clamp(size + difference, 1, most_children);
        if (wanted != size) orders.push_back({spec.name, false, wanted});
    }
    return orders;
}

asio::awaitable<Outcome> scale(Site& site, std::vector<ScaleOrder> orders, Report report) {
    const auto steps = steps_of(site, orders);
    if (!steps) co_return Outcome{2, steps.error().to_string()};
    for (const auto& [worker, pool] : *steps) {
        const int from = worker->spec().pool.sized().max;
        const int to = pool.sized().max;
        worker->resize(pool);
        const std::string what = (from == 0 ? "auto" : std::to_string(from)) + " to " + std::to_string(to);
        site.around().history.worker_event(state::EventKind::resized, worker->spec().name, worker->core(), what);
        report(worker->spec().name + ": from " + what);
    }
    for (const auto& [worker, pool] : *steps)
        if (!co_await wait_until_scaled(site, *worker))
            co_return Outcome{9, worker->spec().name + " is not at its new size yet; it goes on"};
    co_return Outcome{0, "scaled"};
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

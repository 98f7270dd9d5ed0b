#include "supervisor/daemon/newcomers.h"

#include "supervisor/daemon/hook_runner.h"
#include "supervisor/daemon/last_words.h"
#include "supervisor/daemon/rollout_driver.h"
#include "supervisor/topology/dependencies.h"

#include <algorithm>
#include <utility>

// GCC 12 inlines Asio's operator new of a coroutine's frame here and not its operator delete, and then finds that they differ.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace mpsup {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

core::Progress progress_of(const Newcomer& newcomer) { return newcomer.worker->core().progress(newcomer.generation); }

std::string title(const Newcomer& newcomer) {
    return newcomer.worker->spec().name + " generation " + std::to_string(newcomer.generation);
}

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

asio::awaitable<void> wait_until_settled(Site& site, const WorkerHandle& worker) {
    const auto is_settled = [&] {
        return std::ranges::all_of(worker.core().generations(), [](const core::Generation& generation) {
            return generation.is_asleep() || core::is_taking_requests(generation.phase) ||
                   core::is_coming(generation.phase);
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
    const bool was_ready = newcomer.seen != core::Progress::coming;
    return title(newcomer) + (was_ready ? " was ready and ended: " : " did not become ready: ") +
           (trouble.empty() ? "no reason is known" : trouble);
}

Newcomer prepare(Site& site, const std::shared_ptr<WorkerHandle>& worker, const topology::WorkerSpec& spec,
                 std::vector<Listener> listeners, Pace pace) {
    Newcomer newcomer{worker, 0, false, worker->shared_spec(), worker->listeners(), core::Progress::coming, {}, 0};
    newcomer.log_start = log_size(site.around().paths.worker_log(spec.name));
    newcomer.plan = plan_of(worker->core(), spec, pace != Pace::on_trial);
    newcomer.plan.keeps_old = !site.unsure_of().contains(spec.name);
    Preparation how{{}, pace == Pace::in_haste};
    if (spec.kind == topology::Kind::dynamic) how.children = newcomer.plan.first_children();
    newcomer.generation = newcomer.plan.new_one = worker->prepare(spec, std::move(listeners), how);
    return newcomer;
}

namespace {

// Starts it beside what serves.
Result<> bring_in(Site& site, const topology::WorkerSpec& spec, Pace pace, std::vector<Newcomer>& newcomers) {
    auto listeners = site.listeners_of(spec);
    if (!listeners) return std::unexpected(listeners.error());
    auto worker = site.find(spec.name);
    if (!worker) {
        worker = site.add(spec);
        const std::uint64_t log_start = log_size(site.around().paths.worker_log(spec.name));
        const auto generation = worker->start(std::move(*listeners), true);
        newcomers.push_back({worker, generation, true, {}, {}, core::Progress::coming, {}, log_start});
    } else {
        newcomers.push_back(prepare(site, worker, spec, std::move(*listeners), pace));
    }
    return {};
}

// Lets in what others wait for: it is new, so nothing is replaced by it, and nobody has to be there before it.
void let_in(const std::string& name, std::vector<Newcomer>& newcomers, const Report& report) {
    const auto newcomer = std::ranges::find_if(newcomers, [&](const auto& n) { return n.worker->spec().name == name; });
    if (newcomer == newcomers.end() || !newcomer->is_added) return;
    if (progress_of(*newcomer) != core::Progress::standing_by) return;
    newcomer->worker->admit(newcomer->generation);
    newcomer->seen = core::Progress::serving;
    report(title(*newcomer) + " serves: others depend on it");
}

// Empty: all that it depends on is there. Else who is not. It is enough that it stands by if it is let in with the others alone.
std::string missing_dependency(Site& site, const topology::WorkerSpec& spec, const std::vector<Newcomer>& newcomers,
                               const std::set<std::string>& first) {
    for (const auto& [name, condition] : spec.depends_on) {
        const auto worker = site.find(name);
        const auto newcomer =
            std::ranges::find_if(newcomers, [&](const auto& n) { return n.worker->spec().name == name; });
        const bool stands_by = newcomer != newcomers.end() && (!newcomer->is_added || !first.contains(name)) &&
                               progress_of(*newcomer) == core::Progress::standing_by;
        const bool is_there = worker && (condition == "started" ? worker->core().has_processes()
                                                                : worker->core().serving() != 0 || stands_by);
        if (!is_there) return name;
    }
    return {};
}

} // namespace

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

asio::awaitable<std::string> start_in_order(Site& site, const topology::Topology& wanted, const Conversion& conversion,
                                            BringUp how, ProgressReport& progress, const Report& report,
                                            std::vector<Newcomer>& newcomers) {
    const auto free = free_to_roll(conversion);
    const auto first = free_to_come(conversion);
    for (const std::string& name : topology::start_order(wanted.workers)) {
        if (!conversion.coming.contains(name)) continue;
        const topology::WorkerSpec& spec = *wanted.find(name);
        for (bool is_said = false;;) {
            for (const auto& dependency : spec.depends_on)
                if (first.contains(dependency.first)) let_in(dependency.first, newcomers, report);
            const std::string missing = missing_dependency(site, spec, newcomers, first);
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
        if (conversion.leaving.contains(name) && how.asks_pre_roll)
            if (std::string why = co_await ask_before_roll(site, name, spec.hooks); !why.empty()) co_return why;
        const Pace pace = how.fast ? Pace::in_haste : free.contains(name) ? Pace::on_trial : Pace::at_once;
        if (const auto begun = bring_in(site, spec, pace, newcomers); !begun) co_return begun.error().to_string();
    }
    co_return std::string();
}

} // namespace mpsup

#include "supervisor/daemon/switchover.h"

#include "supervisor/daemon/rollout_driver.h"

#include <algorithm>
#include <utility>

// GCC 12 inlines Asio's operator new of a coroutine's frame here and not its operator delete, and then finds that
// they differ.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace mpsup {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

const std::string& name_of(const Newcomer& newcomer) { return newcomer.worker->spec().name; }

} // namespace

Conversion conversion_of(const Site& site, const topology::Topology& before, const topology::Topology& wanted,
                         const topology::Diff& changes) {
    Conversion conversion{before, wanted, {}, {}};
    conversion.coming.insert(changes.added.begin(), changes.added.end());
    for (const topology::Diff::Change& change : changes.changed) {
        conversion.coming.insert(change.worker);
        if (const auto worker = site.find(change.worker); worker && worker->core().serving() != 0)
            conversion.leaving.insert(change.worker);
    }
    for (const std::string& name : changes.removed)
        if (site.find(name)) conversion.leaving.insert(name);
    for (const topology::WorkerSpec& spec : wanted.workers)
        if (const auto worker = site.find(spec.name); worker && worker->core().serving() == 0)
            conversion.coming.insert(spec.name);
    return conversion;
}

Switchover::Switchover(Site& site, Conversion conversion, std::vector<Newcomer>& newcomers, ProgressReport& progress,
                       const Report& report)
    : site_(site), conversion_(std::move(conversion)), newcomers_(newcomers), progress_(progress), report_(report) {}

// Forward

Switchover::Members Switchover::members() const {
    Members members;
    for (const Newcomer& newcomer : newcomers_)
        members[name_of(newcomer)] = {newcomer.worker, newcomer.generation, newcomer.plan.old_one,
                                      newcomer.plan.keeps_old, false};
    for (const std::string& name : conversion_.leaving)
        if (!conversion_.after.find(name)) members[name] = {site_.find(name), 0, 0, false, true};
    return members;
}

asio::awaitable<Outcome> Switchover::forward() {
    Members all = members();
    Outcome rolled = co_await roll_on_trial(all);
    if (rolled.code != 0) co_return rolled;
    std::string trouble = co_await take(steps_of(conversion_), all, false);
    if (!trouble.empty()) co_return Outcome{Outcome::failed, std::move(trouble)};
    for (const auto& [name, member] : all) {
        while (is_left(member)) co_await site_.around().changed.wait_until(Clock::time_point::max());
        if (member.ends)
            site_.remove(name);
        else
            co_await wait_until_settled(site_, *member.worker);
    }
    look(all);
    co_return rolled;
}

asio::awaitable<Outcome> Switchover::roll_on_trial(Members& members) {
    bool is_unjudged = false;
    for (Newcomer& newcomer : newcomers_) {
        if (newcomer.is_added || newcomer.plan.is_at_once()) continue;
        const core::Rollout rollout = co_await run_rollout(site_, newcomer.worker, newcomer.plan, progress_, false);
        ended_rolls_.insert(name_of(newcomer));
        is_unjudged = is_unjudged || rollout.is_unjudged();
        if (rollout.phase() != core::Rollout::Phase::settled)
            co_return Outcome{rollout.has_served() ? Outcome::taken_back : Outcome::old_kept,
                              describe_failure(site_, *newcomer.worker, newcomer.plan, rollout, newcomer.log_start)};
        conversion_.coming.erase(name_of(newcomer));
        conversion_.leaving.erase(name_of(newcomer));
        members.erase(name_of(newcomer));
    }
    co_return Outcome{0, {}, is_unjudged};
}

asio::awaitable<std::string> Switchover::take(std::vector<ConversionStep> steps, const Members& members,
                                              bool whatever_happens) {
    std::set<std::string> settled; // whoever dies then is started again as always
    std::map<std::string, Clock::time_point> let_go_at;
    const auto lost = [&]() -> const Member* {
        const auto found = std::ranges::find_if(
            members, [&](const auto& entry) { return !settled.contains(entry.first) && is_lost(entry.second); });
        return found == members.end() || whatever_happens ? nullptr : &found->second;
    };
    for (const ConversionStep& step : steps) {
        const auto member = members.find(step.worker);
        if (member == members.end()) continue;
        for (const ConversionStep::Await& await : step.awaits) {
            const auto leaves = members.find(await.worker);
            const auto since = let_go_at.find(await.worker);
            if (leaves == members.end() || since == let_go_at.end()) continue;
            const bool is_bounded = await.at_most != std::chrono::milliseconds::max(); // else draining has a deadline
            const auto until = is_bounded ? since->second + await.at_most : Clock::time_point::max();
            while (is_left(leaves->second) && Clock::now() < until) {
                co_await site_.around().changed.wait_until(until);
                look(members);
                if (const Member* gone = lost()) co_return why_lost(*gone);
            }
        }
        if (const Member* gone = lost()) co_return why_lost(*gone);
        if (step.kind == ConversionStep::Kind::let_in) {
            let_in(member->second);
            if (member->second.leaving == 0) settled.insert(step.worker);
        } else {
            let_go(member->second);
            settled.insert(step.worker);
            let_go_at[step.worker] = Clock::now();
        }
        look(members);
    }
    const Member* gone = lost();
    co_return gone ? why_lost(*gone) : std::string();
}

void Switchover::let_in(const Member& member) {
    const core::Generation* coming = member.worker->core().find(member.coming);
    if (!coming || core::is_taking_requests(coming->phase)) return; // others depend on it, or it had to stand in
    if (coming->phase == core::Phase::sleeping) return member.worker->wake(member.coming);
    if (member.leaving == 0) {
        member.worker->admit(member.coming);
    } else {
        site_.around().history.worker_event(state::EventKind::rollout_started, member.worker->spec().name,
                                            member.worker->core(), "generation " + std::to_string(member.coming));
        member.worker->admit_beside(member.coming);
        if (coming->is_pool) member.worker->size_generation(member.coming, std::nullopt);
    }
    if (member.worker->core().progress(member.coming) == core::Progress::serving)
        report_(member.worker->spec().name + " generation " + std::to_string(member.coming) + " serves");
}

void Switchover::let_go(const Member& member) {
    const std::string& name = member.worker->spec().name;
    if (member.ends) {
        if (member.worker->core().has_processes()) report_(name + ": stopping");
        return member.worker->stop();
    }
    if (member.coming == 0) return member.worker->take_back(member.leaving);
    member.worker->serve_alone(member.coming, member.keeps_old);
    if (member.leaving == 0 || !ended_rolls_.insert(name).second) return;
    end_roll(site_, *member.worker, member.coming, RollEnd::settled, "settled");
}

// One that sleeps accepts nothing, but what its children have in hand.
bool Switchover::is_left(const Member& member) {
    if (member.ends) return member.worker->core().has_processes();
    const core::Generation* leaving = member.worker->core().find(member.leaving);
    return leaving && !core::is_taking_requests(leaving->phase) && !leaving->is_asleep();
}

bool Switchover::is_lost(const Member& member) {
    if (member.coming == 0) return false;
    const core::Generation* coming = member.worker->core().find(member.coming);
    if (coming && coming->phase == core::Phase::sleeping) return false; // it waits to be woken
    const auto progress = member.worker->core().progress(member.coming);
    return progress == core::Progress::did_not_make_it || progress == core::Progress::over;
}

std::string Switchover::why_lost(const Member& member) {
    const auto lost = std::ranges::find(newcomers_, member.worker, &Newcomer::worker);
    return why_not(*lost) + words_since(site_, name_of(*lost), lost->log_start);
}

void Switchover::look(const Members& members) {
    for (const auto& [name, member] : members)
        for (const auto number : {member.leaving, member.coming})
            if (number != 0) progress_.look(name, member.worker->core(), number);
}

// Back

asio::awaitable<bool> Switchover::back(std::string why) {
    std::set<std::string> served;
    for (const Newcomer& newcomer : newcomers_)
        if (progress_of(newcomer) == core::Progress::serving) served.insert(name_of(newcomer));
    const topology::Topology now = as_it_is();
    give_up_those_outside();
    Members returning = start_again();
    const std::set<std::string> barred = co_await wait_until_standing_by(returning);
    Conversion way{now, conversion_.before, {}, {}};
    for (Newcomer& newcomer : newcomers_) {
        const std::string& name = name_of(newcomer);
        if (!served.contains(name) || barred.contains(name)) continue;
        if (newcomer.is_added) {
            returning[name] = {newcomer.worker, 0, newcomer.generation, false, true};
        } else if (!returning.contains(name)) { // the old one serves beside it
            newcomer.worker->set_spec(newcomer.old_spec, newcomer.old_listeners);
            returning[name] = {newcomer.worker, 0, newcomer.generation, false, false};
        }
        way.leaving.insert(name);
    }
    for (const auto& [name, member] : returning)
        if (member.coming != 0) way.coming.insert(name);
    end_rolls(served, why);
    (void)co_await take(steps_of(way), returning, true);
    for (const auto& [name, member] : returning)
        while (is_left(member)) co_await site_.around().changed.wait_until(Clock::time_point::max());
    for (const Newcomer& newcomer : newcomers_) {
        if (newcomer.is_added) {
            co_await stop_and_wait(site_, newcomer.worker, report_);
            site_.remove(name_of(newcomer));
        } else {
            co_await wait_until_settled(site_, *newcomer.worker);
        }
    }
    co_return !served.empty();
}

bool Switchover::is_replaced(const Newcomer& newcomer) {
    const core::Generation* old_one = newcomer.worker->core().find(newcomer.plan.old_one);
    return !old_one || !core::is_taking_requests(old_one->phase);
}

// What serves at this moment, as a topology: of those that serve twice the newcomer counts, for it is what is to go.
topology::Topology Switchover::as_it_is() const {
    topology::Topology now = conversion_.before;
    if (now.links == contract::Links::Mode::off) now.links = conversion_.after.links;
    std::erase_if(now.workers, [&](const topology::WorkerSpec& spec) {
        const auto worker = site_.find(spec.name);
        return !worker || worker->core().serving() == 0;
    });
    for (const Newcomer& newcomer : newcomers_) {
        if (progress_of(newcomer) != core::Progress::serving) continue;
        std::erase_if(now.workers, [&](const auto& spec) { return spec.name == name_of(newcomer); });
        now.workers.push_back(newcomer.worker->spec());
    }
    return now;
}

// Nobody has reached them.
void Switchover::give_up_those_outside() {
    for (Newcomer& newcomer : newcomers_) {
        if (progress_of(newcomer) == core::Progress::serving) continue;
        if (newcomer.is_added) {
            newcomer.worker->stop();
        } else {
            newcomer.worker->set_spec(newcomer.old_spec, newcomer.old_listeners);
            newcomer.worker->abandon(newcomer.generation);
        }
    }
}

// Those of which nothing serves any more that was there before: one that sleeps, or a new generation of the old.
Switchover::Members Switchover::start_again() {
    Members returning;
    for (Newcomer& newcomer : newcomers_) {
        const bool is_in = progress_of(newcomer) == core::Progress::serving;
        if (newcomer.is_added || newcomer.plan.old_one == 0 || !is_in || !is_replaced(newcomer)) continue;
        WorkerHandle& worker = *newcomer.worker;
        Member member{newcomer.worker, worker.core().sleeping(), newcomer.generation, false, false};
        if (member.coming == 0)
            member.coming = worker.prepare(*newcomer.old_spec, newcomer.old_listeners, {std::nullopt, true});
        else if (!worker.become_as(member.coming))
            site_.unsure_of().insert(worker.spec().name);
        returning[worker.spec().name] = std::move(member);
    }
    for (const std::string& name : conversion_.leaving) {
        const auto worker = conversion_.after.find(name) ? nullptr : site_.find(name);
        if (!worker || worker->core().wants_to_run()) continue;
        returning[name] = {worker, worker->start(worker->listeners(), true), 0, false, false};
    }
    for (const auto& [name, member] : returning) report_(name + " comes back");
    return returning;
}

// Who does not come back leaves things as they are.
asio::awaitable<std::set<std::string>> Switchover::wait_until_standing_by(Members& members) {
    const auto is_coming = [](const auto& entry) {
        const core::Generation* coming = entry.second.worker->core().find(entry.second.coming);
        return coming && core::is_coming(coming->phase) && coming->phase != core::Phase::standby;
    };
    while (std::ranges::any_of(members, is_coming)) { // each phase has a deadline
        co_await site_.around().changed.wait_until(Clock::time_point::max());
        look(members);
    }
    std::set<std::string> barred;
    std::erase_if(members, [&](const auto& entry) {
        const auto& [name, member] = entry;
        if (!is_lost(member)) return false;
        barred.insert(name);
        site_.unsure_of().insert(name);
        member.worker->abandon(member.coming);
        report_(name + " did not come back: " + member.worker->core().trouble(member.coming));
        return true;
    });
    co_return barred;
}

void Switchover::end_rolls(const std::set<std::string>& served, const std::string& why) {
    for (const Newcomer& newcomer : newcomers_) {
        if (newcomer.is_added || newcomer.plan.old_one == 0 || newcomer.generation == 0) continue;
        if (!ended_rolls_.insert(name_of(newcomer)).second) continue;
        end_roll(site_, *newcomer.worker, newcomer.generation,
                 served.contains(name_of(newcomer)) ? RollEnd::taken_back : RollEnd::never_served,
                 "taken back with the others: " + why);
    }
}

} // namespace mpsup

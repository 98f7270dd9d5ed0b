// What the processes of a worker say, and how they end.
#include "base/overloaded.h"
#include "base/process_identity.h"
#include "supervisor/daemon/failpoint.h"
#include "supervisor/daemon/time_limit.h"
#include "supervisor/daemon/worker_handle.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace mpsup {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

std::int64_t monotonic_ms() {
    const auto now = Clock::now().time_since_epoch(); // CLOCK_MONOTONIC, as the scoreboards
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

// Perl's messages end in one.
std::string without_line_end(std::string text) {
    text.erase(text.find_last_not_of(" \n") + 1);
    return text;
}

} // namespace

bool WorkerHandle::greet(const contract::Hello& hello, Fd& connection, const std::vector<Fd>& fds) {
    GenerationHandle* generation = find(hello.identity.generation);
    if (!generation) return false;
    if (hello.role == contract::Role::child || generation->children.contains(hello.pid)) { // or it is a master by now
        const auto child = generation->children.find(hello.pid);
        if (child == generation->children.end() || child->second.start_time != hello.start_time) return false;
        child->second.take_scoreboard(hello, fds);
        greet_child(*generation, child->second, hello.stage, connection);
        return true;
    }
    const bool expected = generation->uuid == hello.identity.uuid && generation->process.pidfd.pid() == hello.pid &&
                          generation->process.start_time == hello.start_time &&
                          (!generation->link || generation->link->has_ended());
    if (!expected) return false;
    if (generation->link) // it begins anew, and does not tell who ended meanwhile
        for (auto& [pid, child] : generation->children) watch(*generation, child);
    generation->link = make_link(generation->number, hello.pid, std::move(connection));
    generation->contract = hello.contract;
    if (hello.stage != contract::Stage::fresh) send_backends_out(*generation);
    core_.on_hello(generation->number, Clock::now());
    act();
    return true;
}

std::shared_ptr<ContractLink> WorkerHandle::make_link(core::GenerationNumber number, pid_t sender, Fd connection) {
    auto link = std::make_shared<ContractLink>(around_.executor, std::move(connection));
    link->listen({
        [weak = weak_from_this(), number, sender](contract::Message message, std::vector<Fd> fds) {
            if (const auto self = weak.lock()) self->on_message(number, sender, std::move(message), std::move(fds));
        },
        [weak = weak_from_this(), number](const std::string& why) {
            const auto self = weak.lock();
            GenerationHandle* distrusted = self ? self->find(number) : nullptr;
            if (!distrusted) return;
            self->distrust(*distrusted, why);
            self->act();
        },
    });
    return link;
}

// A child without a master. It is idle: a busy one hears nobody.
void WorkerHandle::greet_child(GenerationHandle& generation, ServingProcess& child, contract::Stage stage,
                               Fd& connection) {
    child.link = make_link(generation.number, child.pidfd.pid(), std::move(connection));
    watch(generation, child);
    give_logs(*child.link);
    const core::Generation* in_core = core_.find(generation.number);
    if (stage == contract::Stage::ready && in_core && in_core->phase == core::Phase::orphaned) {
        // Its master died before it was let in: it passed no gate, and nobody misses it.
        core_.adopt(generation.number, core::Phase::draining, false, Clock::now());
        generation.draining = true;
    }
    if (generation.draining) {
        (void)child.link->send(contract::Drain{generation.spec->stop.grace});
        return;
    }
    if (generation.process.pidfd && child.master != generation.process.pidfd.pid()) { // another is master already
        child.leaving = true;
        (void)child.link->send(contract::Drain{generation.spec->stop.grace});
        return end_predecessors(generation);
    }
    core_.on_child_alone(generation.number, child.pidfd.pid(), Clock::now());
    act();
}

void WorkerHandle::promote(GenerationHandle& generation, pid_t pid) {
    const auto child = generation.children.find(pid);
    if (child == generation.children.end() || !child->second.link) return;
    (void)child->second.link->send(contract::Promote{generation.size(), true});
}

void WorkerHandle::crown(GenerationHandle& generation, pid_t pid) {
    auto child = generation.children.extract(pid);
    if (child.empty()) return;
    if (generation.process.pidfd) {
        generation.process.link = std::exchange(generation.link, nullptr);
        if (generation.process.link) (void)generation.process.link->send(contract::Drain{generation.spec->stop.grace});
        generation.retiring.push_back(std::move(generation.process));
    }
    generation.process = std::move(child.mapped());
    generation.uuid = generation.process.uuid;
    generation.link = std::exchange(generation.process.link, nullptr);
    if (generation.link) give_logs(*generation.link);                         // for its children
    record_start(generation, generation.process, state::ProcessRole::master); // the next supervisor waits for it
    send_size(generation, generation.size()); // it may have become one long ago, and sleep since
    dismiss_orphans(generation);
}

void WorkerHandle::dismiss_orphans(GenerationHandle& generation) {
    const core::Generation* in_core = core_.find(generation.number);
    for (auto& [pid, orphan] : generation.children) {
        if (in_core && in_core->succession.heir() == pid) continue; // it has the order to take over from this one too
        orphan.leaving = orphan.master != generation.process.pidfd.pid(); // those that it has forked itself stay
        if (orphan.link) (void)orphan.link->send(contract::Drain{generation.spec->stop.grace});
    }
    end_predecessors(generation);
}

void WorkerHandle::end_predecessors(const GenerationHandle& generation) {
    asio::co_spawn(around_.executor, end_after_grace(generation.number, generation.predecessors()),
                   [](const std::exception_ptr&) {});
}

// They have the usual grace to go; the core knows nothing of it.
asio::awaitable<void> WorkerHandle::end_after_grace(core::GenerationNumber number, std::vector<pid_t> pids) {
    constexpr auto in_order = std::chrono::seconds(1); // a master ends its own children first
    const auto self = shared_from_this();
    const GenerationHandle* generation = find(number);
    if (!generation) co_return;
    co_await pause_for(generation->spec->stop.grace + in_order);
    generation = find(number);
    if (!generation) co_return;
    for (const pid_t pid : generation->predecessors()) {
        if (std::ranges::find(pids, pid) == pids.end()) continue;
        if (const Pidfd* pidfd = generation->pidfd_of(pid)) (void)pidfd->send_signal(SIGKILL);
    }
}

void WorkerHandle::on_message(core::GenerationNumber number, pid_t sender, contract::Message message,
                              std::vector<Fd> fds) {
    GenerationHandle* generation = find(number);
    if (!generation) return;
    failpoint();
    std::visit(
        Overloaded{
            [&](const contract::Ready&) { on_ready(*generation, sender, std::move(fds)); },
            [&](contract::Failed& failed) { core_.on_trouble(number, without_line_end(std::move(failed.reason))); },
            [&](const contract::ChildStarted& child) { on_child_started(*generation, sender, child, std::move(fds)); },
            [&](const contract::ChildReady& child) { core_.on_child_ready(number, child.pid, Clock::now()); },
            [&](const contract::ChildExited& child) { on_child_exited(*generation, child); },
            [&](const contract::ChildSlow& child) { on_child_slow(*generation, child.pid); },
            [&](const contract::PoolWants& pool) {
                if (generation->process.pidfd.pid() == sender) core_.on_pool_wants(number, pool.children);
                if (generation->children.contains(sender)) core_.on_pool_wants(number, pool.children);
            },
            [&](const contract::CodeDrift& drift) { on_code_drift(*generation, drift); },
            [&](const contract::Quarantined& known) {
                around_.history.quarantined(spec_->name, number, known.request, core_);
            },
            [&](const contract::Impaired& worker) {
                generation->impaired = without_line_end(worker.what);
                around_.history.impaired(spec_->name, number, generation->impaired, core_);
            },
            [&](const contract::ReforkDue& child) { core_.on_refork_due(number, child.pid, Clock::now()); },
            [&](const contract::Hello&) { distrust(*generation, "said hello twice"); },
            [&](const contract::Go&) { distrust(*generation, "said go"); },
            [&](const contract::Serve&) { distrust(*generation, "said serve"); },
            [&](const contract::Resize&) { distrust(*generation, "said resize"); },
            [&](const contract::Release&) { distrust(*generation, "said release"); },
            [&](const contract::Promote&) { distrust(*generation, "said promote"); },
            [&](const contract::Reopen&) { distrust(*generation, "said reopen"); },
            [&](const contract::Drain&) { distrust(*generation, "said drain"); },
            [&](const contract::Ask&) { distrust(*generation, "said ask"); },
            [&](const contract::Backends&) { distrust(*generation, "said backends"); },
            [&](contract::Answer& answer) { on_answer(*generation, std::move(answer)); },
        },
        message);
    act();
}

void WorkerHandle::on_ready(GenerationHandle& generation, pid_t sender, std::vector<Fd> fds) {
    if (fds.size() > 1) return distrust(generation, "came with too many descriptors");
    if (generation.children.contains(sender)) return core_.on_heir_ready(generation.number, sender, Clock::now());
    if (fds.size() == 1) {
        auto scoreboard = contract::ScoreboardReader::open(fds.front().get());
        if (!scoreboard) return distrust(generation, scoreboard.error().to_string());
        generation.process.scoreboard = std::move(*scoreboard);
    }
    core_.on_ready(generation.number, Clock::now());
}

void WorkerHandle::on_child_started(GenerationHandle& generation, pid_t sender, const contract::ChildStarted& child,
                                    std::vector<Fd> fds) {
    if (fds.size() != 2) return distrust(generation, "announced a child without its descriptors");
    const auto known = generation.children.find(child.pid);
    if (known != generation.children.end() && known->second.start_time == child.start_time &&
        known->second.master == sender)
        return; // said again
    const auto expected = expected_children_.find(child.pid);
    const bool is_recorded =
        expected != expected_children_.end() && expected->second.record.start_time == child.start_time;
    ServingProcess process;
    process.uuid = is_recorded ? expected->second.record.uuid : random_uuid();
    process.master = sender;
    process.start_time = child.start_time;
    process.started_ms = is_recorded ? expected->second.started_ms : wall_clock_ms();
    auto pidfd = Pidfd::adopt(std::move(fds[0]), child.pid); // it may have ended already
    if (!pidfd) return distrust(generation, "announced a child with something that is no pidfd");
    const bool ended = pidfd->ended();
    if (!ended && !is_child_of(*pidfd, child, sender))
        return distrust(generation, "announced a child that is not its own");
    auto scoreboard = contract::ScoreboardReader::open(fds[1].get());
    if (!scoreboard) return distrust(generation, scoreboard.error().to_string());
    if (known != generation.children.end() && known->second.start_time == child.start_time) {
        known->second.master = sender; // it spoke for itself, or another master spoke for it
        known->second.leaving = false;
        known->second.scoreboard = std::move(*scoreboard);
        return core_.on_child_started(generation.number, child.pid, sender, Clock::now());
    }
    process.pidfd = std::move(*pidfd);
    process.scoreboard = std::move(*scoreboard);
    ServingProcess& kept = generation.children.insert_or_assign(child.pid, std::move(process)).first->second;
    if (is_recorded)
        expected->second.announced = true;
    else
        record_start(generation, kept, state::ProcessRole::child);
    core_.on_child_started(generation.number, child.pid, sender, Clock::now());
    if (generation.killed) (void)kept.pidfd.send_signal(SIGKILL);
    if (!generation.has(sender)) watch(generation, kept); // its master ended between this word and now
}

void WorkerHandle::on_child_exited(GenerationHandle& generation, const contract::ChildExited& child) {
    end_child(generation, child.pid, child.status, child.planned, child.reason);
}

void WorkerHandle::on_child_slow(GenerationHandle& generation, pid_t pid) {
    const auto child = generation.children.find(pid);
    if (child == generation.children.end()) return;
    const auto slow = child->second.scoreboard.read_slow();
    if (!slow) return;
    around_.history.slow(spec_->name, generation.number, pid, *slow);
}

void WorkerHandle::on_code_drift(const GenerationHandle& generation, const contract::CodeDrift& drift) {
    constexpr std::size_t named = 5;
    std::string files;
    for (std::size_t i = 0; i < std::min(named, drift.files.size()); ++i) files += (i > 0 ? ", " : "") + drift.files[i];
    if (drift.files.size() > named) files += " and " + std::to_string(drift.files.size() - named) + " more";
    around_.history.code_drift(spec_->name, generation.number, files, core_);
}

void WorkerHandle::distrust(GenerationHandle& generation, const std::string& why) {
    core_.on_trouble(generation.number, why);
    log_line("error",
             spec_->name + " generation " + std::to_string(generation.number) + " is not to be trusted: " + why);
    kill_all(generation);
}

// Exits

void WorkerHandle::watch(GenerationHandle& generation, ServingProcess& process) {
    if (std::exchange(process.watched, true)) return;
    asio::co_spawn(around_.executor, watch_exit(generation.number, process.pidfd.pid()),
                   [](const std::exception_ptr&) {});
}

const Pidfd* WorkerHandle::pidfd_of(core::GenerationNumber number, pid_t pid) const {
    const GenerationHandle* generation = find(number);
    return generation ? generation->pidfd_of(pid) : nullptr;
}

asio::awaitable<bool> WorkerHandle::wait_for_end(core::GenerationNumber number, pid_t pid) {
    const Pidfd* pidfd = pidfd_of(number, pid);
    if (!pidfd) co_return false;                       // its end was seen before this began
    Fd copy(::fcntl(pidfd->fd(), F_DUPFD_CLOEXEC, 3)); // ours to wait on, whatever becomes of the handle's
    if (!copy) {
        log_line("error", "cannot watch process " + std::to_string(pid) + ": out of descriptors");
        co_return false;
    }
    asio::posix::stream_descriptor descriptor(around_.executor, copy.release());
    boost::system::error_code error; // no deadline: it lives as long as it lives
    do
        co_await descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                       asio::redirect_error(asio::use_awaitable, error));
    while (!error && (pidfd = pidfd_of(number, pid)) && !pidfd->ended());
    // Closing alone would leave it in Asio's epoll, because the handle's is of the same open file: then others are woken for it.
    const Fd closed(descriptor.release());
    co_return !error;
}

asio::awaitable<void> WorkerHandle::watch_exit(core::GenerationNumber number, pid_t pid) {
    const auto self = shared_from_this();
    if (!co_await wait_for_end(number, pid)) co_return;
    if (GenerationHandle* still = find(number)) reap_generation(*still);
    act();
}

// Its master speaks for it no longer, or has just done so, and it not yet for itself.
asio::awaitable<void> WorkerHandle::watch_released(core::GenerationNumber number, pid_t pid) {
    constexpr auto word_of_master = std::chrono::milliseconds(500);
    const auto self = shared_from_this();
    if (!co_await wait_for_end(number, pid)) co_return;
    co_await pause_for(word_of_master);
    GenerationHandle* still = find(number);
    const auto child = still ? still->children.find(pid) : std::map<pid_t, ServingProcess>::iterator();
    if (!still || child == still->children.end()) co_return;
    child->second.watched = true;
    reap_generation(*still);
    act();
}

void WorkerHandle::reap() {
    for (std::size_t i = 0; i < generations_.size(); ++i) reap_generation(*generations_[i]);
    act();
}

void WorkerHandle::reap_generation(GenerationHandle& generation) {
    // What is read here may be the end of the generation, or change who is its master: all that waits until we are done.
    const bool acted = std::exchange(acting_, true);
    struct Restore {
        bool& flag;
        bool value;
        ~Restore() { flag = value; }
    } const restore{acting_, acted};
    // What a dead master said of its children comes first: it knew how they ended.
    if (generation.link && generation.process.pidfd && generation.process.pidfd.ended()) generation.link->read_now();
    if (generation.process.pidfd)
        if (const auto status = generation.process.pidfd.reap()) on_process_exit(generation, *status);
    std::erase_if(generation.retiring, [&](ServingProcess& master) {
        if (master.pidfd.ended() && master.link) master.link->read_now();
        const auto status = master.pidfd.reap();
        if (!status) return false;
        if (master.link) master.link->close();
        around_.history.store().exited({master.uuid, *status, "a child took over"});
        for (auto& [pid, child] : generation.children) // if it was killed, nobody else speaks for them
            if (child.master == master.pidfd.pid()) watch(generation, child);
        return true;
    });
    std::vector<std::pair<pid_t, ExitStatus>> ended;
    for (const auto& [pid, child] : generation.children) {
        if (generation.process.pidfd && !child.watched) continue; // its master speaks for it
        if (const auto status = child.pidfd.reap()) ended.emplace_back(pid, *status);
    }
    for (const auto& [pid, status] : ended) end_child(generation, pid, status, false, {});
}

void WorkerHandle::on_process_exit(GenerationHandle& generation, ExitStatus status) {
    const pid_t pid = generation.process.pidfd.pid();
    generation.process.pidfd = {};
    add_pages(std::exchange(generation.process.scoreboard, {}), past_pages_);
    const core::Generation* known = core_.find(generation.number);
    const bool has_served = known && known->was_ready(); // whatever kills it
    state::ProcessExit end{generation.uuid, status,
                           generation.draining ? "planned"
                           : has_served        ? "crash"
                                               : "it did not become ready"};
    if (!generation.draining) end.last_lines = generation.log.last_words(around_.paths.worker_log(spec_->name));
    around_.history.store().exited(end);
    for (auto& [child_pid, child] : generation.children) watch(generation, child);
    const auto number = generation.number;
    core_.on_process_exit(number, pid, status, Clock::now(), roll_dice());
    for (const auto& [child_pid, child] : generation.children) // those that spoke before its end was seen
        if (child.link && !child.leaving) core_.on_child_alone(number, child_pid, Clock::now());
}

void WorkerHandle::end_child(GenerationHandle& generation, pid_t pid, ExitStatus status, bool planned,
                             std::string reason) {
    const auto child = generation.children.find(pid);
    if (child == generation.children.end()) return;
    if (auto late = time_limit_reason(child->second.scoreboard.read(), status, monotonic_ms()); !late.empty())
        reason = std::move(late);
    const bool leaving = planned || child->second.leaving || generation.draining;
    const core::Generation* known = core_.find(generation.number);
    const bool is_refused = generation.killed && known && !known->was_ready();
    around_.history.store().exited({child->second.uuid, status,
                                    !reason.empty() ? reason
                                    : leaving       ? "planned"
                                    : is_refused    ? "it did not become ready"
                                                    : "crash"});
    add_pages(child->second.scoreboard, past_pages_);
    child->second.counter.end(child->second.scoreboard.read_traffic(), leaving);
    child->second.counter.add_to(generation.counted);
    if (child->second.link) child->second.link->close();
    generation.children.erase(child);
    for (auto& [other, orphan] : generation.children) // of one that was on its way to be master
        if (orphan.master == pid) watch(generation, orphan);
    core_.on_child_exit(generation.number, pid, status, leaving, std::move(reason), Clock::now(), roll_dice());
}

} // namespace mpsup

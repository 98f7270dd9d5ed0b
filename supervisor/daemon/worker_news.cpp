// What the processes of a worker say, and how they end.
#include "base/process_identity.h"
#include "supervisor/daemon/worker_handle.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <csignal>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace mpsup {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

template <typename... Visitors> struct Overloaded : Visitors... {
    using Visitors::operator()...;
};

// Does the kernel agree that this child is what its master says it is? Its parent is the master, or we are, when the
// master died meanwhile.
bool is_attested(const Pidfd& pidfd, const contract::ChildStarted& child, pid_t master) {
    if (pidfd.pid() != child.pid) return false;
    const auto parent = process_parent(child.pid);
    const auto start_time = process_start_time(child.pid);
    return parent && start_time && (*parent == master || *parent == ::getpid()) && *start_time == child.start_time;
}

} // namespace

bool WorkerHandle::greet(const contract::Hello& hello, Fd& connection) {
    GenerationHandle* generation = find(hello.identity.generation);
    if (!generation) return false;
    if (hello.role == contract::Role::child) {
        const auto child = generation->children.find(hello.pid);
        if (child == generation->children.end() || child->second.start_time != hello.start_time) return false;
        child->second.link = std::make_shared<ContractLink>(around_.executor, std::move(connection));
        if (generation->draining) (void)child->second.link->send(contract::Drain{generation->spec.stop.grace});
        return true;
    }
    const bool expected = generation->uuid == hello.identity.uuid && generation->process.pidfd.pid() == hello.pid &&
                          generation->process.start_time == hello.start_time && !generation->link;
    if (!expected) return false;
    generation->link = std::make_shared<ContractLink>(around_.executor, std::move(connection));
    const auto number = generation->number;
    generation->link->listen({
        [weak = weak_from_this(), number](contract::Message message, std::vector<Fd> fds) {
            if (const auto self = weak.lock()) self->on_message(number, std::move(message), std::move(fds));
        },
        [weak = weak_from_this(), number](const std::string& why) {
            const auto self = weak.lock();
            GenerationHandle* distrusted = self ? self->find(number) : nullptr;
            if (!distrusted) return;
            self->distrust(*distrusted, why);
            self->act();
        },
    });
    core_.on_hello(number, Clock::now());
    act();
    return true;
}

void WorkerHandle::on_message(core::GenerationNumber number, contract::Message message, std::vector<Fd> fds) {
    GenerationHandle* generation = find(number);
    if (!generation) return;
    std::visit(Overloaded{
                   [&](const contract::Ready&) { on_ready(*generation, std::move(fds)); },
                   [&](contract::Failed& failed) { core_.on_trouble(number, std::move(failed.reason)); },
                   [&](const contract::ChildStarted& child) { on_child_started(*generation, child, std::move(fds)); },
                   [&](const contract::ChildReady& child) { core_.on_child_ready(number, child.pid, Clock::now()); },
                   [&](const contract::ChildExited& child) { on_child_exited(*generation, child); },
                   [&](const contract::Hello&) { distrust(*generation, "said hello twice"); },
                   [&](const contract::Go&) { distrust(*generation, "said go"); },
                   [&](const contract::Serve&) { distrust(*generation, "said serve"); },
                   [&](const contract::Drain&) { distrust(*generation, "said drain"); },
               },
               message);
    act();
}

void WorkerHandle::on_ready(GenerationHandle& generation, std::vector<Fd> fds) {
    if (fds.size() > 1) return distrust(generation, "came with too many descriptors");
    if (fds.size() == 1) {
        auto scoreboard = contract::ScoreboardReader::open(fds.front().get());
        if (!scoreboard) return distrust(generation, scoreboard.error().to_string());
        generation.process.scoreboard = std::move(*scoreboard);
    }
    core_.on_ready(generation.number, Clock::now());
}

void WorkerHandle::on_child_started(GenerationHandle& generation, const contract::ChildStarted& child,
                                    std::vector<Fd> fds) {
    if (fds.size() != 2) return distrust(generation, "announced a child without its descriptors");
    ServingProcess process;
    process.uuid = random_uuid();
    process.start_time = child.start_time;
    process.started_ms = wall_clock_ms();
    auto pidfd = Pidfd::adopt(std::move(fds[0]));
    if (!pidfd) return; // it has ended already, and its master will say so
    const bool ended = pidfd->ended();
    if (!ended && !is_attested(*pidfd, child, generation.process.pidfd.pid()))
        return distrust(generation, "announced a child that is not its own");
    auto scoreboard = contract::ScoreboardReader::open(fds[1].get());
    if (!scoreboard) return distrust(generation, scoreboard.error().to_string());
    process.pidfd = std::move(*pidfd);
    process.scoreboard = std::move(*scoreboard);
    ServingProcess& kept = generation.children.insert_or_assign(child.pid, std::move(process)).first->second;
    record_start(generation, kept, state::ProcessRole::child);
    core_.on_child_started(generation.number, child.pid, Clock::now());
    if (generation.killed) (void)kept.pidfd.send_signal(SIGKILL);
    if (!generation.process.pidfd) watch(generation, kept);
}

void WorkerHandle::on_child_exited(GenerationHandle& generation, const contract::ChildExited& child) {
    end_child(generation, child.pid, child.status, child.planned);
}

void WorkerHandle::distrust(GenerationHandle& generation, const std::string& why) {
    core_.on_trouble(generation.number, why);
    log_line("error",
             spec_.name + " generation " + std::to_string(generation.number) + " is not to be trusted: " + why);
    kill_all(generation);
}

// Exits

void WorkerHandle::watch(GenerationHandle& generation, ServingProcess& process) {
    if (std::exchange(process.watched, true)) return;
    asio::co_spawn(around_.executor, watch_exit(generation.number, process.pidfd.pid()),
                   [](const std::exception_ptr&) {});
}

const Pidfd* WorkerHandle::pidfd_of(core::GenerationNumber number, pid_t pid) {
    GenerationHandle* generation = find(number);
    if (!generation) return nullptr;
    if (generation->process.pidfd.pid() == pid) return &generation->process.pidfd;
    const auto child = generation->children.find(pid);
    return child == generation->children.end() ? nullptr : &child->second.pidfd;
}

asio::awaitable<void> WorkerHandle::watch_exit(core::GenerationNumber number, pid_t pid) {
    const auto self = shared_from_this();
    const Pidfd* pidfd = pidfd_of(number, pid);
    if (!pidfd) co_return;                             // its end was seen before this began
    Fd copy(::fcntl(pidfd->fd(), F_DUPFD_CLOEXEC, 3)); // ours to wait on, whatever becomes of the handle's
    if (!copy) {
        log_line("error", "cannot watch process " + std::to_string(pid) + ": out of descriptors");
        co_return;
    }
    asio::posix::stream_descriptor descriptor(around_.executor, copy.release());
    boost::system::error_code error; // no deadline: it lives as long as it lives
    co_await descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                   asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;
    if (GenerationHandle* still = find(number)) reap_generation(*still);
    act();
}

void WorkerHandle::reap() {
    for (std::size_t i = 0; i < generations_.size(); ++i) reap_generation(*generations_[i]);
    act();
}

void WorkerHandle::reap_generation(GenerationHandle& generation) {
    // What a dead master said of its children comes first: it knew how they ended.
    if (generation.link && generation.process.pidfd && generation.process.pidfd.ended()) generation.link->read_now();
    if (generation.process.pidfd)
        if (const auto status = generation.process.pidfd.reap()) on_process_exit(generation, *status);
    if (generation.process.pidfd) return; // its master speaks for the children
    std::vector<std::pair<pid_t, ExitStatus>> ended;
    for (const auto& [pid, child] : generation.children)
        if (const auto status = child.pidfd.reap()) ended.emplace_back(pid, *status);
    for (const auto& [pid, status] : ended) end_child(generation, pid, status, false);
}

void WorkerHandle::on_process_exit(GenerationHandle& generation, ExitStatus status) {
    const pid_t pid = generation.process.pidfd.pid();
    generation.process.pidfd = {};
    around_.history.store().exited({generation.uuid, status, generation.draining ? "planned" : "crash"});
    for (auto& [child_pid, child] : generation.children) watch(generation, child);
    core_.on_process_exit(generation.number, pid, status, Clock::now(), roll_dice());
}

void WorkerHandle::end_child(GenerationHandle& generation, pid_t pid, ExitStatus status, bool planned) {
    const auto child = generation.children.find(pid);
    if (child == generation.children.end()) return;
    around_.history.store().exited({child->second.uuid, status, planned || generation.draining ? "planned" : "crash"});
    if (child->second.link) child->second.link->close();
    generation.children.erase(child);
    core_.on_child_exit(generation.number, pid, status, planned, Clock::now(), roll_dice());
}

} // namespace mpsup

#include "worker/dynamic/master.h"

#include "base/descriptor_limit.h"
#include "base/output.h"
#include "base/process_identity.h"
#include "worker/dynamic/brood.h"
#include "worker/dynamic/child.h"
#include "worker/dynamic/code_watch.h"
#include "worker/dynamic/heap.h"
#include "worker/dynamic/sizing.h"
#include "worker/dynamic/stop_signal.h"
#include "worker/dynamic/supervisor_link.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <poll.h>
#include <sys/wait.h>
#include <utility>

namespace mpsup::dynamic {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto fork_retry = std::chrono::milliseconds(100);  // EAGAIN: the machine is full for the moment
constexpr auto kill_margin = std::chrono::milliseconds(500); // children end themselves at their grace; then SIGKILL

class Master {
public:
    explicit Master(MasterSetup setup)
        : engine_(setup.engine),
          supervisor_(std::move(setup.session), std::move(setup.command_line)),
          go_(std::move(setup.go)),
          deadlines_(setup.deadlines),
          brood_(PoolPolicy(go_.pool).initial(), Clock::now()),
          sizing_(go_.pool, brood_, supervisor_),
          image_(std::move(setup.image)) {
        for (std::size_t i = 0; i < setup.fds.size(); ++i) {
            Fd& fd = setup.fds[i];
            if (go_.fds[i] == contract::FdRole::public_listener)
                public_listeners_.push_back(std::move(fd));
            else if (go_.fds[i] == contract::FdRole::private_listener)
                private_listeners_.push_back(std::move(fd));
            else if (go_.fds[i] == contract::FdRole::access_log)
                access_log_ = std::move(fd);
        }
        serving_ = !supervisor_.is_there(); // nobody to tell us when
        sigset_t term;
        ::sigemptyset(&term);
        ::sigaddset(&term, SIGTERM);
        ::sigprocmask(SIG_BLOCK, &term, &outside_); // delivered in ppoll only: none is missed before it
        ::sigdelset(&outside_, SIGTERM);
    }

    int run() {
        if (supervisor_.is_there()) // or nobody would be told
            if (auto watch = CodeWatch::make(engine_.loaded_files())) code_.emplace(std::move(*watch));
        return keep_pool();
    }

private:
    int keep_pool() {
        raise_descriptor_limit();
        if (auto opened = brood_.open_board(); !opened) return complain("keep a pool", opened.error()), 1;
        sizing_.begin();
        stops_.heed(true, outside_);
        sizing_.tell_wanted();
        tell_if_complete();
        while (!(roster().draining() && members().empty())) {
            sizing_.size_pool(Clock::now());
            fork_missing();
            wait();
        }
        supervisor_.say_the_rest();
        stops_.heed(false, outside_); // under plackup somebody goes on in this process
        restore_descriptor_limit();
        return 0;
    }

    // Forking

    void fork_missing() {
        const auto now = Clock::now();
        if (fork_again_at_ && now < *fork_again_at_) return;
        fork_again_at_.reset();
        for (int missing = roster().to_fork(now); missing > 0; --missing)
            if (!fork_child()) {
                fork_again_at_ = now + fork_retry;
                return;
            }
    }

    bool fork_child() {
        auto channel = ChildChannel::make();
        auto memory = contract::make_scoreboard();
        if (!channel || !memory) return complain("prepare a child", !channel ? channel.error() : memory.error());
        auto scoreboard = contract::ScoreboardWriter::open(memory->get());
        auto reader = contract::ScoreboardReader::open(memory->get());
        if (!scoreboard || !reader) return complain("prepare a child", !reader ? reader.error() : scoreboard.error());
        const auto slot = brood_.board().take();
        if (!slot) return complain("prepare a child", {"the pool's board is full", {}});
        engine_.flush();
        const pid_t pid = ::fork();
        if (pid == 0) become_child(std::move(*channel), std::move(*memory), std::move(*scoreboard), *slot);
        if (pid < 0) brood_.board().release(*slot);
        if (pid < 0) return complain("fork", {"fork", {errno, std::system_category()}});
        auto pidfd = Pidfd::open(pid); // unreaped, so it is there even if it has ended
        if (!pidfd) {                  // out of descriptors: what cannot be watched must not serve
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
            brood_.board().release(*slot);
            return complain("watch a child", pidfd.error());
        }
        announce(pid, brood_.add(pid, Member{std::move(*pidfd), std::move(channel->master), *slot, std::move(*memory),
                                             std::move(*reader), Clock::now()}));
        return true;
    }

    void announce(pid_t pid, const Member& member) {
        const std::array<int, 2> fds{member.pidfd.fd(), member.scoreboard_memory.get()};
        supervisor_.say(contract::ChildStarted{pid, process_start_time(pid).value_or(0)}, fds);
    }

    static bool complain(const char* what, const Error& error) {
        std::fprintf(stderr, "mpsup: cannot %s: %s\n", what, error.to_string().c_str());
        return false;
    }

    // In the child. What belongs to the master and to its other children is closed.
    [[noreturn]] void become_child(ChildChannel::Pair channel, Fd memory, contract::ScoreboardWriter scoreboard,
                                   std::size_t slot) {
        brood_.leave_to_others();
        restore_descriptor_limit();
        channel.master.close(); // with it open we would never see the end of the other side
        supervisor_.drop();
        code_.reset();
        stops_.heed(false, outside_);
        ChildSetup setup{engine_,
                         {},
                         {},
                         access_log_.get(),
                         std::move(channel.child),
                         std::move(memory),
                         std::move(scoreboard),
                         brood_.board(),
                         slot,
                         supervisor_.command_line(),
                         go_,
                         go_.grace,
                         serving_,
                         image_ ? &*image_ : nullptr,
                         deadlines_};
        for (const Fd& listener : public_listeners_) setup.public_listeners.push_back(listener.get());
        for (const Fd& listener : private_listeners_) setup.private_listeners.push_back(listener.get());
        Promoted promoted = run_child(std::move(setup));
        become_master(std::move(promoted));
    }

    // A child that was promoted: what it has loaded, cached and warmed by now is what its own children share.
    [[noreturn]] void become_master(Promoted promoted) {
        engine_.run_hook(perl::Hook::pre_refork);
        supervisor_.take(std::move(promoted.session), Clock::now()); // it may have been lost while we finished
        serving_ = promoted.order.serve;
        sizing_.start_anew(promoted.order.pool);
        brood_.start_anew(sizing_.initial(), Clock::now());
        go_.recycle.refork = 0; // once is enough: a page that is warm does not get warmer
        told_complete_ = false;
        fork_again_at_ = kill_at_ = std::nullopt; // the other master's
        engine_.settle();
        settle_heap();
        image_ = go_.recycle.reshare ? HeapImage::take() : std::nullopt;
        engine_.leave(run());
    }

    // Waiting

    void wait() {
        std::vector<pollfd> entries;
        entries.push_back({supervisor_.fd(), supervisor_.events(), 0}); // poll passes over negative ones
        entries.push_back({brood_.board().call_fd(), POLLIN, 0});
        entries.push_back({code_ ? code_->fd() : -1, POLLIN, 0});
        entries.push_back({stops_.fd(), POLLIN, 0});
        const auto queue_begins = entries.size();
        if (sizing_.watches_queue()) {
            for (const Fd& listener : private_listeners_) entries.push_back({listener.get(), POLLIN, 0});
            for (const Fd& listener : public_listeners_) entries.push_back({serving_ ? listener.get() : -1, POLLIN, 0});
        }
        const auto queue_ends = entries.size();
        for (const auto& [pid, member] : members()) {
            entries.push_back({member.pidfd.fd(), POLLIN, 0});
            entries.push_back({member.channel.fd(), POLLIN, 0});
        }
        const auto timeout = wait_time();
        ::ppoll(entries.data(), entries.size(), timeout ? &*timeout : nullptr, &outside_);
        engine_.dispatch_signals();
        if (engine_.was_told_to_end()) drain();
        hear_children(
            std::span(entries).subspan(queue_ends)); // first: a client may be waiting for the successor of a dead one
        if (entries[0].revents != 0) hear_supervisor();
        supervisor_.speak((entries[0].revents & POLLOUT) != 0, Clock::now());
        if (supervisor_.search_is_due(Clock::now())) search_supervisor();
        if (entries[1].revents != 0) brood_.board().answer(); // the pool is sized in each round
        if (entries[2].revents != 0) tell_drift();
        if (entries[3].revents != 0) {
            stops_.clear();
            brood_.note_stopped(Clock::now());
        }
        brood_.look_at_idle(Clock::now());
        const auto queue = std::span(entries).subspan(queue_begins, queue_ends - queue_begins);
        sizing_.note_queue(std::ranges::any_of(queue, [](const pollfd& entry) { return entry.revents != 0; }));
        brood_.reap_strays();
        if (!kill_at_ || Clock::now() < *kill_at_) return;
        kill_at_ = Clock::now() + kill_margin;
        brood_.kill_all();
    }

    std::optional<timespec> wait_time() const {
        const auto now = Clock::now();
        std::optional<TimePoint> next = roster().next_look(now);
        if (fork_again_at_ && next) next = std::max(*next, *fork_again_at_);
        const auto consider = [&](std::optional<TimePoint> time) {
            if (time && (!next || *time < *next)) next = time;
        };
        consider(kill_at_);
        consider(supervisor_.next_look());
        consider(brood_.next_look());
        if (!roster().draining()) consider(sizing_.next_look());
        if (!next) return std::nullopt;
        const auto left = std::max<Clock::duration>(*next - now, Clock::duration::zero());
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
        return timespec{seconds.count(), std::chrono::nanoseconds(left - seconds).count()};
    }

    void hear_supervisor() {
        while (auto received = supervisor_.hear()) {
            if (std::holds_alternative<contract::Serve>(received->message)) {
                serving_ = true;
                brood_.tell_all(ChannelWord::serve);
            }
            if (const auto* order = std::get_if<contract::Resize>(&received->message)) resize(order->pool);
            if (const auto* order = std::get_if<contract::Promote>(&received->message)) grow(order->pool);
            if (const auto* order = std::get_if<contract::Release>(&received->message)) release(order->pid);
            if (const auto* order = std::get_if<contract::Reopen>(&received->message))
                reopen_logs(*order, std::move(received->fds));
            if (const auto* order = std::get_if<contract::Drain>(&received->message)) {
                go_.grace = order->grace;
                drain();
            }
        }
    }

    void resize(const contract::PoolSize& size) {
        sizing_.resize(size);
        tell_if_complete();
    }

    // While it forks: one that is ready is not to go for one that starts. Fewer is said when it is the master.
    void grow(const contract::PoolSize& size) {
        if (PoolPolicy(size).initial() > sizing_.initial()) resize(size);
    }

    // Children each have descriptors of their own; a busy one follows after its request.
    void reopen_logs(const contract::Reopen& order, std::vector<Fd> fds) {
        for (std::size_t i = 0; i < std::min(fds.size(), order.fds.size()); ++i) {
            const bool is_output = order.fds[i] == contract::FdRole::output;
            if (!is_output && order.fds[i] != contract::FdRole::access_log) continue;
            for (auto& [pid, member] : members())
                (void)member.channel.pass(is_output ? ChannelWord::output : ChannelWord::access, fds[i].get());
            if (!is_output) {
                access_log_ = std::move(fds[i]);
                continue;
            }
            engine_.flush();
            move_output(fds[i]);
        }
    }

    // The pool goes on as it is, and is told of to the next one.
    void search_supervisor() {
        contract::Return with{.stage = stage(), .wanted = roster().wanted(), .public_listeners = {}};
        if (!roster().draining())
            for (const Fd& listener : public_listeners_) with.public_listeners.push_back(listener.get());
        if (!supervisor_.search(with, Clock::now())) return;
        for (const auto& [pid, member] : members()) {
            announce(pid, member);
            if (member.ready) supervisor_.say(contract::ChildReady{pid});
        }
        if (roster().complete()) supervisor_.say(contract::Ready{});
        sizing_.tell_wanted();
    }

    contract::Stage stage() const {
        if (roster().draining()) return contract::Stage::draining;
        if (sizing_.is_asleep()) return contract::Stage::sleeping;
        return serving_ ? contract::Stage::serving : contract::Stage::ready;
    }

    // It is not ours any more: it will be a master itself. Its place in the pool is free.
    void release(pid_t pid) {
        const auto member = members().find(pid);
        if (member == members().end() || member->second.is_leaving()) return;
        member->second.channel.say(ChannelWord::release);
        brood_.forget(member, true);
    }

    void drain() {
        if (roster().draining()) return;
        kill_at_ = Clock::now() + go_.grace + kill_margin;
        brood_.tell_all_to_leave();
    }

    // `polled`: two for each child, in the order of members().
    void hear_children(std::span<const pollfd> polled) {
        std::vector<pid_t> ended;
        std::size_t at = 0;
        for (auto& [pid, member] : members()) {
            const bool has_ended = polled[at].revents != 0;
            const bool has_spoken = polled[at + 1].revents != 0;
            at += 2;
            ChannelWord word{};
            while (has_spoken && member.channel.hear(word) == ChildChannel::Heard::word) hear_child(pid, member, word);
            if (has_ended) ended.push_back(pid);
        }
        for (const pid_t pid : ended) on_exit(pid);
        sizing_.finish_recycling();
    }

    void hear_child(pid_t pid, Member& member, ChannelWord word) {
        switch (word) {
        case ChannelWord::ready: return on_ready(pid, member);
        case ChannelWord::pong: return brood_.answered(pid);
        case ChannelWord::slow: supervisor_.say(contract::ChildSlow{pid}); return;
        case ChannelWord::refork: supervisor_.say(contract::ReforkDue{pid}); return;
        case ChannelWord::harakiri:
            member.told_to_leave = true;
            member.reason = reason_of(word);
            return roster().leaving(pid);
        case ChannelWord::worn_requests:
        case ChannelWord::worn_rss:
        case ChannelWord::worn_unshared:
        case ChannelWord::worn_age:
        case ChannelWord::worn_idle: sizing_.recycle({pid, reason_of(word)}); return;
        case ChannelWord::serve:
        case ChannelWord::drain:
        case ChannelWord::ping:
        case ChannelWord::output:
        case ChannelWord::access:
        case ChannelWord::release: return; // said by us only
        }
    }

    void on_ready(pid_t pid, Member& member) {
        member.ready = true;
        roster().ready(pid, Clock::now());
        supervisor_.say(contract::ChildReady{pid});
        tell_if_complete();
    }

    void tell_if_complete() {
        if (!roster().complete() || std::exchange(told_complete_, true)) return;
        supervisor_.say(contract::Ready{});
    }

    void on_exit(pid_t pid) {
        const auto member = members().find(pid);
        const ExitStatus status = member->second.pidfd.reap().value_or(ExitStatus::unknown());
        const bool planned = member->second.told_to_leave;
        const std::string reason = member->second.reason;
        const Duration ready_for = brood_.forget(member, planned || member->second.killed);
        fork_missing(); // before anything is said: the next client is waiting
        supervisor_.say(contract::ChildExited{pid, status, ready_for, planned, reason});
    }

    void tell_drift() {
        if (!code_) return;
        const auto files = code_->read_changes();
        if (!files.empty()) supervisor_.say(contract::CodeDrift{files});
    }

    Roster& roster() { return brood_.roster(); }
    const Roster& roster() const { return brood_.roster(); }
    Brood::Members& members() { return brood_.members(); }

    perl::Engine& engine_;
    SupervisorLink supervisor_;
    contract::Go go_;
    http::Deadlines deadlines_;
    std::vector<Fd> public_listeners_;
    std::vector<Fd> private_listeners_;
    Fd access_log_;
    Brood brood_;
    Sizing sizing_;
    std::optional<HeapImage> image_; // children go back to it
    std::optional<CodeWatch> code_;
    StopSignal stops_;
    sigset_t outside_{}; // the signal mask while we wait
    bool serving_ = false;
    bool told_complete_ = false;
    std::optional<TimePoint> fork_again_at_;
    std::optional<TimePoint> kill_at_;
};

} // namespace

int run_master(MasterSetup setup) { return Master(std::move(setup)).run(); }

} // namespace mpsup::dynamic

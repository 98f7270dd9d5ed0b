#include "worker/dynamic/master.h"

#include "base/descriptor_limit.h"
#include "base/output.h"
#include "base/pidfd.h"
#include "base/process_identity.h"
#include "worker/dynamic/child.h"
#include "worker/dynamic/code_watch.h"
#include "worker/dynamic/heap.h"
#include "worker/dynamic/idle_watch.h"
#include "worker/dynamic/pool_policy.h"
#include "worker/dynamic/room.h"
#include "worker/dynamic/roster.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <deque>
#include <memory>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace mpsup::dynamic {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto fork_retry = std::chrono::milliseconds(100); // EAGAIN: the machine is full for the moment
constexpr auto speak_again = std::chrono::milliseconds(50);
constexpr auto parting = std::chrono::seconds(1);            // for what waits to be said at the end
constexpr auto full_retry = std::chrono::seconds(1);         // no memory for another child: it may come back
constexpr auto kill_margin = std::chrono::milliseconds(500); // children end themselves at their grace; then SIGKILL

// Why a child is to go.
const char* text_of(ChannelWord word) {
    switch (word) {
    case ChannelWord::worn_requests: return "recycled: it had served its requests";
    case ChannelWord::worn_rss: return "recycled: its resident memory";
    case ChannelWord::worn_unshared: return "recycled: its unshared memory";
    case ChannelWord::worn_age: return "recycled: its age";
    case ChannelWord::worn_idle: return "recycled: idle for long";
    case ChannelWord::harakiri: return "psgix.harakiri: the application wanted it to end";
    default: return "";
    }
}

struct Member {
    Pidfd pidfd;
    ChildChannel channel;
    std::size_t slot = 0;
    Fd scoreboard_memory; // for the next supervisor
    contract::ScoreboardReader scoreboard;
    TimePoint born;
    bool ready = false;
    bool told_to_leave = false;
    bool killed = false;
    const char* reason = ""; // of its leaving

    bool is_leaving() const { return told_to_leave || killed; }
};

// One that is replaced, and the size of the pool when that began.
struct Recycling {
    pid_t pid;
    int size;
};

class Master {
public:
    explicit Master(MasterSetup setup)
        : engine_(setup.engine),
          session_(std::move(setup.session)),
          command_line_(std::move(setup.command_line)),
          go_(std::move(setup.go)),
          deadlines_(setup.deadlines),
          policy_(go_.pool),
          roster_(policy_.initial(), Clock::now()),
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
        serving_ = !session_; // nobody to tell us when
        sigset_t term;
        ::sigemptyset(&term);
        ::sigaddset(&term, SIGTERM);
        ::sigprocmask(SIG_BLOCK, &term, &outside_); // delivered in ppoll only: none is missed before it
        ::sigdelset(&outside_, SIGTERM);
    }

    int run() {
        if (session_) // or nobody would be told
            if (auto watch = CodeWatch::make(engine_.loaded_files())) code_.emplace(std::move(*watch));
        return keep_pool();
    }

private:
    int keep_pool() {
        raise_descriptor_limit();
        auto board = PoolBoard::make();
        if (!board) return complain("keep a pool", board.error()), 1;
        board_ = std::make_unique<PoolBoard>(std::move(*board));
        board_->set_spare(policy_.spare());
        heed_stops(true);
        tell_wanted();
        tell_if_complete();
        while (!(roster_.draining() && members_.empty())) {
            size_pool();
            fork_missing();
            wait();
        }
        say_the_rest();
        heed_stops(false); // under plackup somebody goes on in this process
        restore_descriptor_limit();
        return 0;
    }

    // The size

    std::vector<ChildView> view() const {
        std::vector<ChildView> children;
        for (const auto& [pid, member] : members_) {
            if (recycling_ && recycling_->pid == pid) continue; // its successor counts in its place
            ChildView child{pid, ChildView::State::starting, member.born, member.is_leaving()};
            const auto slot = board_->state(member.slot);
            if (slot == PoolBoard::Slot::idle) child.state = ChildView::State::idle;
            if (slot == PoolBoard::Slot::busy) child.state = ChildView::State::busy;
            if (const auto last = member.scoreboard.read().last_ms; last > 0)
                child.last_busy = TimePoint(std::chrono::milliseconds(last));
            children.push_back(child);
        }
        return children;
    }

    void size_pool() {
        if (roster_.draining()) return;
        const auto now = Clock::now();
        auto children = view();
        const int wanted = children_wanted(children, now);
        // Who is recycled is not in view, and stays until as many others are there as when it began.
        set_wanted(recycling_ ? std::max(wanted, recycling_->size) + 1 : wanted);
        while (!recycling_) {
            const auto pid = policy_.to_retire(children, now);
            if (!pid) break;
            tell_to_leave(*pid, "the pool has more children than it needs");
            children = view();
            set_wanted(std::min(roster_.wanted(), staying(children)));
        }
        policy_look_at_ = policy_.next_look(children, now);
        board_->set_spare(policy_.can_grow(children) ? policy_.spare() : 0);
        const bool has_all = staying(children) + (recycling_ ? 1 : 0) >= roster_.wanted(); // else one is on its way
        watch_queue_ = has_all && !full_until_ && policy_.watches_queue(children);
        recycle_next();
    }

    static int staying(const std::vector<ChildView>& children) {
        return static_cast<int>(std::ranges::count(children, false, &ChildView::leaving));
    }

    int children_wanted(const std::vector<ChildView>& children, TimePoint now) {
        const bool client_waits = std::exchange(client_waits_, false);
        if (policy_.size().max > 0) return policy_.wanted(children, client_waits, 0);
        if (full_until_ && now >= *full_until_) full_until_.reset();
        const int desired = policy_.wanted(children, client_waits, PoolPolicy::most);
        if (desired <= staying(children)) return desired; // memory is looked at only for those that would need it
        const int wanted = policy_.wanted(children, client_waits, room_for_children(unshared_of_children()));
        if (wanted < desired) full_until_ = now + full_retry;
        return wanted;
    }

    void set_wanted(int wanted) {
        if (roster_.wanted() == wanted) return;
        roster_.set_wanted(wanted);
        tell_wanted();
    }

    void tell_wanted() { say(contract::PoolWants{roster_.wanted() - (recycling_ ? 1 : 0)}); }

    std::vector<std::uint64_t> unshared_of_children() const {
        std::vector<std::uint64_t> bytes;
        for (const auto& [pid, member] : members_)
            if (const auto memory = process_memory(pid)) bytes.push_back(memory->private_bytes);
        return bytes;
    }

    // Recycling: one at a time, and its successor is ready first.

    void recycle_next() {
        if (recycling_ || worn_.empty() || !roster_.complete()) return;
        const auto [pid, reason] = worn_.front();
        worn_.pop_front();
        const auto member = members_.find(pid);
        if (member == members_.end() || member->second.is_leaving()) return;
        member->second.reason = reason;
        recycling_ = Recycling{pid, roster_.wanted()};
        set_wanted(roster_.wanted() + 1);
    }

    void finish_recycling() {
        if (!recycling_) return;
        const auto worn = members_.find(recycling_->pid);
        const auto ready = std::ranges::count_if(
            members_, [](const auto& entry) { return entry.second.ready && !entry.second.is_leaving(); });
        if (worn == members_.end()) { // it went by itself
            recycling_.reset();
            set_wanted(roster_.wanted() - 1);
        } else if (ready >= roster_.wanted()) {
            recycling_.reset();
            set_wanted(roster_.wanted() - 1);
            tell_to_leave(worn->first, worn->second.reason);
        }
    }

    void tell_to_leave(pid_t pid, const char* reason) {
        Member& member = members_.at(pid);
        if (member.killed) return;
        member.told_to_leave = true;
        member.reason = reason;
        member.channel.say(ChannelWord::drain);
        roster_.leaving(pid);
    }

    // Forking

    void fork_missing() {
        const auto now = Clock::now();
        if (fork_again_at_ && now < *fork_again_at_) return;
        fork_again_at_.reset();
        for (int missing = roster_.to_fork(now); missing > 0; --missing)
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
        const auto slot = board_->take();
        if (!slot) return complain("prepare a child", {"the pool's board is full", {}});
        engine_.flush();
        const pid_t pid = ::fork();
        if (pid == 0) become_child(std::move(*channel), std::move(*memory), std::move(*scoreboard), *slot);
        if (pid < 0) board_->release(*slot);
        if (pid < 0) return complain("fork", {"fork", {errno, std::system_category()}});
        auto pidfd = Pidfd::open(pid); // unreaped, so it is there even if it has ended
        if (!pidfd) {                  // out of descriptors: what cannot be watched must not serve
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
            board_->release(*slot);
            return complain("watch a child", pidfd.error());
        }
        roster_.forked(pid);
        const auto member = members_.emplace(pid, Member{std::move(*pidfd), std::move(channel->master), *slot,
                                                         std::move(*memory), std::move(*reader), Clock::now()});
        announce(pid, member.first->second);
        return true;
    }

    void announce(pid_t pid, const Member& member) {
        const std::array<int, 2> fds{member.pidfd.fd(), member.scoreboard_memory.get()};
        say(contract::ChildStarted{pid, process_start_time(pid).value_or(0)}, fds);
    }

    // To the supervisor, if there is one. Who does not hear all of it is told everything anew, as another would be.
    void say(const contract::Message& message, std::span<const int> fds = {}) {
        if (!session_) return;
        const auto sent = session_->send(message, fds);
        if (sent || sent.error().code.value() == EPIPE || sent.error().code.value() == ECONNRESET) return; // it is gone
        complain("tell the supervisor", sent.error());
        lose_supervisor();
    }

    static bool complain(const char* what, const Error& error) {
        std::fprintf(stderr, "mpsup: cannot %s: %s\n", what, error.to_string().c_str());
        return false;
    }

    // In the child. What belongs to the master and to its other children is closed.
    [[noreturn]] void become_child(ChildChannel::Pair channel, Fd memory, contract::ScoreboardWriter scoreboard,
                                   std::size_t slot) {
        members_.clear();
        restore_descriptor_limit();
        channel.master.close(); // with it open we would never see the end of the other side
        session_.reset();
        code_.reset();
        heed_stops(false);
        idle_watch_ = {};
        ChildSetup setup{engine_,
                         {},
                         {},
                         access_log_.get(),
                         std::move(channel.child),
                         std::move(memory),
                         std::move(scoreboard),
                         *board_,
                         slot,
                         command_line_,
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
        session_ = std::move(promoted.session);
        serving_ = promoted.order.serve;
        policy_ = PoolPolicy(promoted.order.pool);
        roster_ = Roster(policy_.initial(), Clock::now());
        go_.recycle.refork = 0; // once is enough: a page that is warm does not get warmer
        worn_.clear();
        recycling_.reset();
        told_complete_ = watch_queue_ = client_waits_ = false;
        policy_look_at_ = full_until_ = fork_again_at_ = kill_at_ = std::nullopt; // the other master's
        search_at_.reset();
        speak_at_.reset();
        if (!session_) search_at_ = Clock::now(); // lost while it finished its clients
        engine_.settle();
        settle_heap();
        image_ = go_.recycle.reshare ? HeapImage::take() : std::nullopt;
        engine_.leave(run());
    }

    // Children that are not there any more though their process is

    // A child that is stopped is told of by SIGCHLD, which nobody else wants here.
    void heed_stops(bool on) {
        sigset_t chld;
        ::sigemptyset(&chld);
        ::sigaddset(&chld, SIGCHLD);
        ::sigprocmask(on ? SIG_BLOCK : SIG_UNBLOCK, &chld, nullptr);
        ::sigaddset(&outside_, SIGCHLD);
        stops_ = on ? Fd(::signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK)) : Fd();
    }

    void note_stops() {
        signalfd_siginfo heard{};
        while (::read(stops_.get(), &heard, sizeof heard) > 0) {
        } // several may have come as one
        for (const auto& [pid, member] : members_) {
            siginfo_t info{};
            const auto id = static_cast<id_t>(member.pidfd.fd());
            if (::waitid(P_PIDFD, id, &info, WSTOPPED | WNOHANG) == 0 && info.si_pid != 0)
                idle_watch_.stopped(pid, Clock::now());
        }
    }

    void look_at_idle() {
        const auto now = Clock::now();
        if (board_->look_is_due()) idle_watch_.ask(now);
        if (idle_watch_.begin(now)) {
            board_->looked();
            for (auto& [pid, member] : members_)
                if (is_idle(member) && member.channel.say(ChannelWord::ping))
                    idle_watch_.pinged(pid, member.scoreboard.read().requests);
        }
        for (const auto& silent : idle_watch_.silent(now))
            if (const auto member = members_.find(silent.pid);
                member != members_.end() && is_idle(member->second) &&
                member->second.scoreboard.read().requests == silent.served)
                replace(silent.pid, member->second, "it was idle and did not answer");
        for (const pid_t pid : idle_watch_.long_stopped(now)) // of a busy one request_timeout is the judge
            if (const auto member = members_.find(pid); member != members_.end() &&
                                                        board_->state(member->second.slot) != PoolBoard::Slot::busy &&
                                                        process_state(pid).value_or('?') == 'T')
                replace(pid, member->second, "it was stopped (SIGSTOP) and did not go on");
    }

    bool is_idle(const Member& member) const {
        return member.ready && !member.is_leaving() && board_->state(member.slot) == PoolBoard::Slot::idle;
    }

    // Its successor does not wait for its end: the kernel may not be able to end it now (state D).
    void replace(pid_t pid, Member& member, const char* why) {
        if (std::exchange(member.killed, true)) return;
        member.reason = why;
        roster_.leaving(pid);
        (void)member.pidfd.send_signal(SIGKILL);
    }

    // Waiting

    void wait() {
        std::vector<pollfd> entries;
        const bool speaks = session_ && session_->has_waiting() && !speak_at_;
        const short to_session = speaks ? POLLIN | POLLOUT : POLLIN;
        entries.push_back({session_ ? session_->fd() : -1, to_session, 0}); // poll passes over negative ones
        entries.push_back({board_->call_fd(), POLLIN, 0});
        entries.push_back({code_ ? code_->fd() : -1, POLLIN, 0});
        entries.push_back({stops_.get(), POLLIN, 0});
        const auto queue_begins = static_cast<std::ptrdiff_t>(entries.size());
        if (watch_queue_) {
            for (const Fd& listener : private_listeners_) entries.push_back({listener.get(), POLLIN, 0});
            for (const Fd& listener : public_listeners_) entries.push_back({serving_ ? listener.get() : -1, POLLIN, 0});
        }
        const auto queue_ends = entries.size();
        for (const auto& [pid, member] : members_) {
            entries.push_back({member.pidfd.fd(), POLLIN, 0});
            entries.push_back({member.channel.fd(), POLLIN, 0});
        }
        const auto timeout = wait_time();
        ::ppoll(entries.data(), entries.size(), timeout ? &*timeout : nullptr, &outside_);
        engine_.dispatch_signals();
        if (engine_.was_told_to_end()) drain();
        hear_children(
            std::span(entries).subspan(queue_ends)); // first: a client may be waiting for the successor of a dead one
        if (entries[0].revents != 0 && session_) hear_supervisor();
        speak((entries[0].revents & POLLOUT) != 0);
        if (search_at_ && Clock::now() >= *search_at_) search_supervisor();
        if (entries[1].revents != 0) board_->answer(); // the pool is sized in each round
        if (entries[2].revents != 0) tell_drift();
        if (entries[3].revents != 0) note_stops();
        look_at_idle();
        client_waits_ =
            std::any_of(entries.begin() + queue_begins, entries.begin() + static_cast<std::ptrdiff_t>(queue_ends),
                        [](const pollfd& entry) { return entry.revents != 0; });
        reap_strays();
        if (kill_at_ && Clock::now() >= *kill_at_) kill_leftovers();
    }

    std::optional<timespec> wait_time() const {
        const auto now = Clock::now();
        std::optional<TimePoint> next = roster_.next_look(now);
        if (fork_again_at_ && next) next = std::max(*next, *fork_again_at_);
        const auto consider = [&](std::optional<TimePoint> time) {
            if (time && (!next || *time < *next)) next = time;
        };
        consider(kill_at_);
        consider(search_at_);
        consider(speak_at_);
        consider(idle_watch_.next_look());
        if (!roster_.draining()) consider(policy_look_at_);
        if (!roster_.draining()) consider(full_until_);
        if (!next) return std::nullopt;
        const auto left = std::max<Clock::duration>(*next - now, Clock::duration::zero());
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
        return timespec{seconds.count(), std::chrono::nanoseconds(left - seconds).count()};
    }

    void hear_supervisor() {
        while (session_) {
            auto received = session_->receive();
            if (!received && received.error().code.value() == EAGAIN) return;
            if (!received) return lose_supervisor();
            if (std::holds_alternative<contract::Serve>(received->message)) serve();
            if (const auto* order = std::get_if<contract::Resize>(&received->message)) resize(order->pool);
            if (const auto* order = std::get_if<contract::Release>(&received->message)) release(order->pid);
            if (const auto* order = std::get_if<contract::Reopen>(&received->message))
                reopen_logs(*order, std::move(received->fds));
            if (const auto* order = std::get_if<contract::Drain>(&received->message)) {
                go_.grace = order->grace;
                drain();
            }
        }
    }

    // Children each have descriptors of their own; a busy one follows after its request.
    void reopen_logs(const contract::Reopen& order, std::vector<Fd> fds) {
        for (std::size_t i = 0; i < std::min(fds.size(), order.fds.size()); ++i) {
            const bool is_output = order.fds[i] == contract::FdRole::output;
            if (!is_output && order.fds[i] != contract::FdRole::access_log) continue;
            for (auto& [pid, member] : members_)
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
    void lose_supervisor() {
        session_.reset();
        search_at_ = Clock::now() + contract::search_interval;
    }

    void search_supervisor() {
        search_at_ = Clock::now() + contract::search_interval;
        contract::Return with{.stage = stage(), .wanted = roster_.wanted(), .public_listeners = {}};
        if (!roster_.draining())
            for (const Fd& listener : public_listeners_) with.public_listeners.push_back(listener.get());
        if (!command_line_) return;
        auto session = contract::Session::come_back(*command_line_, contract::Role::master, with);
        if (!session) return;
        session_.emplace(std::move(*session));
        search_at_.reset();
        for (const auto& [pid, member] : members_) {
            announce(pid, member);
            if (member.ready) say(contract::ChildReady{pid});
        }
        if (roster_.complete()) say(contract::Ready{});
        tell_wanted();
    }

    contract::Stage stage() const {
        if (roster_.draining()) return contract::Stage::draining;
        if (policy_.size().mode == contract::PoolMode::fixed && policy_.size().max == 0)
            return contract::Stage::sleeping;
        return serving_ ? contract::Stage::serving : contract::Stage::ready;
    }

    // What waits to be said. A socket that is writable and takes nothing is tried again later: too many descriptors of
    // our user are on their way.
    void speak(bool is_writable) {
        const auto now = Clock::now();
        if (speak_at_ && now < *speak_at_) return;
        speak_at_.reset();
        if (is_writable && session_ && session_->has_waiting() && !session_->flush()) speak_at_ = now + speak_again;
    }

    // The last of it, to one who reads.
    void say_the_rest() {
        const auto end = Clock::now() + parting;
        while (session_ && session_->has_waiting() && Clock::now() < end) {
            pollfd entry{session_->fd(), POLLOUT, 0};
            if (::poll(&entry, 1, 10) > 0 && !session_->flush()) ::poll(nullptr, 0, 10);
        }
    }

    void serve() {
        serving_ = true;
        for (auto& [pid, member] : members_) member.channel.say(ChannelWord::serve);
    }

    void resize(const contract::PoolSize& size) {
        policy_.resize(size);
        board_->set_spare(policy_.spare());
    }

    // It is not ours any more: it will be a master itself. Its place in the pool is free.
    void release(pid_t pid) {
        const auto member = members_.find(pid);
        if (member == members_.end() || member->second.is_leaving()) return;
        member->second.channel.say(ChannelWord::release);
        forget(member, true);
    }

    Duration forget(std::map<pid_t, Member>::iterator member, bool planned) {
        const pid_t pid = member->first;
        board_->release(member->second.slot);
        idle_watch_.gone(pid);
        members_.erase(member);
        return roster_.gone(pid, Clock::now(), planned);
    }

    void drain() {
        if (roster_.draining()) return;
        roster_.drain();
        kill_at_ = Clock::now() + go_.grace + kill_margin;
        for (auto& [pid, member] : members_) {
            member.told_to_leave = true;
            member.channel.say(ChannelWord::drain);
        }
    }

    // `polled`: two for each child, in the order of `members_`.
    void hear_children(std::span<const pollfd> polled) {
        std::vector<pid_t> ended;
        std::size_t at = 0;
        for (auto& [pid, member] : members_) {
            const bool has_ended = polled[at].revents != 0;
            const bool has_spoken = polled[at + 1].revents != 0;
            at += 2;
            ChannelWord word{};
            while (has_spoken && member.channel.hear(word) == ChildChannel::Heard::word) hear_child(pid, member, word);
            if (has_ended) ended.push_back(pid);
        }
        for (const pid_t pid : ended) on_exit(pid);
        finish_recycling();
    }

    void hear_child(pid_t pid, Member& member, ChannelWord word) {
        switch (word) {
        case ChannelWord::ready: return on_ready(pid, member);
        case ChannelWord::pong: return idle_watch_.answered(pid);
        case ChannelWord::slow: say(contract::ChildSlow{pid}); return;
        case ChannelWord::refork: say(contract::ReforkDue{pid}); return;
        case ChannelWord::harakiri:
            member.told_to_leave = true;
            member.reason = text_of(word);
            return roster_.leaving(pid);
        case ChannelWord::worn_requests:
        case ChannelWord::worn_rss:
        case ChannelWord::worn_unshared:
        case ChannelWord::worn_age:
        case ChannelWord::worn_idle: worn_.emplace_back(pid, text_of(word)); return;
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
        roster_.ready(pid, Clock::now());
        say(contract::ChildReady{pid});
        tell_if_complete();
    }

    void tell_if_complete() {
        if (!roster_.complete() || std::exchange(told_complete_, true)) return;
        say(contract::Ready{});
    }

    void on_exit(pid_t pid) {
        const auto member = members_.find(pid);
        const ExitStatus status = member->second.pidfd.reap().value_or(ExitStatus::unknown());
        const bool planned = member->second.told_to_leave;
        const std::string reason = member->second.reason;
        const Duration ready_for = forget(member, planned || member->second.killed);
        fork_missing(); // before anything is said: the next client is waiting
        say(contract::ChildExited{pid, status, ready_for, planned, reason});
    }

    void tell_drift() {
        if (!code_) return;
        const auto files = code_->read_changes();
        if (!files.empty()) say(contract::CodeDrift{files});
    }

    // Processes that the application started while it was loaded, and left behind.
    void reap_strays() {
        for (;;) {
            siginfo_t info{};
            if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
            if (members_.contains(info.si_pid)) return; // reaped through its pidfd in the next round
            ::waitid(P_PID, static_cast<id_t>(info.si_pid), &info, WEXITED | WNOHANG);
        }
    }

    void kill_leftovers() {
        kill_at_ = Clock::now() + kill_margin;
        for (const auto& [pid, member] : members_) (void)member.pidfd.send_signal(SIGKILL);
    }

    perl::Engine& engine_;
    std::optional<contract::Session> session_; // nothing: the supervisor is gone
    std::optional<TimePoint> search_at_;       // when to look for another
    std::optional<TimePoint> speak_at_;        // when to try again to tell it what waits
    std::optional<contract::CommandLine> command_line_;
    contract::Go go_;
    http::Deadlines deadlines_;
    std::vector<Fd> public_listeners_;
    std::vector<Fd> private_listeners_;
    Fd access_log_;
    PoolPolicy policy_;
    Roster roster_;
    std::optional<HeapImage> image_;   // children go back to it
    std::unique_ptr<PoolBoard> board_; // from keep_pool() on
    std::optional<CodeWatch> code_;
    Fd stops_; // signalfd(2) of SIGCHLD
    IdleWatch idle_watch_;
    std::map<pid_t, Member> members_;
    std::deque<std::pair<pid_t, const char*>> worn_; // want to be replaced, and why
    std::optional<Recycling> recycling_;             // whose successor is on its way
    sigset_t outside_{};                             // the signal mask while we wait
    bool serving_ = false;
    bool told_complete_ = false;
    bool watch_queue_ = false;  // nobody else would notice a client
    bool client_waits_ = false; // and there is one
    std::optional<TimePoint> policy_look_at_;
    std::optional<TimePoint> full_until_; // there was no memory for another child
    std::optional<TimePoint> fork_again_at_;
    std::optional<TimePoint> kill_at_;
};

} // namespace

int run_master(MasterSetup setup) { return Master(std::move(setup)).run(); }

} // namespace mpsup::dynamic

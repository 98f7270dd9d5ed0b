#include "worker/dynamic/master.h"

#include "base/pidfd.h"
#include "base/process_identity.h"
#include "worker/dynamic/child.h"
#include "worker/dynamic/heap.h"
#include "worker/dynamic/roster.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace mpsup::dynamic {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto fork_retry = std::chrono::milliseconds(100);  // EAGAIN: the machine is full for the moment
constexpr auto kill_margin = std::chrono::milliseconds(500); // children end themselves at their grace; then SIGKILL

struct Member {
    Pidfd pidfd;
    ChildChannel channel;
    bool told_to_leave = false;
};

class Master {
public:
    Master(perl::Interpreter& interpreter, contract::Session session, const contract::Go& go, std::vector<Fd> fds,
           const contract::CommandLine& command_line)
        : interpreter_(interpreter),
          session_(std::move(session)),
          command_line_(command_line),
          grace_(go.grace),
          roster_(go.pool, Clock::now()) {
        for (std::size_t i = 0; i < fds.size(); ++i) {
            if (go.fds[i] == contract::FdRole::public_listener) public_listeners_.push_back(std::move(fds[i]));
            if (go.fds[i] == contract::FdRole::private_listener) private_listeners_.push_back(std::move(fds[i]));
            if (go.fds[i] == contract::FdRole::access_log) access_log_ = std::move(fds[i]);
        }
        sigset_t term;
        ::sigemptyset(&term);
        ::sigaddset(&term, SIGTERM);
        ::sigprocmask(SIG_BLOCK, &term, &outside_); // delivered in ppoll only: none is missed before it
        ::sigdelset(&outside_, SIGTERM);
    }

    int run(const std::string& app) {
        auto application = perl::Application::load(interpreter_, app);
        if (!application) {
            std::fprintf(stderr, "mpsup: %s\n", application.error().to_string().c_str());
            if (session_) (void)session_->send(contract::Failed{application.error().to_string()});
            return 1;
        }
        application_ = std::move(*application);
        ::tzset(); // reads a file: here once, instead of in each child's first log line
        settle_heap();
        (void)collapse_heap();
        while (!(roster_.draining() && members_.empty())) {
            fork_missing();
            wait();
        }
        return 0;
    }

private:
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
        auto board = contract::make_scoreboard();
        if (!channel || !board) return complain("prepare a child", !channel ? channel.error() : board.error());
        interpreter_.flush();
        const pid_t pid = ::fork();
        if (pid < 0) return complain("fork", {"fork", {errno, std::system_category()}});
        if (pid == 0) become_child(std::move(*channel), std::move(*board));
        auto pidfd = Pidfd::open(pid); // unreaped, so it is there even if it has ended
        if (!pidfd) return complain("watch a child", pidfd.error());
        // While the supervisor is away nobody hears this, and the pool goes on.
        const std::array<int, 2> fds{pidfd->fd(), board->get()};
        if (session_) (void)session_->send(contract::ChildStarted{pid, process_start_time(pid).value_or(0)}, fds);
        roster_.forked(pid);
        members_.emplace(pid, Member{std::move(*pidfd), std::move(channel->master)});
        return true;
    }

    static bool complain(const char* what, const Error& error) {
        std::fprintf(stderr, "mpsup: cannot %s: %s\n", what, error.to_string().c_str());
        return false;
    }

    // In the child. What belongs to the master and to its other children is closed.
    [[noreturn]] void become_child(ChildChannel::Pair channel, Fd board) {
        members_.clear();
        channel.master.close(); // with it open we would never see the end of the other side
        session_.reset();
        auto scoreboard = contract::ScoreboardWriter::open(board.get());
        board.reset();
        if (!scoreboard) interpreter_.leave(1);
        ChildSetup setup{
            interpreter_,           *application_, {},     {},      std::move(access_log_), std::move(channel.child),
            std::move(*scoreboard), command_line_, grace_, serving_};
        for (const Fd& listener : public_listeners_) setup.public_listeners.push_back(listener.get());
        for (const Fd& listener : private_listeners_) setup.private_listeners.push_back(listener.get());
        run_child(std::move(setup));
    }

    // Waiting

    void wait() {
        std::vector<pollfd> entries;
        if (session_) entries.push_back({session_->fd(), POLLIN, 0});
        for (const auto& [pid, member] : members_) {
            entries.push_back({member.pidfd.fd(), POLLIN, 0});
            entries.push_back({member.channel.fd(), POLLIN, 0});
        }
        const auto timeout = wait_time();
        ::ppoll(entries.data(), entries.size(), timeout ? &*timeout : nullptr, &outside_);
        interpreter_.dispatch_signals();
        if (interpreter_.was_told_to_end()) drain();
        hear_children(); // first: a client may be waiting for the successor of a dead one
        if (session_ && entries.front().revents != 0) hear_supervisor();
        reap_strays();
        if (kill_at_ && Clock::now() >= *kill_at_) kill_leftovers();
    }

    std::optional<timespec> wait_time() const {
        const auto now = Clock::now();
        std::optional<TimePoint> next = roster_.next_look(now);
        if (fork_again_at_ && next) next = std::max(*next, *fork_again_at_);
        if (kill_at_ && (!next || *kill_at_ < *next)) next = kill_at_;
        if (!next) return std::nullopt;
        const auto left = std::max<Clock::duration>(*next - now, Clock::duration::zero());
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
        return timespec{seconds.count(), std::chrono::nanoseconds(left - seconds).count()};
    }

    void hear_supervisor() {
        while (session_) {
            auto received = session_->receive();
            if (!received && received.error().code.value() == EAGAIN) return;
            if (!received) { // it was killed, or hung up on us
                session_.reset();
                return drain();
            }
            if (std::holds_alternative<contract::Serve>(received->message)) serve();
            if (const auto* order = std::get_if<contract::Drain>(&received->message)) {
                grace_ = order->grace;
                drain();
            }
        }
    }

    void serve() {
        serving_ = true;
        for (auto& [pid, member] : members_) member.channel.say(ChannelWord::serve);
    }

    void drain() {
        if (roster_.draining()) return;
        roster_.drain();
        kill_at_ = Clock::now() + grace_ + kill_margin;
        for (auto& [pid, member] : members_) {
            member.told_to_leave = true;
            member.channel.say(ChannelWord::drain);
        }
    }

    void hear_children() {
        std::vector<pid_t> ended;
        for (auto& [pid, member] : members_) {
            ChannelWord word{};
            if (member.channel.hear(word) == ChildChannel::Heard::word && word == ChannelWord::ready) on_ready(pid);
            if (member.pidfd.ended()) ended.push_back(pid);
        }
        for (const pid_t pid : ended) on_exit(pid);
    }

    void on_ready(pid_t pid) {
        const bool was_complete = roster_.complete();
        roster_.ready(pid, Clock::now());
        if (!session_) return;
        (void)session_->send(contract::ChildReady{pid});
        if (!was_complete && roster_.complete()) (void)session_->send(contract::Ready{});
    }

    void on_exit(pid_t pid) {
        const auto member = members_.find(pid);
        const ExitStatus status = member->second.pidfd.reap().value_or(ExitStatus::unknown());
        const bool planned = member->second.told_to_leave;
        members_.erase(member);
        const Duration ready_for = roster_.gone(pid, Clock::now());
        fork_missing(); // before anything is said: the next client is waiting
        if (session_) (void)session_->send(contract::ChildExited{pid, status, ready_for, planned});
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

    perl::Interpreter& interpreter_;
    std::optional<contract::Session> session_; // nothing: the supervisor is gone
    contract::CommandLine command_line_;
    std::chrono::milliseconds grace_;
    std::unique_ptr<perl::Application> application_;
    std::vector<Fd> public_listeners_;
    std::vector<Fd> private_listeners_;
    Fd access_log_;
    Roster roster_;
    std::map<pid_t, Member> members_;
    sigset_t outside_{}; // the signal mask while we wait
    bool serving_ = false;
    std::optional<TimePoint> fork_again_at_;
    std::optional<TimePoint> kill_at_;
};

} // namespace

int run_master(perl::Interpreter& interpreter, contract::Session session, const contract::Go& go, std::vector<Fd> fds,
               const contract::CommandLine& command_line) {
    return Master(interpreter, std::move(session), go, std::move(fds), command_line).run(go.app);
}

} // namespace mpsup::dynamic

#include "worker/dynamic/brood.h"

#include "base/process_identity.h"

#include <algorithm>
#include <csignal>
#include <sys/wait.h>
#include <utility>

namespace mpsup::dynamic {

Result<> Brood::open_board() {
    auto board = PoolBoard::make();
    if (!board) return std::unexpected(board.error());
    board_ = std::make_unique<PoolBoard>(std::move(*board));
    return {};
}

// Coming and going

Member& Brood::add(pid_t pid, Member member) {
    roster_.forked(pid);
    return members_.emplace(pid, std::move(member)).first->second;
}

Duration Brood::forget(Members::iterator member, bool planned) {
    const pid_t pid = member->first;
    board_->release(member->second.slot);
    idle_watch_.gone(pid);
    members_.erase(member);
    return roster_.gone(pid, std::chrono::steady_clock::now(), planned);
}

void Brood::leave_to_others() {
    members_.clear();
    idle_watch_ = {};
}

// What they are told

void Brood::tell_all(ChannelWord word) {
    for (auto& [pid, member] : members_) member.channel.say(word);
}

void Brood::tell_to_leave(pid_t pid, const char* reason) {
    Member& member = members_.at(pid);
    if (member.killed) return;
    member.told_to_leave = true;
    member.reason = reason;
    member.channel.say(ChannelWord::drain);
    roster_.leaving(pid);
}

void Brood::tell_all_to_leave() {
    roster_.drain();
    for (auto& [pid, member] : members_) member.told_to_leave = true;
    tell_all(ChannelWord::drain);
}

void Brood::kill_all() {
    for (const auto& [pid, member] : members_) (void)member.pidfd.send_signal(SIGKILL);
}

void Brood::reap_strays() const {
    for (;;) {
        siginfo_t info{};
        if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
        if (members_.contains(info.si_pid)) return; // reaped through its pidfd in the next round
        ::waitid(P_PID, static_cast<id_t>(info.si_pid), &info, WEXITED | WNOHANG);
    }
}

// What is known of them

std::vector<ChildView> Brood::view(std::optional<pid_t> without) const {
    std::vector<ChildView> children;
    for (const auto& [pid, member] : members_) {
        if (without == pid) continue;
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

int Brood::ready_count() const {
    return static_cast<int>(std::ranges::count_if(
        members_, [](const auto& entry) { return entry.second.ready && !entry.second.is_leaving(); }));
}

std::vector<std::uint64_t> Brood::unshared_bytes() const {
    std::vector<std::uint64_t> bytes;
    for (const auto& [pid, member] : members_)
        if (const auto memory = process_memory(pid)) bytes.push_back(memory->private_bytes);
    return bytes;
}

// Children that are not there any more though their process is

void Brood::note_stopped(TimePoint now) {
    for (const auto& [pid, member] : members_) {
        siginfo_t info{};
        const auto id = static_cast<id_t>(member.pidfd.fd());
        if (::waitid(P_PIDFD, id, &info, WSTOPPED | WNOHANG) == 0 && info.si_pid != 0) idle_watch_.stopped(pid, now);
    }
}

void Brood::look_at_idle(TimePoint now) {
    if (board_->look_is_due()) idle_watch_.ask(now);
    if (idle_watch_.begin(now)) {
        board_->looked();
        for (auto& [pid, member] : members_)
            if (is_idle(member) && member.channel.say(ChannelWord::ping))
                idle_watch_.pinged(pid, member.scoreboard.read().requests);
    }
    for (const auto& silent : idle_watch_.silent(now))
        if (const auto member = members_.find(silent.pid); member != members_.end() && is_idle(member->second) &&
                                                           member->second.scoreboard.read().requests == silent.served)
            replace(silent.pid, member->second, "it was idle and did not answer");
    for (const pid_t pid : idle_watch_.long_stopped(now)) // of a busy one request_timeout is the judge
        if (const auto member = members_.find(pid); member != members_.end() &&
                                                    board_->state(member->second.slot) != PoolBoard::Slot::busy &&
                                                    process_state(pid).value_or('?') == 'T')
            replace(pid, member->second, "it was stopped (SIGSTOP) and did not go on");
}

bool Brood::is_idle(const Member& member) const {
    return member.ready && !member.is_leaving() && board_->state(member.slot) == PoolBoard::Slot::idle;
}

// Its successor does not wait for its end: the kernel may not be able to end it now (state D).
void Brood::replace(pid_t pid, Member& member, const char* why) {
    if (std::exchange(member.killed, true)) return;
    member.reason = why;
    roster_.leaving(pid);
    (void)member.pidfd.send_signal(SIGKILL);
}

} // namespace mpsup::dynamic

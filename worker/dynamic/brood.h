// The children of a pool master: what it holds of each, and what it tells them.
#pragma once

#include "base/pidfd.h"
#include "worker/contract/scoreboard.h"
#include "worker/dynamic/child_channel.h"
#include "worker/dynamic/idle_watch.h"
#include "worker/dynamic/pool_board.h"
#include "worker/dynamic/pool_policy.h"
#include "worker/dynamic/roster.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <sys/types.h>
#include <vector>

namespace mpsup::dynamic {

struct Member {
    Pidfd pidfd;
    ChildChannel channel;
    std::size_t slot = 0; // of the board
    Fd scoreboard_memory; // for the next supervisor
    contract::ScoreboardReader scoreboard;
    TimePoint born;
    bool ready = false;
    bool told_to_leave = false;
    bool killed = false;
    const char* reason = ""; // of its leaving

    [[nodiscard]] bool is_leaving() const { return told_to_leave || killed; }
};

/// Owns the pidfds, channels and scoreboards of the children, and keeps the pool's roster and board and the watch over idle
/// ones in step with them. Forks nobody. Used from one thread.
class Brood {
public:
    using Members = std::map<pid_t, Member>;

    Brood(int wanted, TimePoint now) : roster_(wanted, now) {}

    /// Before the first child.
    [[nodiscard]] Result<> open_board();
    [[nodiscard]] PoolBoard& board() { return *board_; }
    [[nodiscard]] Roster& roster() { return roster_; }
    [[nodiscard]] const Roster& roster() const { return roster_; }
    [[nodiscard]] Members& members() { return members_; }

    // Coming and going
    /// Just forked, and watched. It holds its slot of the board already.
    Member& add(pid_t pid, Member member);
    /// How long it had been ready. `planned`: nothing is held back for it.
    Duration forget(Members::iterator member, bool planned);
    /// The children are another process's: we are one of them, and may be a master ourselves later, of `wanted` of our own.
    void leave_to_others();
    void start_anew(int wanted, TimePoint now) { roster_ = Roster(wanted, now); }

    // What they are told
    void tell_all(ChannelWord word);
    /// It finishes, and counts no more.
    void tell_to_leave(pid_t pid, const char* reason);
    void tell_all_to_leave();
    /// SIGKILL to all.
    void kill_all();
    /// Processes that the application started while it was loaded, and left behind.
    void reap_strays() const;

    // What is known of them
    /// For the policy, without one.
    [[nodiscard]] std::vector<ChildView> view(std::optional<pid_t> without) const;
    /// Those that are ready and stay.
    [[nodiscard]] int ready_count() const;
    /// Bytes of each that it shares with nobody.
    [[nodiscard]] std::vector<std::uint64_t> unshared_bytes() const;

    // Children that are not there any more though their process is
    void answered(pid_t pid) { idle_watch_.answered(pid); }
    /// SIGCHLD has come: one of them may have been stopped.
    void note_stopped(TimePoint now);
    /// Pings the idle ones when that is due, and kills those that do not answer.
    void look_at_idle(TimePoint now);
    [[nodiscard]] std::optional<TimePoint> next_look() const { return idle_watch_.next_look(); }

private:
    [[nodiscard]] bool is_idle(const Member& member) const;
    void replace(pid_t pid, Member& member, const char* why);

    Roster roster_;
    std::unique_ptr<PoolBoard> board_; // from open_board() on; its address is a child's for life
    IdleWatch idle_watch_;
    Members members_;
};

} // namespace mpsup::dynamic

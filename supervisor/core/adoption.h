// Which of the processes that say hello to a new supervisor are those that an earlier one started, and how long to wait for
// them.
//
// A pid is no identity: what the history says of a process (its boot, pid, start time) must be what the kernel says now, or the
// process that has that pid is somebody else's. A process that nobody recorded may have been started while the disk refused,
// or the history was lost: it belongs to the site when it runs as the supervisor's own user, out of a program of the site's
// (the shell has seen to that), and what it says contradicts nothing that is known.
#pragma once

#include "supervisor/core/effect.h"
#include "supervisor/core/restart_budget.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace mpsup::core {

/// A process whose end nobody recorded.
struct RecordedProcess {
    std::string uuid;
    std::string worker;
    GenerationNumber generation = 0;
    bool is_child = false; // of a pool
    pid_t pid = -1;
    std::uint64_t start_time = 0; // as recorded

    friend bool operator==(const RecordedProcess&, const RecordedProcess&) = default;
};

/// What a process says of itself, and what the kernel says of it.
struct Claimant {
    std::string worker;
    GenerationNumber generation = 0;
    bool is_child = false;
    pid_t pid = -1;                      // attested by the kernel
    std::uint64_t start_time_said = 0;   //
    std::uint64_t start_time_kernel = 0; // 0: it is gone
};

enum class ClaimVerdict {
    recorded,   // it is the one
    unrecorded, // nothing is known of it, and nothing against it
    impostor,   // it is another process than it says, or than was recorded
};

/// Pure: no clock, no system call. Knows what an earlier supervisor left behind until each of it has said hello, or has ended,
/// or is given up.
class Adoption {
public:
    /// `alive`: recorded processes that the kernel has, by boot, pid and start time. Light processes and pool masters are waited
    /// for until now + patience; children are their masters' to announce.
    Adoption(std::vector<RecordedProcess> alive, Time now, Duration patience);
    Adoption() = default;

    [[nodiscard]] ClaimVerdict judge(const Claimant& claimant) const;
    /// It was adopted: nobody waits for it any more. Its record, if there is one.
    std::optional<RecordedProcess> arrived(pid_t pid);
    /// It has ended.
    void gone(pid_t pid) { missing_.erase(pid); }

    /// Everybody is there who has to say hello: light processes and pool masters, and one child of a pool whose master is
    /// dead (it brings the listeners; the others may be busy).
    [[nodiscard]] bool is_complete() const;
    /// Until when it makes sense to wait.
    [[nodiscard]] Time deadline() const { return deadline_; }
    /// Who has not arrived, by pid.
    [[nodiscard]] const std::map<pid_t, RecordedProcess>& missing() const { return missing_; }

private:
    std::map<pid_t, RecordedProcess> missing_;
    std::set<std::pair<std::string, GenerationNumber>> heard_; // generations of which somebody has arrived
    Time deadline_{};
};

} // namespace mpsup::core

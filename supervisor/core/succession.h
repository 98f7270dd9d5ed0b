// Who becomes the master of a pool that has none, or that is to have another: one of its children, which are named by pid.
#pragma once

#include "supervisor/core/restart_budget.h"

#include <optional>
#include <set>
#include <sys/types.h>

namespace mpsup::core {

/// Of one generation. Pure: no clock. At most one child at a time is on its way to be master, the heir. While a deadline
/// stands, somebody is looked for: an idle child has to speak until then, or the heir to be master.
class Succession {
public:
    /// The child that is on its way to be master.
    [[nodiscard]] std::optional<pid_t> heir() const { return heir_; }
    /// It, if it has its order already: it has spoken.
    [[nodiscard]] std::optional<pid_t> told() const;
    [[nodiscard]] bool is_open() const { return deadline_.has_value(); }
    [[nodiscard]] const std::optional<Time>& deadline() const { return deadline_; }

    /// Somebody is looked for, until then.
    void open(Time until) { deadline_ = until; }
    /// Nobody is looked for any more. An heir stays known: it has its order.
    void close() { deadline_.reset(); }
    /// It is told to be master, and has until then for it.
    void choose(pid_t pid, Time until);
    /// The same without need, while a master lives. False: another is on its way, or it was done before; once is enough.
    [[nodiscard]] bool choose_without_need(pid_t pid, Time until);

    /// A child says that it is idle and has no master.
    void speaks(pid_t pid);
    /// A child has ended. If it was the heir, the deadline is now: who keeps to deadlines draws the consequences.
    void gone(pid_t pid, Time now);
    /// The heir is master.
    void crowned();
    /// What was loaded in this generation's place did not get there (or something else ended, and it is no matter).
    void on_rival(bool failed) { rival_failed_ = failed; }
    /// When the deadline has passed: nobody is looked for, there is no heir, and it is a rival's turn. False: it has not.
    [[nodiscard]] bool lapse(Time now);
    /// Nobody could keep a deadline for so long.
    void on_pause(Duration lasted);

    /// Of those that are idle and were not tried the first, after a rival has failed: that is better than loading again and
    /// again. One heir, one load, in turn: whatever ends heirs must not end all that serve.
    [[nodiscard]] std::optional<pid_t> next() const;

private:
    std::optional<pid_t> heir_;
    std::optional<Time> deadline_;
    std::set<pid_t> alone_; // they speak for themselves
    std::set<pid_t> tried_; // they were told to be master
    bool rival_failed_ = false;
    bool chosen_without_need_ = false;
};

} // namespace mpsup::core

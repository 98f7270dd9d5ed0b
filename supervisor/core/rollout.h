// How a new generation takes the place of the old one: one pure machine for restart, reload, a changed topology and
// rollback.
//
//   phase   | what happens                                          | ends with
//   --------+-------------------------------------------------------+-----------------------------------------------
//   gating  | it loads and is probed where no client reaches it     | it stands by: admit it beside the old one
//   rolling | it gets children share by share; the old one keeps    | it has them all, and is judged: settle
//           | those that it needs, all of them until the verdict;   |
//           | after each step and all through a pause it is judged  |
//           | again, on what came since                             |
//   pausing | a step of the plan says so                            | its time; promote
//   frozen  | it was found bad, and the plan wants a person to look | promote; abort
//   settled | it serves alone                                       |
//   failed  | it was taken back; the old one has all its children   |
//
// From every phase before settled, `abort`, the end of the new generation, or a growth that takes too long leads to failed.
#pragma once

#include "supervisor/core/judge.h"
#include "supervisor/core/worker.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::core {

struct RolloutStep {
    int children = 0;              // of the new generation; 0: a pause
    std::optional<Duration> pause; // nothing: until somebody promotes
};

struct RolloutPlan {
    int whole = 1;       // children of either generation when all is well
    int surge = 1;       // more than these at a time
    int unavailable = 0; // fewer than these at a time; not both of them 0
    std::vector<RolloutStep> steps{};
    std::optional<JudgeRule> judge{};
    bool freezes = false;         // when it is found bad
    bool keeps_old = true;        // it sleeps afterwards, if it may
    Duration patience{60'000};    // for children to come, and for those that are to go
    GenerationNumber new_one = 0; //
    GenerationNumber old_one = 0; // 0: nothing serves

    /// Is there nothing to do between the gate and the end?
    [[nodiscard]] bool is_at_once() const { return old_one == 0 || (steps.empty() && !judge && surge >= whole); }
    /// Children that the new generation has at its gate.
    [[nodiscard]] int first_children() const;
};

/// What is known at a moment.
struct RolloutView {
    Progress progress = Progress::coming; // of the new generation
    int new_ready = 0;
    int old_alive = 0; // children, those on their way out included
    bool old_serves = true;
    Tally new_tally, old_tally;                   // since both serve
    std::string new_failure;                      // an example of what the new one answered with 5xx
    std::uint64_t new_memory = 0, old_memory = 0; // bytes that a child has of its own, on average; 0: not known
};

/// What is to be done. The shell does it in this order.
struct RolloutOrder {
    enum class Kind { admit_beside, size_old, size_new, settle, take_back } kind;
    int children = 0; // of size_…; -1: as the topology says
    friend bool operator==(const RolloutOrder&, const RolloutOrder&) = default;
};

/// Pure: no clock, no system call.
class Rollout {
public:
    enum class Phase { gating, rolling, pausing, frozen, settled, failed };

    explicit Rollout(RolloutPlan plan);

    /// Something may have changed. Returns what to do; call it again at `next_look` at the latest.
    std::vector<RolloutOrder> step(const RolloutView& view, Time now);
    /// No more waiting: not for a pause, not for a verdict. Of a frozen one: on with it.
    void promote();
    /// Take it back.
    void abort(std::string why);

    [[nodiscard]] Phase phase() const { return phase_; }
    [[nodiscard]] bool is_over() const { return phase_ == Phase::settled || phase_ == Phase::failed; }
    /// Did clients reach it?
    [[nodiscard]] bool has_served() const { return has_served_; }
    [[nodiscard]] const std::string& why() const { return why_; }
    [[nodiscard]] const std::optional<Judge>& judge() const { return judge_; }
    /// When the pause in hand ends; far away: when somebody promotes.
    [[nodiscard]] std::optional<Time> pause_ends() const { return pause_ends_; }
    /// Too little was asked of it, all the time, to compare it with the old one.
    [[nodiscard]] bool is_unjudged() const;
    /// Children that the new generation should have now.
    [[nodiscard]] int target() const { return new_target_; }
    [[nodiscard]] std::optional<Time> next_look() const;

private:
    std::vector<RolloutOrder> admit(Time now);
    std::vector<RolloutOrder> roll(const RolloutView& view, Time now);
    std::vector<RolloutOrder> fail(std::string why);
    std::vector<RolloutOrder> settle();
    std::vector<RolloutOrder> size(const RolloutView& view, Time now);
    [[nodiscard]] std::string why_bad(const RolloutView& view) const;
    void judge_anew(const RolloutView& view, Time now);
    void weigh(const RolloutView& view, Time now);
    [[nodiscard]] bool is_judging() const { return judge_ && judge_->verdict() == Verdict::open && !promoted_; }
    [[nodiscard]] int wanted_by_step() const;

    RolloutPlan plan_;
    Phase phase_ = Phase::gating;
    std::size_t at_ = 0; // step
    int new_target_ = 0, old_target_ = 0;
    Time sized_at_{};
    std::optional<Time> short_since_; // children are missing
    std::optional<Time> pause_ends_;
    std::optional<Judge> judge_;
    Tally old_then_, new_then_; // when its window began
    std::optional<Time> weighed_at_;
    MemorySlope new_memory_, old_memory_;
    std::optional<std::string> abort_;
    bool is_fresh_ = false; // it has grown since it was judged last
    bool promoted_ = false;
    bool has_served_ = false;
    bool was_good_ = false; // by one of its verdicts
    std::string why_;
};

[[nodiscard]] std::string_view to_string(Rollout::Phase phase) noexcept;

} // namespace mpsup::core

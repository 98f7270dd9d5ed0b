// The generations of a worker that live, oldest first, and what became of the latest that are gone. It moves each through its
// life cycle, keeps the deadlines of its phases, and leaves what that asks of the shell; what is wanted of the worker is
// core::Worker's to know.
#pragma once

#include "supervisor/core/effect.h"
#include "supervisor/core/generation.h"
#include "supervisor/core/worker_rules.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace mpsup::core {

/// What became of a generation that an operation asked for.
enum class Progress { coming, standing_by, serving, did_not_make_it, over };

/// Pure, as core::Worker, whose it is. References to generations hold until one begins, is entered or is buried.
class Lineage {
public:
    explicit Lineage(WorkerRules rules) : rules_(rules) {}
    /// For what comes from here on.
    void set_rules(WorkerRules rules) { rules_ = rules; }
    [[nodiscard]] const WorkerRules& rules() const { return rules_; }

    // Who is there
    [[nodiscard]] const std::vector<Generation>& all() const { return generations_; }
    [[nodiscard]] std::span<Generation> all() { return generations_; }
    /// Null: it is not known, or gone.
    [[nodiscard]] const Generation* find(GenerationNumber number) const;
    [[nodiscard]] Generation* find(GenerationNumber number);
    [[nodiscard]] bool any(bool (*question)(Phase) noexcept) const;
    /// The newest that sleeps, or 0.
    [[nodiscard]] GenerationNumber sleeping() const;
    /// The newest that takes requests, or 0.
    [[nodiscard]] GenerationNumber serving() const;
    /// Processes that serve, and those that should.
    [[nodiscard]] int ready() const;
    [[nodiscard]] int wanted() const;
    [[nodiscard]] GenerationNumber last_number() const { return last_number_; }
    [[nodiscard]] Progress progress(GenerationNumber number) const;
    [[nodiscard]] const std::string& trouble(GenerationNumber number) const;

    // Coming and going
    /// Another one, which the shell is to spawn.
    Generation& begin(Time now);
    /// One that an earlier supervisor began, in its place; as it is, if it is there already.
    Generation& enter(GenerationNumber number);
    /// Numbers go on from here.
    void continue_after(GenerationNumber number) { last_number_ = std::max(last_number_, number); }
    /// Nothing of it is left. Returns what it was.
    Generation bury(const Generation& gone);

    // Life
    void step(Generation& generation, Trigger trigger, Time now);
    void retire_all(Time now);
    /// One serves alone. Of those that served before it the last is sent to sleep, if the rules say so and this is a pool that
    /// was asked for; without `keeps_old` none is. The rest is retired.
    void let_go_of_others(const Generation& settled, Time now, bool keeps_old);
    /// Those that are on their way; `before`: only older ones.
    void retire_coming(Time now);
    void retire_coming_before(GenerationNumber number, Time now);

    // Deadlines
    [[nodiscard]] std::optional<Time> next_deadline() const;
    /// Nobody could keep one for so long.
    void on_pause(Duration lasted);
    /// Somewhere there is no master to be had from among the children. False: not now.
    [[nodiscard]] bool lapse_successions(Time now);
    /// Whose phase has taken too long is told to leave, or killed.
    void end_overdue(Time now);

    // What the shell is to do
    void leave(Effect effect) { effects_.push_back(std::move(effect)); }
    void note(Note::Kind kind, GenerationNumber number, std::string text = {});
    void note_child(Note::Kind kind, GenerationNumber number, pid_t pid);
    [[nodiscard]] Effects take_effects() { return std::exchange(effects_, {}); }

private:
    void perform(GenerationNumber number, Action action);
    [[nodiscard]] std::optional<Time> sleepless_after(const Generation& generation) const;

    WorkerRules rules_;
    GenerationNumber last_number_ = 0;
    std::vector<Generation> generations_;
    struct Outcome {
        GenerationNumber number;
        bool served;
        std::string trouble;
    };
    std::vector<Outcome> outcomes_; // oldest first, bounded
    Effects effects_;
};

} // namespace mpsup::core

#include "supervisor/core/lineage.h"

#include "base/earlier.h"

#include <ranges>

namespace mpsup::core {

namespace {

constexpr std::size_t outcomes_kept = 8;

} // namespace

// Who is there

const Generation* Lineage::find(GenerationNumber number) const {
    const auto found = std::ranges::find(generations_, number, &Generation::number);
    return found == generations_.end() ? nullptr : &*found;
}

Generation* Lineage::find(GenerationNumber number) {
    const auto found = std::ranges::find(generations_, number, &Generation::number);
    return found == generations_.end() ? nullptr : &*found;
}

bool Lineage::any(bool (*question)(Phase) noexcept) const {
    return std::ranges::any_of(generations_, [&](const Generation& generation) { return question(generation.phase); });
}

GenerationNumber Lineage::sleeping() const {
    for (const Generation& generation : generations_ | std::views::reverse)
        if (generation.phase == Phase::sleeping && generation.process_alive) return generation.number;
    return 0;
}

GenerationNumber Lineage::serving() const {
    for (const Generation& generation : generations_ | std::views::reverse)
        if (is_taking_requests(generation.phase)) return generation.number;
    return 0;
}

int Lineage::ready() const {
    int count = 0;
    for (const Generation& generation : generations_)
        if (is_taking_requests(generation.phase)) count += generation.ready_count();
    return count;
}

int Lineage::wanted() const {
    if (!rules_.is_pool || serving() == 0) return rules_.wanted();
    int count = 0;
    for (const Generation& generation : generations_)
        if (is_taking_requests(generation.phase)) count += generation.wanted;
    return count;
}

Progress Lineage::progress(GenerationNumber number) const {
    if (const Generation* generation = find(number)) {
        if (generation->phase == Phase::standby) return Progress::standing_by;
        if (is_taking_requests(generation->phase)) return Progress::serving;
        if (is_coming(generation->phase)) return Progress::coming;
        return generation->was_ready() ? Progress::over : Progress::did_not_make_it;
    }
    const auto outcome = std::ranges::find(outcomes_, number, &Outcome::number);
    return outcome != outcomes_.end() && outcome->served ? Progress::over : Progress::did_not_make_it;
}

const std::string& Lineage::trouble(GenerationNumber number) const {
    static const std::string nothing;
    if (const Generation* generation = find(number)) return generation->trouble;
    const auto outcome = std::ranges::find(outcomes_, number, &Outcome::number);
    return outcome == outcomes_.end() ? nothing : outcome->trouble;
}

// Coming and going

Generation& Lineage::begin(Time now) {
    Generation& generation = generations_.emplace_back();
    generation.number = ++last_number_;
    generation.is_pool = rules_.is_pool;
    generation.wanted = rules_.pool;
    generation.enter(Phase::launching, rules_.limits, now);
    leave(Spawn{generation.number});
    return generation;
}

Generation& Lineage::enter(GenerationNumber number) {
    if (Generation* known = find(number)) return *known;
    const auto later = std::ranges::find_if(generations_, [&](const auto& other) { return other.number > number; });
    Generation& generation = *generations_.emplace(later);
    generation.number = number;
    generation.is_pool = rules_.is_pool;
    generation.wanted = rules_.pool;
    generation.passes_wanted = rules_.limits.gate_passes;
    generation.hold = true; // until all are known
    continue_after(number);
    return generation;
}

Generation Lineage::bury(const Generation& gone) {
    const auto place = std::ranges::find(generations_, gone.number, &Generation::number);
    Generation ended = std::move(*place);
    generations_.erase(place);
    outcomes_.push_back({ended.number, ended.was_ready(), ended.trouble});
    if (outcomes_.size() > outcomes_kept) outcomes_.erase(outcomes_.begin());
    return ended;
}

// Life

void Lineage::step(Generation& generation, Trigger trigger, Time now) {
    const Transition step = transition(generation.phase, trigger);
    if (step.next != generation.phase || step.action != Action::none) generation.enter(step.next, rules_.limits, now);
    perform(generation.number, step.action);
}

void Lineage::perform(GenerationNumber number, Action action) {
    switch (action) {
    case Action::none: return;
    case Action::send_go: return leave(SendGo{number});
    case Action::open_gate: return leave(OpenGate{number});
    case Action::send_serve: return leave(SendServe{number});
    case Action::send_sleep: return leave(SendSleep{number});
    case Action::send_wake: return leave(SendWake{number});
    case Action::send_drain: leave(SendDrain{number}); return note(Note::Kind::draining, number);
    case Action::kill: return leave(Kill{number});
    }
    std::unreachable();
}

void Lineage::retire_all(Time now) {
    for (Generation& generation : generations_) step(generation, Trigger::retire, now);
}

void Lineage::let_go_of_others(const Generation& settled, Time now, bool keeps_old) {
    const bool keeps = keeps_old && settled.planned && settled.is_pool && rules_.limits.keep.count() > 0;
    const auto newest_first = generations_ | std::views::reverse;
    const auto last = std::ranges::find_if(newest_first, [&](const Generation& other) {
        return keeps && other.number != settled.number && other.phase == Phase::serving && other.process_alive;
    });
    const bool sleeps = last != newest_first.end();
    const GenerationNumber kept = sleeps ? last->number : 0;
    for (Generation& other : generations_) {
        if (other.number == settled.number) continue;
        other.trial = false;
        step(other, other.number == kept ? Trigger::sleep : Trigger::retire, now);
    }
    if (sleeps) note(Note::Kind::slept, kept);
}

void Lineage::retire_coming(Time now) { retire_coming_before(last_number_ + 1, now); }

void Lineage::retire_coming_before(GenerationNumber number, Time now) {
    for (Generation& generation : generations_)
        if (generation.number < number && is_coming(generation.phase)) step(generation, Trigger::retire, now);
}

// Deadlines

std::optional<Time> Lineage::sleepless_after(const Generation& generation) const {
    if (generation.phase != Phase::sleeping || generation.children.empty()) return std::nullopt;
    return generation.phase_since + rules_.limits.grace;
}

std::optional<Time> Lineage::next_deadline() const {
    std::optional<Time> next;
    for (const Generation& generation : generations_)
        for (const auto& deadline :
             {generation.deadline, generation.succession.deadline(), sleepless_after(generation)})
            next = earlier(next, deadline);
    return next;
}

void Lineage::on_pause(Duration lasted) {
    for (Generation& generation : generations_) {
        if (generation.deadline) *generation.deadline += lasted;
        generation.succession.on_pause(lasted);
    }
}

bool Lineage::lapse_successions(Time now) {
    bool lapsed = false;
    for (Generation& generation : generations_) lapsed = generation.succession.lapse(now) || lapsed;
    return lapsed;
}

void Lineage::end_overdue(Time now) {
    for (Generation& generation : generations_) {
        if (!generation.deadline || now < *generation.deadline) continue;
        const std::string late = overdue_text(generation.phase, rules_.limits);
        const bool gate = generation.phase == Phase::gating;
        const bool slept = generation.phase == Phase::sleeping; // nothing is killed
        if (is_coming(generation.phase))
            generation.trouble = generation.trouble.empty() ? late : late + ": " + generation.trouble;
        if (gate)
            note(Note::Kind::gate_failed, generation.number, generation.trouble);
        else if (!slept)
            note(Note::Kind::killed, generation.number, late);
        step(generation, Trigger::overdue, now);
    }
    for (Generation& generation : generations_) // a child of it does not end
        if (const auto late = sleepless_after(generation); late && now >= *late) step(generation, Trigger::retire, now);
}

// What the shell is to do

void Lineage::note(Note::Kind kind, GenerationNumber number, std::string text) {
    leave(Note{.kind = kind, .generation = number, .status = {}, .text = std::move(text)});
}

void Lineage::note_child(Note::Kind kind, GenerationNumber number, pid_t pid) {
    leave(Note{.kind = kind, .generation = number, .pid = pid, .status = {}, .text = {}});
}

} // namespace mpsup::core

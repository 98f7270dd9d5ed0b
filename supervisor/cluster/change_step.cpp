#include "supervisor/cluster/change_step.h"

#include "supervisor/cluster/budget.h"

#include <algorithm>
#include <array>
#include <map>
#include <ranges>
#include <unordered_map>
#include <utility>

namespace mpsup::cluster {

namespace {

using Phase = ChangeRecord::Phase;
using State = Part::State;

std::vector<std::string_view> names_of(const std::vector<Part>& parts) {
    std::vector<std::string_view> names;
    for (const Part& part : parts) names.push_back(part.machine);
    std::ranges::sort(names);
    return names;
}

using ByName = std::unordered_map<std::string_view, const TopologyFacts::Machine*>;

ByName by_name(const TopologyFacts& facts) {
    ByName machines;
    for (const auto& machine : facts.machines) machines.emplace(machine.name, &machine);
    return machines;
}

// When a machine is changed, by who asks at its addresses.
enum class Rank { before_accelerators, with_them, after_them };

class Ranks {
public:
    explicit Ranks(const ByName& earlier) : earlier_(earlier) {}

    Rank of(const TopologyFacts::Machine& machine) {
        if (machine.has_accelerator) return Rank::with_them;
        const auto was = earlier_.find(machine.name);
        if (was == earlier_.end() || std::ranges::includes(machine.offers, was->second->offers))
            return Rank::before_accelerators;
        return std::ranges::includes(was->second->offers, machine.offers) ? Rank::after_them : half(machine);
    }

private:
    // It gives addresses up and gets others: of each worker's machines one half is reached at all times.
    Rank half(const TopologyFacts::Machine& machine) {
        int lead = 0;
        for (const std::string& worker : machine.workers) lead += lead_[worker];
        for (const std::string& worker : machine.workers) lead_[worker] += lead > 0 ? -1 : 1;
        return lead > 0 ? Rank::after_them : Rank::before_accelerators;
    }

    const ByName& earlier_;
    std::unordered_map<std::string_view, int> lead_; // of those before, by worker
};

class Stepper {
public:
    Stepper(const ClusterView& view, const TopologyFacts* facts, const Tenure& tenure, Moment now)
        : view_(view),
          facts_(facts),
          tenure_(tenure),
          now_(now),
          step_{view.change().value},
          change_(step_.change),
          wanted_(view.wanted().value) {}

    ChangeStep run() {
        if (change_.phase == Phase::checking)
            check();
        else
            roll();
        return std::move(step_);
    }

private:
    // Checking

    void check() {
        if (change_.is_aborted) return end(Phase::aborted);
        if (change_.brings_topology() && facts_) take_facts();
        std::vector<std::string> refusals;
        std::vector<std::string> silent;
        bool is_any = false;
        for (Part& part : change_.machines) {
            if (!take_up(part)) continue;
            is_any = true;
            judge(part.machine, refusals, silent);
        }
        if (!change_.part_of(change_.owner)) judge(change_.owner, refusals, silent);
        if (!is_any) refusals.push_back(why_nobody());
        const bool is_late = now_.boot >= tenure_.since + longest_check;
        if (refusals.empty() && is_late)
            for (const std::string& name : silent)
                refusals.push_back(name + " did not answer within " + std::to_string(longest_check.count()) + " s");
        if (refusals.empty() && silent.empty() && is_late && change_.brings_topology() && !facts_)
            refusals.push_back(change_.owner + " has not the topology that it leads");
        if (!refusals.empty()) {
            change_.reasons = fit(refusals);
            return end(Phase::refused);
        }
        if (!silent.empty() || (change_.brings_topology() && !facts_)) return;
        change_.phase = Phase::rolling;
        if (change_.brings_topology()) want();
        roll();
    }

    void take_facts() {
        change_.allowed = std::max(facts_->allowed, 1);
        TopologyFacts known; // what it was told of, in its order, so that nobody is left out
        for (const Part& part : change_.machines) known.machines.push_back({part.machine, false});
        auto parts = parts_of(&known, facts_);
        if (names_of(parts) == names_of(change_.machines)) return;
        for (Part& part : parts)
            if (const Part* before = change_.part_of(part.machine)) part = *before;
        change_.machines = std::move(parts);
    }

    std::string why_nobody() const {
        const auto cordoned = std::ranges::find(change_.machines, State::cordoned, &Part::state);
        if (cordoned == change_.machines.end()) return "no machine of it lives";
        return "no machine of it takes part: changes pass " + cordoned->machine +
               " by, as an operator said (`mpsup uncordon " + cordoned->machine + "`)";
    }

    // Is it one that has to accept?
    bool take_up(Part& part) {
        if (part.state == State::skipped) return false;
        part.state = passes_by(view_.fence(part.machine)) ? State::cordoned
                     : view_.machine(part.machine)        ? State::waiting
                                                          : State::absent;
        return part.state == State::waiting;
    }

    void judge(const std::string& name, std::vector<std::string>& refusals, std::vector<std::string>& silent) {
        const Known<MachineRecord>* machine = view_.machine(name);
        if (!machine) return;
        if (!*machine) return refusals.push_back(name + ": what it says of itself cannot be read: " + machine->problem);
        const MachineRecord& record = machine->value;
        const Report* report = report_of(record, Round::checking);
        if (!report) return silent.push_back(name);
        const bool is_invalid = report->state == Report::State::invalid;
        change_.is_invalid = change_.is_invalid || is_invalid;
        if (is_invalid || report->state == Report::State::refused || report->state == Report::State::failed) {
            for (const std::string& reason : report->reasons) refusals.push_back(name + ": " + reason);
            if (report->reasons.empty()) refusals.push_back(name + " refuses it");
        } else if (const std::string off = clock_problem(record); !off.empty()) {
            refusals.push_back(name + ": " + off);
        }
    }

    // It wrote it after the change was made and before it was read.
    std::string clock_problem(const MachineRecord& record) const {
        const auto seconds = [](WallTime time) { return std::to_string(time.count() / 1000) + " s"; };
        if (record.clock > now_.wall + farthest_clock)
            return "its clock is " + seconds(record.clock - now_.wall) + " ahead of " + change_.owner +
                   "'s: set them by NTP";
        if (record.clock + farthest_clock < change_.at)
            return "its clock is " + seconds(change_.at - record.clock) + " behind " + change_.owner +
                   "'s: set them by NTP";
        return {};
    }

    const Report* report_of(const MachineRecord& record, Round round) const {
        const bool is_ours = record.report.change == change_.id && record.report.round == round;
        return is_ours && record.report.state != Report::State::none ? &record.report : nullptr;
    }

    // Rolling and undoing

    void roll() {
        const Round round = change_.round();
        for (Part& part : change_.machines) follow(part, round);
        if (change_.phase == Phase::rolling) {
            watch_the_changed();
            if (change_.is_aborted || has(State::failed)) return give_up();
        }
        if (!step_.has_ailing) grant();
        if (has(State::waiting) || has(State::granted) || step_.has_ailing) return;
        if (change_.phase == Phase::rolling) return end(Phase::done);
        if (has(State::failed)) collect_failures();
        end(has(State::failed) ? Phase::failed : change_.is_aborted ? Phase::aborted : Phase::rolled_back);
    }

    void follow(Part& part, Round round) {
        if (part.state != State::waiting && part.state != State::granted) return;
        const Known<MachineRecord>* machine = view_.machine(part.machine);
        if (part.state == State::waiting && passes_by(view_.fence(part.machine))) {
            part.state = State::cordoned;
        } else if (!machine || !*machine) {
            part.state = State::absent;
        } else if (part.state == State::granted) {
            const Report* report = report_of(machine->value, round);
            if (!report) return;
            part.state = report->state == Report::State::done ? State::done : State::failed;
            part.has_served = report->has_served;
            if (part.state == State::failed)
                part.text = report->reasons.empty() ? "failed" : fit(report->reasons.front(), longest_text_of_part);
        }
    }

    // What is found bad only once it serves. Who was unwell before and stays so may be it for other reasons.
    void watch_the_changed() {
        for (Part& part : change_.machines) {
            const Known<MachineRecord>* machine = view_.machine(part.machine);
            if (part.state != State::done || !machine || !*machine) continue;
            if (machine->value.well) part.was_unwell = false; // from here on it is as all others
            if (machine->value.well || part.was_unwell) continue;
            step_.has_ailing = true;
            if (!tenure_.ailing || now_.boot < *tenure_.ailing + longest_ailing) continue;
            part.state = State::failed;
            part.text = "was unwell for " + std::to_string(longest_ailing.count()) + " s after it had changed";
        }
    }

    void give_up() {
        collect_failures();
        if (change_.brings_topology()) {
            undo();
            step_.has_ailing = false;
            return roll();
        }
        if (!has(State::granted)) end(change_.is_aborted ? Phase::aborted : Phase::failed);
    }

    void collect_failures() {
        for (const Part& part : change_.machines) {
            if (part.state != State::failed || change_.reasons.size() >= 20) continue;
            std::string reason = fit(part.machine + ": " + part.text);
            if (std::ranges::find(change_.reasons, reason) == change_.reasons.end())
                change_.reasons.push_back(std::move(reason));
        }
    }

    void undo() {
        change_.phase = Phase::undoing;
        change_.has_served = std::ranges::any_of(change_.machines, &Part::has_served);
        std::erase_if(change_.machines, [](const Part& part) {
            return part.state == State::waiting || part.state == State::absent || part.state == State::cordoned;
        });
        std::ranges::reverse(change_.machines); // who led to others first leads back first
        for (Part& part : change_.machines)     // whoever is at it is out of service, and stays counted
            part = {part.machine, part.state == State::granted ? State::granted : State::waiting, {}};
        if (change_.kind == ChangeRecord::Kind::rollback)
            wanted_.earlier.push_back(change_.to);
        else if (!wanted_.earlier.empty() && wanted_.earlier.back() == change_.before)
            wanted_.earlier.pop_back();
        wanted_.now = change_.before;
        step_.wanted = wanted_;
    }

    void want() {
        if (change_.kind == ChangeRecord::Kind::up) {
            const bool is_another = change_.before.digest != change_.to.digest; // what is gone back to is
            if (change_.before.number != 0 && is_another) wanted_.earlier.push_back(change_.before);
            if (wanted_.earlier.size() > most_earlier) wanted_.earlier.erase(wanted_.earlier.begin());
        } else if (!wanted_.earlier.empty() && wanted_.earlier.back() == change_.to) {
            wanted_.earlier.pop_back();
        }
        wanted_.now = change_.to;
        step_.wanted = wanted_;
    }

    void grant() {
        Budget budget = reckon();
        for (Part& part : change_.machines) {
            if (part.state != State::waiting) continue;
            const bool is_out = !view_.machine(part.machine)->value.well;
            if (!budget.has_room(is_out)) continue;
            part.state = State::granted;
            part.was_unwell = is_out;
            ++budget.granted;
            if (is_out) --budget.unwell;
        }
    }

    Budget reckon() const {
        Budget budget{change_.allowed};
        for (const Part& part : change_.machines) {
            const FenceRecord fence = view_.fence(part.machine);
            const Known<MachineRecord>* machine = view_.machine(part.machine);
            if (fence.removed) continue;
            const bool is_here = machine && *machine;
            if (part.state == State::granted || (is_here && view_.is_converging(part.machine)))
                ++budget.granted;
            else if (!is_here)
                ++budget.absent;
            else if (fence.drained || !machine->value.well || has_other_than_wanted(part, machine->value))
                ++budget.unwell;
        }
        return budget;
    }

    // One that came back, or failed. Who waits, or is not asked, runs what it should.
    bool has_other_than_wanted(const Part& part, const MachineRecord& record) const {
        const bool is_untouched =
            part.state == State::waiting || part.state == State::cordoned || part.state == State::skipped;
        return !is_untouched && record.runs != wanted_.now;
    }

    [[nodiscard]] bool has(State state) const {
        return std::ranges::find(change_.machines, state, &Part::state) != change_.machines.end();
    }

    void end(Phase phase) {
        change_.phase = phase;
        if (change_.kind == ChangeRecord::Kind::restart && phase != Phase::done) {
            name("restarted, and stay so: ",
                 [](const Part& part) { return part.state == State::done && part.has_served; });
            name("not restarted: ", [](const Part& part) { return part.state == State::waiting; });
        }
        const auto is = [](State state) { return [state](const Part& part) { return part.state == state; }; };
        name(change_.brings_topology()                     ? "absent, to take it when they return: "
             : change_.kind == ChangeRecord::Kind::restart ? "absent, so what runs there was not restarted: "
                                                           : "absent, so what runs there was not rolled back: ",
             is(State::absent));
        name("passed by, because an operator said so: ", is(State::cordoned));
        if (phase == Phase::done && change_.brings_topology() && facts_) name_those_that_left();
    }

    // A machine whose name was changed in the file is, to its supervisor, one that is not in it.
    void name_those_that_left() {
        const ByName staying = by_name(*facts_);
        const auto has_left = [&](const Part& part) {
            return part.state == State::done && !staying.contains(part.machine);
        };
        name("not in it any more, so nothing runs there: ", has_left);
        std::map<std::string_view, std::string_view> left; // by their addresses
        for (const Part& part : change_.machines | std::views::filter(has_left))
            if (const auto* machine = view_.machine(part.machine); machine && !machine->value.address.empty())
                left[machine->value.address] = part.machine;
        for (const Part& part : change_.machines) {
            if (part.state != State::absent || !staying.contains(part.machine)) continue;
            const auto same = left.find(staying.at(part.machine)->address);
            if (same == left.end()) continue;
            change_.reasons.push_back(part.machine + " has the address of " + std::string(same->second) +
                                      ", which lives: is it the same machine?");
        }
    }

    template <typename Is> void name(std::string words, Is is) {
        bool is_first = true;
        for (const Part& part : change_.machines) {
            if (!is(part)) continue;
            words += (std::exchange(is_first, false) ? "" : ", ") + part.machine;
        }
        if (!is_first) change_.reasons.push_back(std::move(words));
    }

    const ClusterView& view_;
    const TopologyFacts* facts_;
    const Tenure& tenure_;
    Moment now_;
    ChangeStep step_;
    ChangeRecord& change_;
    WantedRecord wanted_;
};

} // namespace

ChangeStep next_step(const ClusterView& view, const TopologyFacts* facts, const Tenure& tenure, Moment now) {
    return Stepper(view, facts, tenure, now).run();
}

Put end_of(const ChangeRecord& change, WallTime ended, const Keys& keys) {
    if (!change.brings_new_topology()) return {keys.past(change.serial), encode(past_of(change, ended))};
    return {keys.outcome(change.to.number), encode(OutcomeRecord{change.id, change.phase, ended, change.reasons})};
}

// Of thousands, each time that one of them answers: nothing is copied, and nobody is looked for in a list.
std::vector<Part> parts_of(const TopologyFacts* before, const TopologyFacts* after) {
    if (!before) before = after;
    if (!after) after = before;
    std::vector<Part> parts;
    if (!after) return parts;
    const auto add = [&](const std::string& name) {
        if (parts.size() < most_machines) parts.push_back({name});
    };
    const ByName earlier = by_name(*before);
    const ByName later = by_name(*after);
    std::array<std::vector<const TopologyFacts::Machine*>, 3> ranks; // in their order
    Ranks rank(earlier);
    for (const auto& machine : after->machines)
        ranks.at(static_cast<std::size_t>(rank.of(machine))).push_back(&machine);
    for (const auto& group : ranks)
        for (const auto* machine : group) add(machine->name);
    for (const auto& machine : before->machines)
        if (!later.contains(machine.name)) add(machine.name);
    return parts;
}

} // namespace mpsup::cluster

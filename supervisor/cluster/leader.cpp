#include "supervisor/cluster/leader.h"

#include <iterator>

namespace mpsup::cluster {

using namespace std::chrono_literals;

namespace {

constexpr Duration grace = 2s;     // of a leader whose lease was lost, and is granted anew
constexpr Duration turn_time = 3s; // of each who may take over, one after the other
constexpr int most_turns = 5;
constexpr Duration for_each_machine = 1ms; // between two steps: all of them read each

std::string name_of(const ChangeRecord& change) {
    return change.id + ' ' + std::string(to_string(change.phase)) + ' ' + std::to_string(change.term);
}

bool leads(const ClusterView& view, const ChangeRecord& change) {
    const Known<MachineRecord>* owner = view.machine(change.owner);
    return owner && *owner && owner->value.instance == change.instance;
}

} // namespace

Transaction to_write(const ChangeStep& step, const ClusterView& view, WallTime now) {
    const Keys& keys = view.keys();
    const auto unchanged = [&](const std::string& key) { return Unchanged{key, view.modified(key)}; };
    Transaction transaction{{unchanged(keys.change())}, {Put{keys.change(), encode(step.change)}}, {}};
    if (step.wanted) {
        transaction.when.push_back(unchanged(keys.wanted()));
        transaction.then.emplace_back(Put{keys.wanted(), encode(*step.wanted)});
    }
    if (step.change.is_over()) transaction.then.emplace_back(end_of(step.change, now, keys));
    return transaction;
}

void Leader::look(Turn& turn) {
    const Known<ChangeRecord>& change = turn.view.change();
    if (!turn.is_in_force() || !change || change->is_over() || !flight_.is_free(turn)) return;
    if (change->owner == turn.me.machine && change->instance == turn.me.instance) return lead(turn);
    if (leads(turn.view, change.value)) return orphaned_.clear();
    take_over(turn);
}

void Leader::keep_tenure(const ChangeRecord& change, Moment now) {
    std::string name = name_of(change);
    if (led_ == name) return;
    led_ = std::move(name);
    tenure_ = {now.boot, {}};
    stepped_at_.reset();
}

void Leader::lead(Turn& turn) {
    const ChangeRecord& change = turn.view.change().value;
    keep_tenure(change, turn.now);
    if (stepped_at_) {
        const Time due = *stepped_at_ + for_each_machine * change.machines.size();
        if (turn.now.boot < due) return turn.alarm.at(due);
    }
    const ChangeStep step = next_step(turn.view, turn.facts.of(change.to.digest), tenure_, turn.now);
    if (!step.has_ailing)
        tenure_.ailing.reset();
    else if (!tenure_.ailing)
        tenure_.ailing = turn.now.boot;
    if (step.change == change) {
        const Time late = tenure_.since + longest_check;
        if (change.phase == ChangeRecord::Phase::checking && turn.now.boot < late) turn.alarm.at(late);
        if (tenure_.ailing) turn.alarm.at(*tenure_.ailing + longest_ailing);
        return;
    }
    stepped_at_ = turn.now.boot;
    flight_.submit(turn, to_write(step, turn.view, turn.now.wall));
}

// One after the other, by name; whoever was the leader's machine is first.
void Leader::take_over(Turn& turn) {
    const ChangeRecord& change = turn.view.change().value;
    if (std::string name = name_of(change); orphaned_ != name) {
        orphaned_ = std::move(name);
        const auto& machines = turn.view.machines();
        const auto rank = std::distance(machines.begin(), machines.find(turn.me.machine));
        may_take_ = turn.now.boot + grace + turn_time * std::min<long>(rank, most_turns);
        if (change.owner == turn.me.machine) may_take_ = turn.now.boot;
    }
    if (turn.now.boot < may_take_) return turn.alarm.at(may_take_);
    ChangeStep step;
    step.change = change;
    step.change.owner = turn.me.machine;
    step.change.instance = turn.me.instance;
    ++step.change.term;
    flight_.submit(turn, to_write(step, turn.view, turn.now.wall));
    orphaned_.clear();
}

} // namespace mpsup::cluster

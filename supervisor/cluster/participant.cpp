#include "supervisor/cluster/participant.h"

namespace mpsup::cluster {

using namespace std::chrono_literals;
using Kind = ChangeRecord::Kind;
using Phase = ChangeRecord::Phase;

namespace {

constexpr Duration shortest_patience = 10s;
constexpr Duration longest_patience = 300s;

bool is_in_hand(const ChangeRecord& change, const std::string& machine) {
    if (change.is_over()) return false;
    const Part* part = change.part_of(machine);
    return part && (part->state == Part::State::waiting || part->state == Part::State::granted);
}

bool is_refusal(Report::State state) { return state == Report::State::refused || state == Report::State::invalid; }

} // namespace

bool Participant::has_reported(const ChangeRecord& change) const {
    return report_.change == change.id && report_.round == change.round() && report_.state != Report::State::none;
}

void Participant::say(const ChangeRecord& change, Report::State state, const std::vector<std::string>& reasons) {
    report_ = {change.id, change.round(), state, fit(reasons)};
}

void Participant::look(Turn& turn) {
    if (!turn.is_connected || !turn.has_key) return;
    const Known<ChangeRecord>& change = turn.view.change();
    if (!turn.is_trusted) {
        if (change && !change->is_over()) refuse_orders(change.value, turn);
        return;
    }
    mind_operation(turn);
    if (change && change->phase == Phase::checking) check(change.value, turn);
    if (change && !change->is_over()) take_part(change.value, turn);
    converge(turn);
}

// Nobody waits for it.
void Participant::refuse_orders(const ChangeRecord& change, const Turn& turn) {
    const Part* part = change.part_of(turn.me.machine);
    if (!part || has_reported(change)) return;
    if (change.phase == Phase::checking || part->state == Part::State::granted)
        say(change, change.phase == Phase::checking ? Report::State::refused : Report::State::failed,
            {"takes no orders of this store, which is not the one that it knows; `mpsup cluster accept` there takes "
             "it"});
}

void Participant::check(const ChangeRecord& change, Turn& turn) {
    const Part* part = change.part_of(turn.me.machine);
    if (!part && change.owner != turn.me.machine) return;
    const bool is_known = !change.brings_topology() || turn.facts.of(change.to.digest);
    const bool must_learn = change.owner == turn.me.machine && !is_known;
    if (has_reported(change) && (!must_learn || is_refusal(report_.state))) return;
    if (!change.brings_topology()) return say(change, Report::State::accepted, {});
    if (checking_ == change.to && checked_for_ == change.id) return;
    const TopologyRecord* topology = document_of(change.to, turn);
    if (!topology && missing_ == change.to) return say(change, Report::State::refused, {missing_words()});
    if (!topology) return;
    checking_ = change.to;
    checked_for_ = change.id;
    turn.out.push(Check{change.id, change.to, topology->document, topology->path});
}

void Participant::on_checked(const Checked& checked, Turn& turn) {
    if (checked.accepted) turn.facts.learn(checked.to.digest, checked.facts);
    if (checking_ != checked.to || checked_for_ != checked.change) return;
    checking_.reset();
    if (checked.change.empty() && !checked.accepted) {
        tried_ = checked.to;
        return wait_longer(turn.now);
    }
    const Known<ChangeRecord>& change = turn.view.change();
    if (!change || change->id != checked.change || change->phase != Phase::checking) return;
    Report::State state = checked.is_invalid ? Report::State::invalid : Report::State::refused;
    if (checked.accepted) state = Report::State::accepted;
    say(change.value, state, checked.reasons);
}

void Participant::take_part(const ChangeRecord& change, Turn& turn) {
    if (change.phase == Phase::checking || has_reported(change) || operation_ || turn.local.busy) return;
    if (!is_granted(change, turn)) return;
    if (change.is_aborted && !change.brings_topology()) return say(change, Report::State::failed, {"it was aborted"});
    Do task{change.id,      change.round(), change.kind, change.to,   {},         {},
            change.workers, change.fast,    change.who,  change.from, change.note};
    if (change.phase == Phase::undoing) {
        task.to = change.before;
        task.fast = true;
        if (change.kind == Kind::up) task.kind = Kind::rollback;
    }
    if (change.brings_topology() && task.to.number != 0) {
        const TopologyRecord* topology = document_of(task.to, turn);
        if (!topology && missing_ == task.to) return say(change, Report::State::failed, {missing_words()});
        if (!topology) return;
        task.document = topology->document;
        task.path = topology->path;
    }
    begin(std::move(task), turn);
}

// In a list of thousands, asked after each news: it is looked for once.
bool Participant::is_granted(const ChangeRecord& change, const Turn& turn) {
    if (std::exchange(granted_in_, turn.view.change().modified) != turn.view.change().modified) {
        const Part* part = change.part_of(turn.me.machine);
        is_granted_ = part && part->state == Part::State::granted;
    }
    return is_granted_;
}

void Participant::begin(Do task, Turn& turn) {
    operation_ = Operation{task, false, false};
    turn.out.push(std::move(task));
}

bool Participant::must_converge(Turn& turn) {
    const Known<WantedRecord>& wanted = turn.view.wanted();
    if (!wanted || wanted->now == turn.local.runs) return false;
    if (passes_by(turn.view.fence(turn.me.machine))) return false;
    const Known<ChangeRecord>& change = turn.view.change();
    if (change.exists() && (!change || is_in_hand(change.value, turn.me.machine))) return false;
    if (tried_ != wanted->now) try_again_.reset(), patience_ = Duration(0);
    if (std::exchange(brought_, {}) == wanted->now) wait_longer(turn.now); // and yet it does not run
    if (!try_again_ || turn.now.boot >= *try_again_) return true;
    turn.alarm.at(*try_again_);
    return false;
}

// What came back, or was uncordoned, or could not take part, gets by itself to what all others run.
void Participant::converge(Turn& turn) {
    if (operation_ || turn.local.busy) return;
    if (!must_converge(turn)) return convergence_.give_back(turn);
    const Known<WantedRecord>& wanted = turn.view.wanted();
    if (wanted->now.number != 0 && !turn.facts.of(wanted->now.digest)) return check_alone(wanted->now, turn);
    const TopologyRecord* topology = wanted->now.number != 0 ? document_of(wanted->now, turn) : nullptr;
    if (wanted->now.number != 0 && !topology) return;
    if (!convergence_.has_turn(turn)) return;
    Do task;
    task.to = wanted->now;
    task.fast = true;
    if (topology) {
        task.document = topology->document;
        task.path = topology->path;
        task.who = topology->who;
        task.from = topology->from;
        task.note = topology->note;
    }
    tried_ = wanted->now;
    begin(std::move(task), turn);
}

// It was begun for a change that goes another way, or in one that is in no hurry any more.
void Participant::mind_operation(Turn& turn) {
    if (!operation_) return;
    const Do& task = operation_->task;
    const Known<ChangeRecord>& change = turn.view.change();
    const Known<WantedRecord>& wanted = turn.view.wanted();
    const bool is_current = change && change->id == task.change && !change->is_over() && change->round() == task.round;
    const bool brings = task.kind == Kind::up || (task.kind == Kind::rollback && task.workers.empty());
    const bool is_unwanted =
        brings ? !is_current && wanted && wanted->now != task.to : is_current && change->is_aborted;
    if (is_unwanted && !std::exchange(operation_->is_taken_back, true))
        turn.out.push(
            TakeBack{change && !change->reasons.empty() ? change->reasons.front() : "it is not wanted any more"});
    if (is_current && change->fast && !task.fast && !std::exchange(operation_->is_promoted, true))
        turn.out.push(PromoteNow{});
}

void Participant::on_done(const Done& done, const ClusterView& view, Moment now) {
    if (!operation_ || operation_->task.change != done.change || operation_->task.round != done.round) return;
    const bool was_taken_back = operation_->is_taken_back;
    const Version to = operation_->task.to;
    operation_.reset();
    if (!done.change.empty()) {
        if (view.change() && view.change()->id != done.change)
            return; // nobody waits for it, and another one may be reported on
        const auto state = done.succeeded ? Report::State::done : Report::State::failed;
        report_ = {done.change, done.round, state, {}, done.has_served};
        if (!done.succeeded) report_.reasons.push_back(fit(done.text));
        return;
    }
    if (!done.succeeded && !was_taken_back) wait_longer(now);
    if (done.succeeded) brought_ = to;
}

void Participant::wait_longer(Moment now) {
    patience_ = std::clamp(2 * patience_, shortest_patience, longest_patience);
    try_again_ = now.boot + patience_;
}

// What nobody asked it about, because it was not there.
void Participant::check_alone(const Version& version, Turn& turn) {
    if (checking_ == version && checked_for_.empty()) return;
    const TopologyRecord* topology = document_of(version, turn);
    if (!topology) return;
    checking_ = version;
    checked_for_.clear();
    turn.out.push(Check{{}, version, topology->document, topology->path});
}

const TopologyRecord* Participant::document_of(const Version& version, Turn& turn) {
    const TopologyRecord* known = turn.view.topology(version.number);
    if (known && known->digest == version.digest) return known;
    if (asked_) return nullptr;
    if (ask_again_ && turn.now.boot < *ask_again_) return turn.alarm.at(*ask_again_), nullptr;
    asked_ = {turn.out.submit({{}, {Get{{turn.keys().topology(version.number)}}}, {}}), version};
    ask_again_ = turn.now.boot + 5s;
    return nullptr;
}

void Participant::on_answer(RequestId request, const Result<TransactionReply>& reply, ClusterView& view, Moment now) {
    if (convergence_.on_answer(request, reply, now)) return;
    if (!asked_ || asked_->request != request) return;
    const Asked asked = *asked_;
    asked_.reset();
    if (!reply || reply->results.size() != 1) return;
    const auto& found = reply->results.front().found;
    auto record = found.empty() ? failure("it is not there") : decode<TopologyRecord>(found.front().value);
    if (record && record->digest == asked.version.digest) {
        missing_.reset();
        view.learn(asked.version.number, std::move(*record));
    } else {
        missing_ = asked.version;
    }
}

std::string Participant::missing_words() const {
    return "topology " + std::to_string(missing_ ? missing_->number : 0) + " is not in the store as it was ordered";
}

} // namespace mpsup::cluster

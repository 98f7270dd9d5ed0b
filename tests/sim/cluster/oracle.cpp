#include "tests/sim/cluster/oracle.h"

#include <algorithm>

namespace mpsup::sim {

using cluster::Change;
using cluster::ChangeRecord;
using cluster::FenceRecord;
using cluster::KeyValue;
using cluster::MachineRecord;
using cluster::Part;
using cluster::Revision;
using cluster::StoreRecord;
using Phase = ChangeRecord::Phase;

FleetOracle::FleetOracle(Etcd& etcd, Clock& clock, const Books& books, cluster::Keys keys)
    : etcd_(etcd), clock_(clock), books_(books), keys_(std::move(keys)) {
    accepted_.insert(0);
}

void FleetOracle::fail(const std::string& what) const { throw Violation(what + " at " + std::to_string(clock_.ms())); }

template <typename Record> std::optional<Record> FleetOracle::read(const KeyValue& item) {
    if (item.modified == 0) return std::nullopt;
    auto record = cluster::decode<Record>(item.value);
    if (!record) throw Violation(item.key + " cannot be read: " + record.error().to_string());
    return std::move(*record);
}

void FleetOracle::on_changes(const std::vector<Change>& changes, const std::vector<KeyValue>& before) {
    for (std::size_t i = 0; i < changes.size(); ++i) {
        const Change& change = changes[i];
        if (const auto name = keys_.name_below("machine/", change.now.key); !name.empty())
            note_machine(std::string(name), change, before[i]);
        if (const auto name = keys_.name_below("fence/", change.now.key); !name.empty())
            fences_[std::string(name)][change.now.modified] =
                change.deleted ? FenceRecord() : read<FenceRecord>(change.now).value_or(FenceRecord());
        if (const auto store =
                change.now.key == keys_.store() && !change.deleted ? read<StoreRecord>(change.now) : std::nullopt;
            store && !store->replaces.empty())
            accepted_.insert(etcd_.generation());
    }
    for (std::size_t i = 0; i < changes.size(); ++i)
        if (changes[i].now.key == keys_.change()) judge_change(changes[i].now, before[i]);
}

void FleetOracle::on_replaced(bool is_known_to_all) {
    if (!is_known_to_all) accepted_.insert(etcd_.generation());
    states_.clear();
    fences_.clear();
    alone_.clear(); // whose turn it was is lost with it
    for (const auto& [key, item] : etcd_.keys()) {
        if (const auto name = keys_.name_below("machine/", key); !name.empty())
            note_machine(std::string(name), {false, item}, {});
        if (const auto name = keys_.name_below("fence/", key); !name.empty())
            fences_[std::string(name)][item.modified] = read<FenceRecord>(item).value_or(FenceRecord());
    }
}

void FleetOracle::note_machine(const std::string& name, const Change& change, const KeyValue& before) {
    State& state = states_[name][change.now.modified];
    state = {};
    if (change.deleted) return;
    const auto record = read<MachineRecord>(change.now);
    state = {true, record->well, record->runs, {}};
    if (record->report.state == cluster::Report::State::accepted) state.accepts = record->report.change;
    if (const auto other = read<MachineRecord>(before))
        if (other->boot != record->boot || other->address != record->address)
            fail("the name " + name + " was taken from another");
}

FleetOracle::State FleetOracle::state_at(const std::string& machine, Revision revision) const {
    const auto history = states_.find(machine);
    if (history == states_.end()) return {};
    auto after = history->second.upper_bound(revision);
    return after == history->second.begin() ? State() : std::prev(after)->second;
}

FenceRecord FleetOracle::fence_at(const std::string& machine, Revision revision) const {
    const auto history = fences_.find(machine);
    if (history == fences_.end()) return {};
    auto after = history->second.upper_bound(revision);
    return after == history->second.begin() ? FenceRecord() : std::prev(after)->second;
}

void FleetOracle::judge_change(const KeyValue& now, const KeyValue& before) {
    const auto next = read<ChangeRecord>(now);
    const auto last = read<ChangeRecord>(before);
    if (!writer_) fail("somebody changed the change");
    if (last && last->id == next->id)
        judge_step(*next, *last);
    else
        judge_begin(*next, last);
    if (next->is_over()) ended_[next->id] = next->phase;
}

void FleetOracle::judge_begin(const ChangeRecord& now, const std::optional<ChangeRecord>& before) {
    if (before && !before->is_over()) fail("a change was begun while another ran");
    if (ended_.contains(now.id)) fail("a change was begun twice");
    if (now.phase != Phase::checking) fail("a change was begun that nobody checked");
    if (now.owner != writer_->machine || now.instance != writer_->instance) fail("a change was begun for another");
    granted_ailing_.clear();
}

void FleetOracle::judge_step(const ChangeRecord& now, const ChangeRecord& before) {
    if (before.is_over()) fail("a change that was over went on");
    const bool is_forward = now.phase == before.phase || now.phase > before.phase;
    if (!is_forward) fail("a change went back");
    if (now.owner != before.owner || now.instance != before.instance) {
        if (now.term != before.term + 1) fail("a change was taken over without a term");
        if (now.owner != writer_->machine || now.instance != writer_->instance) fail("a change was given away");
        if (now.machines != before.machines || now.phase != before.phase) fail("whoever took a change over changed it");
        return;
    }
    const bool is_of_owner = writer_->machine == before.owner && writer_->instance == before.instance;
    const bool is_acceptance =
        now.phase == Phase::aborted && accepted_.contains(etcd_.generation()) && etcd_.generation() > 0;
    if ((now.machines != before.machines || now.phase != before.phase) && !is_of_owner && !is_acceptance)
        fail("somebody else than the owner led a change on");
    if (now.phase == Phase::rolling && before.phase == Phase::checking)
        for (const Part& part : now.machines) {
            if (part.state != Part::State::waiting && part.state != Part::State::granted) continue;
            const State state = state_at(part.machine, writer_->knew);
            if (state.lives && state.accepts != now.id) fail(part.machine + " was not asked before a change began");
        }
    if (now.brings_topology() && now.phase == Phase::rolling && before.phase == Phase::checking) {
        const auto* item = etcd_.find(keys_.wanted());
        if (!item || read<cluster::WantedRecord>(*item)->now != now.to) fail("what rolls is not what is wanted");
    }
    if (now.phase == Phase::undoing && before.phase != Phase::undoing) {
        const auto* item = etcd_.find(keys_.wanted());
        if (!item || read<cluster::WantedRecord>(*item)->now != now.before)
            fail("what is gone back to is not what is wanted");
    }
    judge_budget(now, &before);
}

// As its owner knew the machines: those that fell out since, nobody could reckon with.
void FleetOracle::judge_budget(const ChangeRecord& now, const ChangeRecord* before) {
    std::vector<std::string> fresh;
    for (const Part& part : now.machines) {
        const Part* was = before ? before->part_of(part.machine) : nullptr;
        const bool was_granted = was && was->state == Part::State::granted;
        if (part.state == Part::State::granted && !was_granted) fresh.push_back(part.machine);
    }
    if (fresh.empty()) return;
    const auto* wanted = etcd_.find(keys_.wanted());
    const cluster::Version version = wanted ? read<cluster::WantedRecord>(*wanted)->now : cluster::Version();
    // Who failed may be granted in the same step that turns back.
    const bool is_turn_back = before && now.phase == Phase::undoing && before->phase != Phase::undoing;
    int out = 0, out_anyway = 0;
    bool takes_away = false; // what served
    for (const Part& part : now.machines) {
        const State state = state_at(part.machine, writer_->knew);
        const FenceRecord fence = fence_at(part.machine, writer_->knew);
        if (fence.removed) continue;
        const bool is_ailing = !state.lives || !state.is_well || fence.drained;
        if (part.state == Part::State::granted) {
            const bool is_fresh = std::ranges::find(fresh, part.machine) != fresh.end();
            if (is_fresh || is_turn_back) granted_ailing_[part.machine] = is_ailing;
            takes_away = takes_away || (is_fresh && !is_ailing);
            ++out;
            out_anyway += granted_ailing_[part.machine] ? 1 : 0;
            continue;
        }
        if (alone_.contains(part.machine) && state.lives) {
            ++out; // on its way to what is wanted
            continue;
        }
        const bool is_untouched = part.state == Part::State::waiting || part.state == Part::State::cordoned ||
                                  part.state == Part::State::skipped;
        const bool is_expected = is_untouched || state.runs == version;
        if (is_ailing || !is_expected) ++out, ++out_anyway;
    }
    most_out_ = std::max(most_out_, out);
    const int allowed = now.to.digest.empty() ? 1 : std::max(1, books_.of(now.to.digest).facts.allowed);
    if (now.allowed > allowed) fail("more machines may be out of service than the topology says");
    if (takes_away && out > std::max(now.allowed, out_anyway + 1))
        fail(std::to_string(out) + " machines are out of service, " + std::to_string(out_anyway) + " anyway, and " +
             std::to_string(now.allowed) + " may be");
}

void FleetOracle::begins(const std::string& machine, int trusts_generation, int listed_generation) {
    if (trusts_generation >= 0 && trusts_generation < listed_generation && !accepted_.contains(listed_generation))
        fail(machine + " takes an order of a store that nobody accepted");
}

// Whoever is counted as gone may be at it still: one always may, or nothing would ever change again.
void FleetOracle::begins_alone(const std::string& machine, int allowed) {
    alone_.insert(machine);
    const auto count = std::ranges::count_if(
        alone_, [&](const std::string& name) { return state_at(name, etcd_.header().revision).lives; });
    if (count > allowed)
        fail(std::to_string(count) + " machines converge at a time, and " + std::to_string(allowed) + " may");
}

void FleetOracle::holds(int machine, std::optional<Time> until) {
    holds_until_.erase(machine);
    if (!until || *until <= clock_.now()) return;
    holds_until_[machine] = *until;
    if (holders() > 1) fail("two machines have the address");
}

bool FleetOracle::has_address(int machine) const {
    const auto found = holds_until_.find(machine);
    return found != holds_until_.end() && found->second > clock_.now();
}

int FleetOracle::holders() const {
    return static_cast<int>(
        std::ranges::count_if(holds_until_, [&](const auto& each) { return each.second > clock_.now(); }));
}

void FleetOracle::answered(cluster::AskId ask) {
    if (asked_.erase(ask) == 0) fail("an ask was answered twice");
}

std::string FleetOracle::open_asks() const {
    std::string text;
    for (const auto& [id, asked] : asked_) text += " " + asked.what;
    return text;
}

} // namespace mpsup::sim

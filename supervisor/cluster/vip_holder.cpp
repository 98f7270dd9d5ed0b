#include "supervisor/cluster/vip_holder.h"

#include <algorithm>

namespace mpsup::cluster {

using namespace std::chrono_literals;

namespace {

constexpr Duration settling = 2s;      // for a machine whose key is gone to hear of it
constexpr Duration patience = 5s;      // with one that is unwell
constexpr Duration turn_time = 3s;     // of each who may take it, one after the other
constexpr Duration asking_again = 1s;  // that it goes
constexpr Duration unable_time = 10s;  // before it is tried again where it could not be had
constexpr Duration shortest_hold = 2s; // the kernel counts whole seconds

} // namespace

// The first choice first: who is well before who only lives, each in the order of the list. Of those that run the same topology:
// others may have it on other machines, or not at all.
std::vector<VipHolder::Candidate> VipHolder::candidates(const Turn& turn) const {
    std::vector<Candidate> all;
    const TopologyFacts* facts = turn.facts.of(turn.local.runs.digest);
    if (!facts || !facts->vip || facts->vip->address != address_) return all;
    for (const std::string& name : facts->vip->on) {
        const Known<MachineRecord>* machine = turn.view.machine(name);
        const FenceRecord fence = turn.view.fence(name);
        if (!machine || !*machine || fence.drained || fence.removed) continue;
        const bool is_own = name == turn.me.machine;
        if (!is_own && machine->value.runs != turn.local.runs) continue;
        all.push_back({name, is_own ? turn.local.well : machine->value.well});
    }
    std::ranges::stable_partition(all, &Candidate::is_well);
    return all;
}

// While nobody knows it stays as it is.
std::string VipHolder::wanted(const Turn& turn) const {
    const TopologyFacts* facts = turn.facts.of(turn.local.runs.digest);
    if (!facts) return turn.local.runs.digest.empty() ? std::string() : address_;
    return facts->vip ? facts->vip->address : std::string();
}

bool VipHolder::is_urgent(const ClusterView& view, const std::string& machine) const {
    return until_ || (!address_.empty() && view.vip(address_)->machine == machine);
}

void VipHolder::on_replaced(Moment now) {
    not_before_ = now.boot + longest_hold;
    was_had_ = false;
}

void VipHolder::on_vip(const HoldVip& asked, bool is_here, Moment now) {
    if (asked.address != address_ || asked.until != until_ || is_here) return;
    if (asked.until) unable_until_ = now.boot + unable_time;
    here_until_ = asked.until ? here_until_before_ : Time();
    had_key_ = had_key_ && asked.until;
    until_.reset();
    dropped_at_.reset();
}

void VipHolder::look(Turn& turn) {
    if (until_ && turn.now.boot >= *until_) until_.reset(); // the kernel has taken it away
    const std::string wanted = this->wanted(turn);
    const bool has_to_go = turn.lease == 0 || wanted != address_;
    if (until_ ? has_to_go : is_going(turn.now)) drop(turn);
    mind_store(turn);
    if (!turn.is_connected || !turn.is_trusted) return free_since_.reset();
    const bool was_mine = turn.view.vip(address_)->machine == turn.me.machine;
    const bool is_done_with = wanted != address_ && !was_mine && !is_going(turn.now);
    if (is_done_with && flight_.is_free(turn)) change_address(turn, wanted); // a key that is taken still would stay
    if (address_.empty()) return;
    const Known<VipRecord>& key = turn.view.vip(address_);
    if (turn.has_key && key->machine == turn.me.machine) {
        had_key_ = true;
        if (is_leaving_ || is_releasing_ || wanted != address_ || should_go(turn)) return give_up(turn);
        return keep(turn, key);
    }
    is_releasing_ = false;
    unwell_since_.reset();
    if (until_) drop(turn);
    if (turn.has_key && !is_leaving_ && wanted == address_) take(turn, key);
}

// An acceptance says that the store before is no more.
void VipHolder::mind_store(const Turn& turn) {
    if (!turn.is_connected) return;
    if (!turn.is_trusted) return trusts_since_.reset(), on_replaced(turn.now);
    if (trusts_since_) return;
    trusts_since_ = turn.now.boot;
    if (not_before_ != Time{}) on_replaced(turn.now);
}

void VipHolder::change_address(const Turn& turn, std::string address) {
    address_ = std::move(address);
    until_.reset();
    dropped_at_.reset();
    unwell_since_.reset();
    free_since_.reset();
    was_had_ = had_key_ = is_releasing_ = false;
    unable_until_ = {};
    here_until_ = turn.now.boot + longest_hold; // an earlier process of this machine may have had it
}

bool VipHolder::should_go(Turn& turn) {
    const auto all = candidates(turn);
    const auto own = std::ranges::find(all, turn.me.machine, &Candidate::name);
    const bool has_other =
        std::ranges::any_of(all, [&](const Candidate& each) { return each.name != turn.me.machine; });
    if (has_other && (own == all.end() || turn.now.boot < unable_until_)) return true;
    if (!has_other || own->is_well || !all.front().is_well) {
        unwell_since_.reset();
        return false;
    }
    if (!unwell_since_) unwell_since_ = turn.now.boot;
    const Time due = *unwell_since_ + patience;
    if (turn.now.boot < due) turn.alarm.at(due);
    return turn.now.boot >= due;
}

// The key may stand under the lease of an earlier process of this machine, or under one that is over.
void VipHolder::keep(Turn& turn, const Known<VipRecord>& key) {
    free_since_.reset();
    was_had_ = true;
    if (!until_ && turn.now.boot < not_before_) return turn.alarm.at(not_before_);
    if (key->instance == turn.me.instance && key.lease == turn.lease) return hold(turn);
    claim(turn);
}

void VipHolder::hold(Turn& turn) {
    dropped_at_.reset();
    if (turn.now.boot < unable_until_) return turn.alarm.at(unable_until_);
    const Time until = turn.lease_until - vip_margin;
    if (until_ == until || until < turn.now.boot + shortest_hold) return;
    until_ = until;
    here_until_before_ = here_until_;
    here_until_ = std::max(here_until_, until);
    turn.out.push(HoldVip{address_, until});
}

void VipHolder::drop(Turn& turn) {
    const bool is_told = !until_ && dropped_at_ && turn.now.boot < *dropped_at_ + asking_again;
    if (!is_told) {
        until_.reset();
        dropped_at_ = turn.now.boot;
        turn.out.push(HoldVip{address_, {}});
    }
    turn.alarm.at(std::min(*dropped_at_ + asking_again, here_until_));
}

// The address first, then the key: whoever takes the key has the address at once.
void VipHolder::give_up(Turn& turn) {
    if (may_be_here(turn.now)) return drop(turn);
    if (turn.now.boot < not_before_) return turn.alarm.at(not_before_);
    if (!flight_.is_free(turn)) return;
    is_releasing_ = true;
    const std::string key = turn.keys().vip(address_);
    flight_.submit(turn, {{turn.unchanged(key)}, {Put{key, encode(VipRecord())}}, {}});
}

void VipHolder::take(Turn& turn, const Known<VipRecord>& key) {
    const bool was_given_up = key && key->machine.empty();
    if (key.exists() && !was_given_up && key.lease != 0) {
        was_had_ = true;
        return free_since_.reset();
    }
    if (!free_since_) free_since_ = turn.now.boot;
    const auto all = candidates(turn);
    const auto own = std::ranges::find(all, turn.me.machine, &Candidate::name);
    if (own == all.end()) return;
    const Time settled = was_given_up ? *free_since_ : *free_since_ + settling;
    const Time nobody_left =
        was_had_ ? not_before_ : std::max(not_before_, trusts_since_.value_or(turn.now.boot) + longest_hold);
    const Time due = std::max({unable_until_, nobody_left, settled}) + (own - all.begin()) * turn_time;
    if (turn.now.boot < due) return turn.alarm.at(due);
    claim(turn);
}

void VipHolder::claim(Turn& turn) {
    if (!flight_.is_free(turn)) return;
    had_key_ = true;
    const std::string key = turn.keys().vip(address_);
    const std::string own = turn.keys().machine(turn.me.machine);
    const VipRecord record{turn.me.machine, turn.me.instance};
    flight_.submit(turn, {{turn.unchanged(key), turn.unchanged(own)}, {Put{key, encode(record), turn.lease}}, {}});
}

void VipHolder::leave(Turn& turn) {
    is_leaving_ = true;
    if (may_be_had(turn.now)) drop(turn);
    look(turn);
}

} // namespace mpsup::cluster

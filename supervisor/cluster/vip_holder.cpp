#include "supervisor/cluster/vip_holder.h"

#include <algorithm>

namespace mpsup::cluster {

using namespace std::chrono_literals;

namespace {

constexpr Duration settling = 2s;   // for a machine whose key is gone to hear of it
constexpr Duration patience = 5s;   // before a better machine gets it
constexpr Duration letting_go = 1s; // for the kernel to take the address away

} // namespace

// The first that is well, or else the first that lives; of those that run the same topology: others may have it on other
// machines, or not at all.
std::string VipHolder::best(const Turn& turn) const {
    std::string living;
    const TopologyFacts* facts = turn.facts.of(turn.local.runs.digest);
    if (!facts || !facts->vip) return living;
    for (const std::string& name : facts->vip->on) {
        const Known<MachineRecord>* machine = turn.view.machine(name);
        const FenceRecord fence = turn.view.fence(name);
        if (!machine || !*machine || machine->value.runs != turn.local.runs || fence.drained || fence.removed) continue;
        if (machine->value.well) return name;
        if (living.empty()) living = name;
    }
    return living;
}

bool VipHolder::is_ours(const Turn& turn) const {
    const Known<VipRecord>& key = turn.view.vip(address_);
    return key && key->machine == turn.me.machine && key->instance == turn.me.instance && key.lease == turn.lease;
}

void VipHolder::look(Turn& turn) {
    if (!seen_since_ && turn.is_connected) seen_since_ = turn.now.boot;
    const TopologyFacts* facts = turn.facts.of(turn.local.runs.digest);
    const std::string address = facts && facts->vip ? facts->vip->address : std::string();
    if (address != address_) {
        if (until_) drop(turn);
        address_ = address;
    }
    if (address_.empty() || is_leaving_) return;
    if (until_ && turn.now.boot >= *until_) until_.reset(); // the kernel has taken it away
    if (turn.lease == 0 && until_) drop(turn);
    if (!turn.is_connected)
        return free_since_.reset(); // it has what it has until its time is over: the key stands as long
    if (is_ours(turn)) return hold(turn);
    if (until_) drop(turn);
    is_releasing_ = false;
    if (turn.has_key && flight_.is_free(turn)) take(turn);
}

void VipHolder::hold(Turn& turn) {
    free_since_.reset();
    const std::string better = best(turn);
    if (better == turn.me.machine || better.empty())
        better_since_.reset();
    else if (!better_since_)
        better_since_ = turn.now.boot;
    if (is_releasing_ || (better_since_ && turn.now.boot >= *better_since_ + patience)) return give_up(turn);
    let_go_at_.reset();
    if (better_since_) turn.alarm.at(*better_since_ + patience);
    if (!until_ && turn.now.boot < not_before_) return turn.alarm.at(not_before_);
    const Time until = turn.lease_until - vip_margin;
    if (until_ == until || until <= turn.now.boot) return;
    until_ = until;
    turn.out.push(HoldVip{address_, until});
}

void VipHolder::drop(Turn& turn) {
    until_.reset();
    turn.out.push(HoldVip{address_, {}});
}

void VipHolder::give_up(Turn& turn) {
    if (!let_go_at_) {
        drop(turn); // an earlier process of this machine may have had it
        let_go_at_ = turn.now.boot;
    }
    const Time due = *let_go_at_ + letting_go;
    if (turn.now.boot < due) return turn.alarm.at(due);
    if (!flight_.is_free(turn)) return;
    const std::string key = turn.keys().vip(address_);
    is_releasing_ = true; // even if nobody knows whether it was done: until it is
    flight_.submit(turn, {{turn.unchanged(key)}, {Put{key, encode(VipRecord())}}, {}});
}

void VipHolder::take(Turn& turn) {
    better_since_.reset();
    let_go_at_.reset();
    const Known<VipRecord>& key = turn.view.vip(address_);
    const bool was_given_up = key && key->machine.empty();
    const bool was_ours = key && key->machine == turn.me.machine;
    if (key.exists() && !was_given_up && !was_ours && key.lease != 0) return free_since_.reset();
    if (best(turn) != turn.me.machine) return;
    if (!free_since_) free_since_ = turn.now.boot;
    const Time due = was_ours ? not_before_
                              : std::max({not_before_, seen_since_.value_or(turn.now.boot) + lease_time,
                                          was_given_up ? Time{} : *free_since_ + settling});
    if (turn.now.boot < due) return turn.alarm.at(due);
    const std::string name = turn.keys().vip(address_);
    const std::string own = turn.keys().machine(turn.me.machine);
    flight_.submit(turn, {{turn.unchanged(name), turn.unchanged(own)},
                          {Put{name, encode(VipRecord{turn.me.machine, turn.me.instance}), turn.lease}},
                          {}});
}

void VipHolder::leave(Turn& turn) {
    if (!is_leaving_ && !address_.empty()) drop(turn); // which an earlier process of this machine may have had
    if (!std::exchange(is_leaving_, true) && !address_.empty() && turn.is_connected && is_ours(turn)) {
        const std::string key = turn.keys().vip(address_);
        flight_.submit(turn, {{turn.unchanged(key)}, {Put{key, encode(VipRecord())}}, {}});
    }
}

} // namespace mpsup::cluster

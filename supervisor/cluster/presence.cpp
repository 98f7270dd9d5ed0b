#include "supervisor/cluster/presence.h"

namespace mpsup::cluster {

using namespace std::chrono_literals;

namespace {

constexpr auto shortest_interval = 1s; // but for a report, for which others wait
constexpr auto figures_interval = 60s; // of what only people want to know: each write is told to all machines

bool is_successor_of(const Identity& me, const MachineRecord& other) {
    return other.boot == me.boot && other.address == me.address;
}

// Who has the name, and what to do.
std::string words_of(const Identity& me, const MachineRecord& other) {
    const std::string at = other.api.empty() ? other.address : other.api;
    const std::string who = at.empty() ? "" : " (" + at + ")";
    if (is_successor_of(me, other)) return "a later supervisor of this machine" + who + ": end one of the two";
    if (other.address == me.address)
        return "the supervisor that this machine had before it was started anew" + who + ": until its lease ends";
    return "another machine" + who + ": give one of the two another --machine";
}

// What is worth a write soon.
bool differs(const MachineRecord& one, const MachineRecord& other) {
    return one.runs != other.runs || one.well != other.well || one.in_flight != other.in_flight ||
           one.api != other.api || one.fingerprint != other.fingerprint || one.address != other.address;
}

} // namespace

bool Presence::on_answer(RequestId request, const Result<TransactionReply>& reply, Moment now) {
    return flight_.on_answer(request, reply, now);
}

bool Presence::has_key(const Turn& turn) {
    const Known<MachineRecord>* known = turn.view.machine(turn.me.machine);
    return known && *known && known->value.instance == turn.me.instance && known->lease == turn.lease;
}

const Report* Presence::inherited(const Turn& turn) {
    const Known<MachineRecord>* known = turn.view.machine(turn.me.machine);
    if (!known || !*known || known->value.instance == turn.me.instance) return nullptr;
    return is_successor_of(turn.me, known->value) ? &known->value.report : nullptr;
}

// Nobody else's. An earlier process of this machine is succeeded; one that succeeded this one is left alone.
bool Presence::may_write(Turn& turn) {
    rival_.clear();
    const Known<MachineRecord>* known = turn.view.machine(turn.me.machine);
    if (!known) return true;
    if (!*known) {
        if (known->lease == 0) return true;
        rival_ = "somebody whose words cannot be read (" + known->problem + ")";
        return false;
    }
    const MachineRecord& other = known->value;
    if (other.instance == turn.me.instance) return had_key_ = true;
    if (is_successor_of(turn.me, other) && !had_key_) return true;
    rival_ = words_of(turn.me, other);
    return false;
}

MachineRecord Presence::record(const Turn& turn, const Report& report) const {
    MachineRecord record{
        turn.me.instance, turn.me.boot,    turn.me.version, turn.me.address,    turn.me.api, turn.me.fingerprint,
        turn.now.wall,    turn.local.runs, turn.local.well, turn.local.workers, {},          report};
    if (turn.view.fence(turn.me.machine).drained) record.in_flight = turn.local.in_flight;
    if (record.in_flight) record.in_flight->unknown = fit(record.in_flight->unknown);
    if (record.workers.size() > most_workers) record.workers.resize(most_workers);
    return record; // as it is read
}

void Presence::look(Turn& turn, const Report& report) {
    if (!turn.is_connected || !may_write(turn) || !flight_.is_free(turn)) return;
    const Known<MachineRecord>* known = turn.view.machine(turn.me.machine);
    MachineRecord record = this->record(turn, report);
    const bool is_there = has_key(turn);
    if (is_there && known->value.report == record.report) {
        const bool is_soon = differs(known->value, record);
        if (!is_soon && known->value.workers == record.workers) return;
        const Time due =
            written_at_.value_or(Time{}) + (is_soon ? Duration(shortest_interval) : Duration(figures_interval));
        if (turn.now.boot < due) return turn.alarm.at(due);
    }
    const std::string key = turn.keys().machine(turn.me.machine);
    flight_.submit(turn, {{turn.unchanged(key)}, {Put{key, encode(record), turn.lease}}, {}});
    written_at_ = turn.now.boot;
}

} // namespace mpsup::cluster

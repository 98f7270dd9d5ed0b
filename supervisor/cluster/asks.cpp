#include "supervisor/cluster/asks.h"

#include "supervisor/cluster/remainder.h"

#include <algorithm>
#include <utility>

namespace mpsup::cluster {

using namespace std::chrono_literals;
using Phase = ChangeRecord::Phase;

namespace {

constexpr Duration patience = 10s;          // to be connected, and to get an order into the store
constexpr Duration longest_blindness = 60s; // of one who follows a change
constexpr Duration longest_drain = 600s;
constexpr Duration quiet = 2s; // nothing in flight, before a machine counts as drained
constexpr std::size_t most = 100;

// README.md "Exit codes".
constexpr int done = 0;
constexpr int failed = 1;
constexpr int old_kept = 6;
constexpr int taken_back = 7;
constexpr int busy = 8;
constexpr int late = 9;
constexpr int bad_topology = 78;

int code_of(const ChangeRecord& change) {
    switch (change.phase) {
    case Phase::done: return done;
    case Phase::refused: return change.is_invalid ? bad_topology : old_kept;
    case Phase::rolled_back:
    case Phase::aborted: return change.has_served ? taken_back : old_kept;
    case Phase::checking:
    case Phase::rolling:
    case Phase::undoing:
    case Phase::failed: return failed;
    }
    std::unreachable();
}

std::string words_of(const ChangeRecord& change) {
    const auto ran = std::ranges::count(change.machines, Part::State::done, &Part::state);
    std::string words(to_string(change.phase));
    if (change.phase == Phase::rolled_back) words = "taken back everywhere";
    if (change.phase == Phase::done) words = "done on " + std::to_string(ran) + (ran == 1 ? " machine" : " machines");
    for (std::size_t i = 0; i < change.reasons.size(); ++i) words += (i == 0 ? ": " : "; ") + change.reasons[i];
    return words;
}

// Machines send it nothing new; whoever comes to its own addresses does not know.
std::string advice_on(const std::string& machine) {
    return ". It stays drained; clients that come to addresses of " + machine +
           " itself have to be led elsewhere first (DNS, a balancer)";
}

} // namespace

void Asks::add(Ask ask, Moment now) {
    Pending pending;
    pending.ask = std::move(ask);
    pending.since = now.boot;
    pending_.push_back(std::move(pending));
}

void Asks::forget(AskId ask) {
    std::erase_if(pending_, [&](const Pending& pending) { return pending.ask.id == ask; });
}

bool Asks::on_answer(RequestId request, const Result<TransactionReply>& reply, Moment now) {
    return std::ranges::any_of(pending_, [&](Pending& each) { return each.flight.on_answer(request, reply, now); });
}

void Asks::on_listed() {
    for (Pending& pending : pending_) pending.flight.on_listed();
}

void Asks::look(Turn& turn, const std::string& obstacle) {
    std::size_t count = 0;
    for (Pending& pending : pending_) {
        if (++count > most)
            end(pending, turn, busy, "too many orders wait already");
        else
            look_at(pending, turn, obstacle);
    }
    std::erase_if(pending_, [](const Pending& pending) { return pending.is_over; });
}

void Asks::end(Pending& pending, Turn& turn, int code, std::string text) {
    turn.out.push(Tell{pending.ask.id, std::move(text), code});
    pending.is_over = true;
}

void Asks::look_at(Pending& pending, Turn& turn, const std::string& obstacle) {
    const bool is_acceptance = std::holds_alternative<AcceptStoreOrder>(pending.ask.order);
    const bool is_blind = !turn.is_connected || (!is_acceptance && !obstacle.empty());
    const bool has_begun = pending.follows || pending.drains;
    if (is_blind) {
        if (!pending.lost_since) pending.lost_since = turn.now.boot;
        const Time due = *pending.lost_since + (has_begun ? longest_blindness : patience);
        if (turn.now.boot < due) return turn.alarm.at(due);
        return end(pending, turn, failed, obstacle + ": " + what_became_of(pending));
    }
    pending.lost_since.reset();
    if (pending.drains) return drain(pending, turn);
    if (!pending.follows) begin(pending, turn);
    if (pending.follows) follow(pending, turn);
}

std::string Asks::what_became_of(const Pending& pending) {
    if (pending.follows || pending.drains)
        return "what was begun goes on without this machine; `mpsup history` tells how it ends";
    if (pending.is_undone()) return "nothing was changed";
    return "it is not known whether the store took the order before; `mpsup status` tells when it can be asked again";
}

// Tried again as long as somebody else was first, or nobody knows; then it is the same change, so it is begun once.
void Asks::begin(Pending& pending, Turn& turn) {
    const Known<ChangeRecord>& running = turn.view.change();
    const bool has_begun = !pending.change.empty() && running && running->id == pending.change;
    if (has_begun) {
        pending.follows = true;
        return;
    }
    if (!pending.flight.is_free(turn)) return;
    const Flight::Outcome outcome = pending.flight.take_outcome();
    pending.was_unknown = pending.was_unknown || outcome == Flight::Outcome::unknown;
    if (outcome == Flight::Outcome::done && pending.change.empty()) {
        const auto* fence = std::get_if<FenceOrder>(&pending.ask.order);
        if (!fence || fence->what != FenceOrder::What::drain || !fence->wait)
            return end(pending, turn, done, pending.text);
        turn.out.push(Tell{pending.ask.id, pending.text, {}});
        pending.drains = true;
        pending.since = turn.now.boot;
        return drain(pending, turn);
    }
    if (pending.id.empty()) pending.id = turn.me.instance + '-' + std::to_string(++orders_);
    Proposal proposal = propose(pending.ask, pending.id, turn);
    const bool is_refused = proposal.transaction.then.empty();
    if (is_refused && !pending.text.empty() && std::holds_alternative<AcceptStoreOrder>(pending.ask.order))
        return end(pending, turn, done, "this store was accepted"); // nobody knew what came of the try before
    if (is_refused) return end(pending, turn, proposal.code, proposal.text);
    if (turn.now.boot >= pending.since + patience) {
        const std::string& problem = pending.flight.problem();
        return end(
            pending, turn, failed,
            "the store did not take " + turn.me.machine + "'s order in time" +
                (problem.empty() ? "" : " (" + problem + ")") +
                (pending.is_undone() ? "; nothing was changed" : "; `mpsup history` tells whether it did later"));
    }
    pending.change = proposal.change;
    pending.text = std::move(proposal.text);
    pending.flight.submit(turn, std::move(proposal.transaction));
}

void Asks::follow(Pending& pending, Turn& turn) {
    const Known<ChangeRecord>& change = turn.view.change();
    if (!change || change->id != pending.change)
        return end(pending, turn, failed, "another change has followed it; `mpsup history` tells how it ended");
    tell_progress(pending, change.value, turn);
    if (change->is_over()) end(pending, turn, code_of(change.value), words_of(change.value));
}

void Asks::tell_progress(Pending& pending, const ChangeRecord& change, Turn& turn) {
    const auto say = [&](std::string text) { turn.out.push(Tell{pending.ask.id, std::move(text), {}}); };
    if (pending.phase != change.phase && !change.is_over()) {
        say(std::string(to_string(change.phase)));
        if (change.phase == Phase::undoing)
            for (const std::string& reason : change.reasons) say(reason);
    }
    const bool is_same_list = pending.phase == change.phase &&
                              std::ranges::equal(pending.told, change.machines, {}, &Part::machine, &Part::machine);
    pending.phase = change.phase;
    for (std::size_t i = 0; i < change.machines.size(); ++i) {
        const Part& part = change.machines[i];
        const Part::State before = is_same_list ? pending.told[i].state : Part::State::waiting;
        if (part.state == before || part.state == Part::State::skipped) continue;
        say(part.machine + ": " + std::string(to_string(part.state)) + (part.text.empty() ? "" : ", " + part.text));
    }
    pending.told = change.machines;
}

void Asks::drain(Pending& pending, Turn& turn) {
    const std::string& name = std::get<FenceOrder>(pending.ask.order).machine;
    const FenceRecord fence = turn.view.fence(name);
    if (!fence.drained) return end(pending, turn, failed, name + " is not to be drained any more");
    if (fence.removed) return end(pending, turn, done, name + " is counted no more");
    std::string remainder = remainder_on(name, turn.view);
    if (!remainder.empty())
        pending.drained_since.reset();
    else if (!pending.drained_since)
        pending.drained_since = turn.now.boot;
    const Time due = pending.drained_since ? *pending.drained_since + quiet : pending.since + longest_drain;
    if (turn.now.boot >= due)
        return end(pending, turn, pending.drained_since ? done : late,
                   name + (pending.drained_since ? " has nothing in flight" : " still " + remainder + advice_on(name)));
    turn.alarm.at(due);
    if (remainder.empty() || remainder == pending.remainder) return;
    turn.out.push(Tell{pending.ask.id, name + ' ' + remainder, {}});
    pending.remainder = std::move(remainder);
}

} // namespace mpsup::cluster

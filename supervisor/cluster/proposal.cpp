#include "supervisor/cluster/proposal.h"

#include "supervisor/cluster/change_step.h"
#include "supervisor/cluster/stand_ins.h"

#include "base/joined.h"
#include "base/overloaded.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <string_view>
#include <utility>

namespace mpsup::cluster {

namespace {

using Kind = ChangeRecord::Kind;
using Phase = ChangeRecord::Phase;

constexpr int failed = 1;
constexpr int asked_wrongly = 2;
constexpr int old_kept = 6;
constexpr int busy = 8;
constexpr std::size_t largest_put = 1'400'000; // etcd takes requests of 1.5 MiB, all in all

std::string verb_of(FenceOrder::What what) {
    return std::string(
        std::ranges::find(fence_verbs, what, &std::pair<std::string_view, FenceOrder::What>::second)->first);
}

Proposal refuse(int code, std::string text) { return {{}, {}, code, std::move(text)}; }

std::string remedy_of_last(const std::string& machine) {
    return ": have it on another machine first (`on` in the file; `mpsup uncordon` of one that is drained), or say "
           "`mpsup drain " +
           machine + " --force`";
}

std::string describe(const ChangeRecord& change) {
    std::string text = std::string(to_string(change.kind)) + " by " + (change.who.empty() ? "somebody" : change.who);
    if (!change.from.empty()) text += " on " + change.from;
    return text + " (" + std::string(to_string(change.phase)) + ", led by " + change.owner + ")";
}

class Proposer {
public:
    Proposer(const Ask& ask, const std::string& id, const Turn& turn) : ask_(ask), id_(id), turn_(turn) {}

    Proposal operator()(const UpOrder& order) const {
        if (auto refusal = busy_with_another(); refusal.code) return refusal;
        if (auto refusal = has_lost_what_runs(); refusal.code) return refusal;
        ChangeRecord change = begin(Kind::up);
        if (const TopologyFacts* before = turn_.facts.of(change.before.digest)) {
            const std::string taken = taken_from_all(*before, order.facts, turn_.view);
            if (!taken.empty())
                return refuse(old_kept, taken + ": start `mpsup supervise` there, or uncordon the machine, first");
        }
        change.to = {change.last + 1, order.digest};
        change.last = change.to.number;
        change.fast = order.fast;
        change.allowed = std::max(order.facts.allowed, 1);
        change.machines = parts_of(turn_.facts.of(change.before.digest), &order.facts);
        const TopologyRecord topology{order.document, order.digest, order.path,    ask_.who,
                                      ask_.from,      ask_.note,    turn_.now.wall};
        std::string value = encode(topology);
        if (order.document.size() > longest_document || value.size() > largest_put)
            return refuse(failed,
                          "the topology is too large for the store: " + std::to_string(value.size()) + " bytes");
        const std::string key = keys().topology(change.to.number);
        Proposal proposal = with(change);
        proposal.transaction.when.push_back({key, 0});
        proposal.transaction.then.emplace_back(Put{key, std::move(value)});
        if (!turn_.view.store().exists()) name_store(proposal.transaction, {});
        trim(proposal, change.to.number);
        return proposal;
    }

    Proposal operator()(const RestartOrder& order) const {
        return of_workers(Kind::restart, order.workers, order.machines, order.fast);
    }

    Proposal operator()(const RollBackOrder& order) const {
        if (!order.workers.empty()) return of_workers(Kind::rollback, order.workers, order.machines, true);
        if (!order.machines.empty())
            return refuse(asked_wrongly, "all machines run one topology; name what is to be rolled back on " +
                                             joined(order.machines, ", ") + ": `mpsup rollback WORKER --machine " +
                                             order.machines.front() + "`");
        if (auto refusal = busy_with_another(); refusal.code) return refusal;
        if (auto refusal = nothing_runs(); refusal.code) return refusal;
        const Known<WantedRecord>& wanted = turn_.view.wanted();
        if (!wanted || wanted->earlier.empty()) return refuse(failed, "there is no earlier topology to go back to");
        ChangeRecord change = begin(Kind::rollback);
        change.to = wanted->earlier.back();
        change.fast = true;
        if (const TopologyFacts* facts = turn_.facts.of(change.before.digest)) {
            const TopologyFacts* to = turn_.facts.of(change.to.digest);
            change.machines = parts_of(facts, to ? to : facts);
            change.allowed = std::max(facts->allowed, 1);
        } else {
            change.machines = living();
        }
        return with(change);
    }

    Proposal operator()(const AbortOrder&) const {
        const Known<ChangeRecord>& running = turn_.view.change();
        if (!running || running->is_over()) return refuse(failed, "no change runs");
        ChangeRecord change = running.value;
        if (change.is_aborted) return refuse(0, "it is being taken back already");
        change.is_aborted = true;
        change.reasons.push_back("aborted by " + ask_.who + (ask_.from.empty() ? "" : " on " + ask_.from));
        Proposal proposal = with(change);
        proposal.change.clear();
        proposal.text = "it is taken back: " + describe(running.value);
        return proposal;
    }

    Proposal operator()(const PromoteOrder&) const {
        const Known<ChangeRecord>& running = turn_.view.change();
        if (!running || running->is_over()) return refuse(failed, "no change runs");
        ChangeRecord change = running.value;
        if (change.fast) return refuse(0, "it is in haste already");
        change.fast = true;
        Proposal proposal = with(change);
        proposal.change.clear();
        proposal.text = "it goes on: " + describe(running.value);
        return proposal;
    }

    Proposal operator()(const FenceOrder& order) const {
        const TopologyFacts* facts = turn_.view.wanted() ? turn_.facts.of(turn_.view.wanted()->now.digest) : nullptr;
        const std::string key = keys().fence(order.machine);
        const bool lives = turn_.view.machine(order.machine);
        if (!lives && turn_.view.modified(key) == 0 && facts && !facts->has(order.machine))
            return refuse(asked_wrongly, "no machine of this site has the name \"" + order.machine + "\"");
        if (order.machine.empty() || order.machine.size() > 255) return refuse(asked_wrongly, "which machine?");
        StandIns stand_ins;
        const bool takes_away = lives && !turn_.view.fence(order.machine).drained;
        if (order.what == FenceOrder::What::drain && !order.force && takes_away) {
            if (!facts) facts = turn_.facts.of(turn_.local.runs.digest);
            if (facts) stand_ins = stand_ins_for(order.machine, *facts, turn_.view);
            if (!stand_ins.lacking.empty()) return refuse(failed, stand_ins.lacking + remedy_of_last(order.machine));
        }
        if (order.what != FenceOrder::What::uncordon && !turn_.view.can_read_fence(order.machine))
            return refuse(failed, "what was said of " + order.machine +
                                      " cannot be read, a later mpsup may have written it: `mpsup uncordon " +
                                      order.machine + "` takes it away");
        FenceRecord fence = turn_.view.fence(order.machine); // which `uncordon` alone makes less
        fence.by = ask_.who;
        fence.at = turn_.now.wall;
        const auto write = [&](Operation operation, std::string text) {
            Proposal proposal{{{turn_.unchanged(key)}, {std::move(operation)}, {}}, {}, 0, std::move(text)};
            note(proposal.transaction, verb_of(order.what), order.machine, order.force ? "--force" : ask_.note);
            return proposal;
        };
        switch (order.what) {
        case FenceOrder::What::uncordon: return write(Delete{{key}}, order.machine + " takes part in changes");
        case FenceOrder::What::cordon: fence.cordoned = true; break;
        case FenceOrder::What::drain: fence.cordoned = fence.drained = true; break;
        case FenceOrder::What::remove:
            if (lives) return refuse(failed, order.machine + " lives: stop its supervisor first");
            fence.cordoned = fence.drained = fence.removed = true;
            break;
        }
        const char* words = fence.removed   ? " is counted no more"
                            : fence.drained ? " is sent nothing new, and changes pass it by"
                                            : " is passed by when something changes";
        Proposal proposal = write(Put{key, encode(fence)}, order.machine + words);
        for (const std::string& name : stand_ins.machines) // which nobody drains meanwhile
            proposal.transaction.when.push_back(turn_.unchanged(keys().fence(name)));
        return proposal;
    }

    Proposal operator()(const AcceptStoreOrder& order) const {
        const bool has_lost = !turn_.view.wanted().exists() && turn_.local.runs.number > 0;
        if (turn_.is_trusted && !has_lost) return refuse(failed, "this store is the one that is known");
        if (is_obeyed_by_another()) return join();
        if (!order.document.empty()) return impose(order);
        if (auto refusal = has_lost_what_runs(); refusal.code) return refusal;
        return take();
    }

private:
    // Somebody else knows this store, and runs what it says: so will this machine.
    Proposal join() const {
        return take_store("this store is taken in the place of the one before, and what it wants, topology " +
                          std::to_string(turn_.view.wanted()->now.number));
    }

    Proposal take() const {
        Proposal proposal = take_store("this store is taken in the place of the one before");
        abort_running(proposal.transaction);
        return proposal;
    }

    // What runs here is what is wanted, under a number that this store has never seen; what it says itself is old.
    Proposal impose(const AcceptStoreOrder& order) const {
        const Version version{begin(Kind::up).last + 1, order.digest};
        const TopologyRecord topology{order.document, version.digest, order.path,    ask_.who,
                                      ask_.from,      ask_.note,      turn_.now.wall};
        Proposal proposal = take();
        proposal.transaction.when.push_back({keys().topology(version.number), 0});
        proposal.transaction.then.emplace_back(Put{keys().topology(version.number), encode(topology)});
        proposal.transaction.then.emplace_back(Put{keys().wanted(), encode(WantedRecord{version, {}})});
        const OutcomeRecord outcome{id_, Phase::done, turn_.now.wall, {"what ran, taken over into this store"}};
        proposal.transaction.then.emplace_back(Put{keys().outcome(version.number), encode(outcome)});
        for (const std::string& machine : turn_.memory.out) // who was drained stays so
            if (turn_.view.modified(keys().fence(machine)) == 0)
                proposal.transaction.then.emplace_back(
                    Put{keys().fence(machine), encode(FenceRecord{true, true, false, ask_.who, turn_.now.wall})});
        proposal.text += "; what runs here is wanted everywhere, as topology " + std::to_string(version.number);
        return proposal;
    }

    Proposal take_store(std::string text) const {
        Proposal proposal;
        proposal.text = std::move(text);
        proposal.transaction.when = {turn_.unchanged(keys().change()), turn_.unchanged(keys().wanted())};
        name_store(proposal.transaction, replaced());
        note(proposal.transaction, "cluster accept", {}, ask_.note);
        return proposal;
    }

    void abort_running(Transaction& transaction) const {
        const Known<ChangeRecord>& running = turn_.view.change();
        if (!running || running->is_over()) return;
        ChangeRecord change = running.value;
        change.phase = Phase::aborted;
        change.reasons.emplace_back("the store that it was in was replaced");
        transaction.then.emplace_back(Put{keys().change(), encode(change)});
        transaction.then.emplace_back(end_of(change, turn_.now.wall, keys()));
    }

    // All that this machine knows of, and what was there.
    [[nodiscard]] std::vector<std::string> replaced() const {
        std::vector<std::string> ids = turn_.memory.store.replaces;
        for (const std::string& id : turn_.view.store()->replaces) ids.push_back(id);
        ids.push_back(turn_.view.store()->id);
        ids.push_back(turn_.memory.store.id);
        return ids;
    }

    void name_store(Transaction& transaction, std::vector<std::string> replaces) const {
        StoreRecord store{id_, std::move(replaces), ask_.who, turn_.now.wall};
        transaction.when.push_back(turn_.unchanged(keys().store()));
        transaction.then.emplace_back(Put{keys().store(), encode(trimmed(std::move(store)))});
    }

    static StoreRecord trimmed(StoreRecord store) {
        std::vector<std::string> kept; // each once, the latest of them
        for (auto id = store.replaces.rbegin(); id != store.replaces.rend() && kept.size() < most_replaced; ++id)
            if (!id->empty() && *id != store.id && std::ranges::find(kept, *id) == kept.end()) kept.push_back(*id);
        store.replaces.assign(kept.rbegin(), kept.rend());
        return store;
    }

    // One that was begun anew and is in use, not an earlier state of what is known.
    [[nodiscard]] bool is_obeyed_by_another() const {
        const Known<WantedRecord>& wanted = turn_.view.wanted();
        if (!turn_.view.store() || !wanted || wanted->now.number == 0) return false;
        const StoreRecord& known = turn_.memory.store;
        const std::string& id = turn_.view.store()->id;
        if (id == known.id || std::ranges::find(known.replaces, id) != known.replaces.end()) return false;
        return std::ranges::any_of(turn_.view.machines(), [&](const auto& each) {
            return each.first != turn_.me.machine && each.second && each.second->runs == wanted->now;
        });
    }

    // It would be gone back to nothing, if this fails.
    Proposal has_lost_what_runs() const {
        if (turn_.view.wanted().exists()) return {};
        for (const auto& [name, machine] : turn_.view.machines())
            if (machine && machine->runs.number > 0)
                return refuse(failed, "the store does not know what is wanted, but " + name + " runs topology " +
                                          std::to_string(machine->runs.number) + ": `mpsup cluster accept` on " + name +
                                          " makes that what is wanted");
        return {};
    }

    [[nodiscard]] const Keys& keys() const { return turn_.keys(); }

    Proposal busy_with_another() const {
        const Known<ChangeRecord>& running = turn_.view.change();
        if (running && !running->is_over()) return refuse(busy, "another change runs: " + describe(running.value));
        if (running.exists() && !running)
            return refuse(failed, "the change in the store cannot be read (" + running.problem +
                                      "): a later mpsup may have written it");
        const Known<WantedRecord>& wanted = turn_.view.wanted();
        if (wanted.exists() && !wanted) return refuse(failed, "what is wanted cannot be read: " + wanted.problem);
        return {};
    }

    // Nowhere; a store that is begun anew does not know of what runs.
    Proposal nothing_runs() const {
        if (turn_.view.wanted()->now.number > 0 || turn_.local.runs.number > 0) return {};
        for (const auto& [name, machine] : turn_.view.machines())
            if (machine && machine->runs.number > 0) return {};
        return refuse(failed, "nothing runs yet: `mpsup up FILE` first");
    }

    ChangeRecord begin(Kind kind) const {
        ChangeRecord change;
        change.id = id_;
        change.kind = kind;
        if (turn_.view.wanted()) change.before = turn_.view.wanted()->now;
        change.last = std::max({change.before.number, turn_.local.runs.number, turn_.memory.last});
        if (turn_.view.change()) change.last = std::max(change.last, turn_.view.change()->last);
        if (turn_.view.change()) change.serial = turn_.view.change()->serial;
        if (!change.brings_new_topology()) ++change.serial;
        change.who = ask_.who;
        change.from = ask_.from;
        change.note = ask_.note;
        change.at = turn_.now.wall;
        change.owner = turn_.me.machine;
        change.instance = turn_.me.instance;
        return change;
    }

    Proposal of_workers(Kind kind, const std::vector<std::string>& workers, const std::vector<std::string>& machines,
                        bool fast) const {
        if (auto refusal = busy_with_another(); refusal.code) return refusal;
        if (auto refusal = nothing_runs(); refusal.code) return refusal;
        if (workers.size() > most_workers)
            return refuse(asked_wrongly, "more than " + std::to_string(most_workers) + " workers are named");
        ChangeRecord change = begin(kind);
        change.to = change.before;
        change.workers = workers;
        change.fast = fast;
        const TopologyFacts* facts = turn_.facts.of(change.before.digest);
        change.machines = facts ? parts_of(nullptr, facts) : living();
        if (facts) change.allowed = std::max(facts->allowed, 1);
        if (std::string unknown = unknown_among("machine", machines, names_of(change.machines)); !unknown.empty())
            return refuse(asked_wrongly, std::move(unknown));
        if (!machines.empty()) skip_all_but(machines, change.machines);
        if (facts && !workers.empty()) skip_all_without(workers, *facts, change.machines);
        return with(change);
    }

    static std::vector<std::string> names_of(const std::vector<Part>& parts) {
        std::vector<std::string> names;
        for (const Part& part : parts) names.push_back(part.machine);
        return names;
    }

    // They stay in the change: who of them is out of service counts.
    static void skip_all_but(const std::vector<std::string>& machines, std::vector<Part>& parts) {
        for (Part& part : parts)
            if (std::ranges::find(machines, part.machine) == machines.end()) part.state = Part::State::skipped;
    }

    static void skip_all_without(const std::vector<std::string>& workers, const TopologyFacts& facts,
                                 std::vector<Part>& parts) {
        std::set<std::string_view> with;
        for (const TopologyFacts::Machine& machine : facts.machines)
            if (std::ranges::any_of(workers, [&](const auto& name) { return machine.workers.contains(name); }))
                with.insert(machine.name);
        for (Part& part : parts)
            if (!with.contains(part.machine)) part.state = Part::State::skipped;
    }

    [[nodiscard]] std::vector<Part> living() const {
        std::vector<Part> parts;
        for (const auto& [name, machine] : turn_.view.machines()) parts.push_back({name});
        return parts;
    }

    // Decided on what is wanted too.
    Proposal with(const ChangeRecord& change) const {
        Proposal proposal;
        proposal.change = change.id;
        proposal.transaction = {{turn_.unchanged(keys().change()), turn_.unchanged(keys().wanted())},
                                {Put{keys().change(), encode(change)}},
                                {}};
        return proposal;
    }

    // For history. One that is tried again, since nobody knows what came of it, stands once; what cannot be read begins anew.
    void note(Transaction& transaction, const std::string& kind, const std::string& machine,
              const std::string& text) const {
        OrdersRecord orders = turn_.view.orders().value;
        std::erase_if(orders.past, [&](const PastOrder& order) { return order.id == id_; });
        orders.past.push_back({id_, kind, machine, ask_.who, ask_.from, text, turn_.now.wall});
        if (orders.past.size() > most_orders)
            orders.past.erase(orders.past.begin(), orders.past.end() - std::ptrdiff_t{most_orders});
        transaction.when.push_back(turn_.unchanged(keys().orders()));
        transaction.then.emplace_back(Put{keys().orders(), encode(orders)});
    }

    // Numbers below the last few, but for those that are gone back to.
    void trim(Proposal& proposal, std::uint64_t number) const {
        const std::uint64_t end = number > most_earlier ? number - most_earlier : 0;
        std::uint64_t first = 0;
        const auto forget = [&](std::uint64_t until) {
            if (first >= until) return;
            proposal.transaction.then.emplace_back(Delete{{keys().topology(first), keys().topology(until)}});
            proposal.transaction.then.emplace_back(Delete{{keys().outcome(first), keys().outcome(until)}});
        };
        for (const std::uint64_t kept : gone_back_to()) {
            if (kept >= end) break;
            forget(kept);
            first = kept + 1;
        }
        forget(end);
    }

    // Numbers, in their order.
    [[nodiscard]] std::vector<std::uint64_t> gone_back_to() const {
        std::vector<std::uint64_t> numbers;
        const Known<WantedRecord>& wanted = turn_.view.wanted();
        if (!wanted) return numbers;
        for (const Version& version : wanted->earlier) numbers.push_back(version.number);
        numbers.push_back(wanted->now.number);
        std::ranges::sort(numbers);
        return numbers;
    }

    const Ask& ask_;
    const std::string& id_;
    const Turn& turn_;
};

} // namespace

Proposal propose(const Ask& ask, const std::string& id, const Turn& turn) {
    return std::visit(Proposer(ask, id, turn), ask.order);
}

} // namespace mpsup::cluster

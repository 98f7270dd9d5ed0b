#include "supervisor/cluster/member.h"

#include "supervisor/cluster/asks.h"
#include "supervisor/cluster/leader.h"
#include "supervisor/cluster/participant.h"
#include "supervisor/cluster/presence.h"
#include "supervisor/cluster/store_trust.h"
#include "supervisor/cluster/vip_holder.h"

#include <utility>

namespace mpsup::cluster {

using namespace std::chrono_literals;

namespace {

constexpr Duration longest_sleep = 60s;
constexpr Duration usual_renewal = 5s;
constexpr Duration urgent_renewal = 2s;    // DESIGN.md "Several machines" says what comes of it
constexpr Duration between_memories = 60s; // that say nothing but a later revision

} // namespace

class Member::Parts {
public:
    Parts(Identity identity, const Memory& memory)
        : me(std::move(identity)), view(Keys(me.prefix)), trust(memory), remembered(memory), out_told(memory.out) {}

    /// Lets each part see what has changed.
    void look(Moment now) {
        alarm.clear(now.boot + longest_sleep);
        if (lease != 0 && now.boot >= lease_until) lease = 0;
        if (lease != 0) alarm.at(lease_until);
        std::string relist;
        Turn turn = this->turn(now, relist);
        has_had_key = has_had_key || turn.has_key;
        if (const Report* report = Presence::inherited(turn); report && !has_had_key) participant.inherit(*report);
        participant.look(turn);
        presence.look(turn, participant.report());
        leader.look(turn);
        vip.look(turn);
        const std::string obstacle = this->obstacle();
        asks.look(turn, obstacle);
        tell_backends();
        remember(now);
        note_state(now);
        forget_topologies();
        if (!relist.empty() && is_listed) {
            is_listed = false;
            unreachable_why = relist;
            out.push(Relist{relist});
        }
    }

    Turn turn(Moment now, std::string& relist) {
        Turn turn{me,  view,  local,       trust.memory(),          facts, out,   alarm,
                  now, lease, lease_until, is_listed && lease != 0, false, false, &relist};
        turn.is_trusted = turn.is_connected && trust.is_trusted();
        turn.has_key = turn.is_connected && Presence::has_key(turn);
        return turn;
    }

    /// Why orders cannot be taken; empty: they can.
    [[nodiscard]] std::string obstacle() const {
        switch (state()) {
        case ClusterStatus::State::connected: return {};
        case ClusterStatus::State::alone: return me.machine + " cannot ask the cluster's store: " + why();
        case ClusterStatus::State::refused:
        case ClusterStatus::State::unaccepted: return why();
        }
        std::unreachable();
    }

    [[nodiscard]] ClusterStatus::State state() const {
        using State = ClusterStatus::State;
        if (!is_listed || lease == 0) return State::alone;
        if (!presence.rival().empty()) return State::refused;
        return trust.is_trusted() ? State::connected : State::unaccepted;
    }

    [[nodiscard]] std::string why() const {
        switch (state()) {
        case ClusterStatus::State::connected: return {};
        case ClusterStatus::State::alone:
            return !unreachable_why.empty() ? unreachable_why
                   : is_listed              ? "no lease is granted"
                                            : "it was not asked yet";
        case ClusterStatus::State::refused: return "the name " + me.machine + " is taken by " + presence.rival();
        case ClusterStatus::State::unaccepted: return trust.problem() + "; `mpsup cluster accept` takes its orders";
        }
        std::unreachable();
    }

    void tell_backends() {
        if (!is_listed || !trust.is_trusted()) return;
        std::vector<std::string> names;
        for (const auto& [name, fence] : view.fences())
            if (view.fence(name).drained) names.push_back(name);
        if (names == out_told) return;
        out_told = names;
        trust.set_out(names);
        out.push(Backends{std::move(names)});
    }

    void remember(Moment now) {
        Memory memory = trust.memory();
        if (memory.cluster == 0 || memory == remembered) return;
        Memory but_revision = memory;
        but_revision.revision = remembered.revision;
        const Time due = remembered_at.value_or(Time{}) + between_memories;
        if (remembered_at && but_revision == remembered && now.boot < due) return alarm.at(due);
        remembered = memory;
        remembered_at = now.boot;
        out.push(Remember{std::move(memory)});
    }

    void note_state(Moment now) {
        if (std::exchange(state_noted, state()) != state_noted || since.count() == 0) since = now.wall;
    }

    void forget_topologies() {
        Version to, before, wanted;
        if (view.change()) to = view.change()->to, before = view.change()->before;
        if (view.wanted()) wanted = view.wanted()->now;
        view.keep_topologies({to.number, before.number, wanted.number});
        facts.keep({to.digest, before.digest, wanted.digest, local.runs.digest});
    }

    void look_at_store(Moment now) {
        trust.look(view);
        if (trust.take_replaced()) vip.on_replaced(now);
    }

    Identity me;
    ClusterView view;
    StoreTrust trust;
    LocalReport local{};
    FactsBook facts{};
    Outbox out{};
    Alarm alarm{};
    Presence presence{};
    Participant participant{};
    Leader leader{};
    VipHolder vip{};
    Asks asks{};

    bool is_listed = false; // and nothing was heard since that would make it wrong
    std::string unreachable_why;
    LeaseId lease = 0, last_lease = 0;
    Time lease_until{};
    WallTime heard{0}, since{0};
    ClusterStatus::State state_noted = ClusterStatus::State::alone;
    Memory remembered;
    std::optional<Time> remembered_at;
    std::vector<std::string> out_told;
    bool has_had_key = false;
};

Member::Member(Identity identity, const Memory& memory)
    : parts_(std::make_unique<Parts>(std::move(identity), memory)) {}
Member::~Member() = default;
Member::Member(Member&&) noexcept = default;
Member& Member::operator=(Member&&) noexcept = default;

Transaction Member::listing() const { return parts_->view.keys().listing(); }
const std::string& Member::prefix() const { return parts_->view.keys().prefix(); }
Revision Member::revision() const { return parts_->view.revision(); }
const std::map<std::string, Known<MachineRecord>, std::less<>>& Member::machines() const {
    return parts_->view.machines();
}
Time Member::next_tick() const { return parts_->alarm.due(); }
Effects Member::take_effects() { return parts_->out.take(); }
Duration Member::renewal() const { return is_urgent() ? urgent_renewal : usual_renewal; }
bool Member::may_have_address(Moment now) const { return parts_->vip.may_be_had(now); }
bool Member::is_urgent() const { return parts_->vip.is_urgent(parts_->view, parts_->me.machine); }

void Member::on_listed(const TransactionReply& reply, Moment now) {
    Parts& parts = *parts_;
    parts.heard = now.wall;
    parts.is_listed = parts.view.list(reply);
    parts.unreachable_why = parts.is_listed ? "" : "its answer is not what was asked for";
    if (parts.is_listed) {
        parts.look_at_store(now);
        parts.participant.on_listed();
        parts.presence.on_listed();
        parts.leader.on_listed();
        parts.vip.on_listed();
        parts.asks.on_listed();
    }
    parts.look(now);
}

void Member::on_news(const WatchNews& news, Moment now) {
    Parts& parts = *parts_;
    parts.heard = now.wall;
    if (!parts.is_listed) return;
    if (news.over) return on_unreachable(news.reason.empty() ? "the watch is over" : news.reason, now);
    if (!parts.view.apply(news)) {
        parts.is_listed = false;
        parts.unreachable_why = "what it tells is from before what it told";
        parts.out.push(Relist{parts.unreachable_why});
    } else {
        parts.look_at_store(now);
    }
    parts.look(now);
}

void Member::on_unreachable(std::string why, Moment now) {
    parts_->is_listed = false;
    parts_->unreachable_why = std::move(why);
    parts_->look(now);
}

// Where the lease is another the store may be: one that was emptied tells a watch nothing until it has grown past what was known.
void Member::on_lease(LeaseId lease, Time until, Moment now) {
    Parts& parts = *parts_;
    parts.heard = now.wall;
    const bool is_another = parts.last_lease != 0 && parts.last_lease != lease;
    parts.lease = parts.last_lease = lease;
    parts.lease_until = until;
    if (is_another && parts.is_listed) {
        parts.is_listed = false;
        parts.unreachable_why = "its lease is another than before";
        parts.out.push(Relist{parts.unreachable_why});
    }
    parts.look(now);
}

void Member::on_lease_lost(Moment now) {
    parts_->lease = 0;
    parts_->look(now);
}

void Member::on_answer(RequestId request, const Result<TransactionReply>& reply, Moment now) {
    Parts& parts = *parts_;
    const bool is_taken = parts.presence.on_answer(request, reply, now) ||
                          parts.leader.on_answer(request, reply, now) || parts.vip.on_answer(request, reply, now) ||
                          parts.asks.on_answer(request, reply, now);
    if (!is_taken) parts.participant.on_answer(request, reply, parts.view, now);
    parts.look(now);
}

void Member::on_local(LocalReport report, Moment now) {
    parts_->local = std::move(report);
    parts_->look(now);
}

void Member::on_facts(const std::string& digest, TopologyFacts facts, Moment now) {
    parts_->facts.learn(digest, std::move(facts));
    parts_->look(now);
}

void Member::on_checked(const Checked& checked, Moment now) {
    std::string relist;
    Turn turn = parts_->turn(now, relist);
    parts_->participant.on_checked(checked, turn);
    parts_->look(now);
}

void Member::on_done(const Done& done, Moment now) {
    parts_->participant.on_done(done, parts_->view, now);
    parts_->look(now);
}

void Member::on_certificate(std::string fingerprint, Moment now) {
    parts_->me.fingerprint = std::move(fingerprint);
    parts_->look(now);
}

void Member::on_vip(const HoldVip& asked, bool is_here, Moment now) {
    parts_->vip.on_vip(asked, is_here, now);
    parts_->look(now);
}

void Member::ask(Ask ask, Moment now) {
    if (const auto* order = std::get_if<UpOrder>(&ask.order)) parts_->facts.learn(order->digest, order->facts);
    parts_->asks.add(std::move(ask), now);
    parts_->look(now);
}

void Member::forget(AskId ask) { parts_->asks.forget(ask); }

void Member::tick(Moment now) { parts_->look(now); }

void Member::leave(Moment now) {
    std::string relist;
    Turn turn = parts_->turn(now, relist);
    parts_->vip.leave(turn);
}

ClusterStatus Member::status(Moment now) const {
    static_cast<void>(now);
    const Parts& parts = *parts_;
    const ClusterView& view = parts.view;
    ClusterStatus status{parts.state(), parts.why(), parts.since, parts.heard, view.cluster(), view.revision()};
    if (view.wanted()) status.wanted = view.wanted().value;
    if (view.change()) status.change = view.change().value;
    status.orders = view.orders()->past;
    const TopologyFacts* facts =
        view.wanted() ? parts.facts.of(view.wanted()->now.digest) : parts.facts.of(parts.local.runs.digest);
    const bool was_heard = view.revision() > 0;
    std::map<std::string, MachineStatus> machines;
    const auto at = [&](const std::string& name) -> MachineStatus& {
        const auto [found, is_new] = machines.try_emplace(name);
        MachineStatus& machine = found->second;
        if (!is_new) return machine;
        machine.name = name;
        if (!was_heard)
            machine.state = name == parts.me.machine ? MachineStatus::State::living : MachineStatus::State::unknown;
        if (facts) machine.in_topology = facts->has(name);
        return machine;
    };
    if (facts)
        for (const auto& machine : facts->machines) at(machine.name);
    for (const auto& [name, known] : view.machines()) {
        MachineStatus& machine = at(name);
        machine.lives = true;
        machine.state = MachineStatus::State::living;
        if (known) machine.record = known.value;
        machine.problem = known.problem;
        machine.drifts = known && view.wanted() && known->runs != view.wanted()->now;
    }
    for (const auto& [name, known] : view.fences()) {
        const FenceRecord fence = view.fence(name);
        at(name).state = fence.removed   ? MachineStatus::State::removed
                         : fence.drained ? MachineStatus::State::drained
                                         : MachineStatus::State::cordoned;
    }
    for (auto& [name, machine] : machines) status.machines.push_back(std::move(machine));
    const bool knows_holders = status.state == ClusterStatus::State::connected || !parts.presence.rival().empty();
    if (facts && facts->vip) status.vips[facts->vip->address] = {};
    for (const auto& [address, known] : view.vips())
        if (knows_holders && !known->machine.empty()) status.vips[address] = known->machine;
    return status;
}

} // namespace mpsup::cluster

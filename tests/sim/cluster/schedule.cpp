#include "tests/sim/cluster/schedule.h"

#include "supervisor/cluster/cluster_view.h"
#include "tests/sim/cluster/fleet.h"

#include <algorithm>

namespace mpsup::sim {

namespace {

using namespace std::chrono_literals;

constexpr Duration longest_recovery = 900s;
constexpr Duration longest_change = 900s;
constexpr Duration memory_age = 80s; // of what a machine remembers of the store, at most

class ClusterSchedule {
public:
    ClusterSchedule(std::uint64_t seed, ClusterBug bug, bool trace, int machines)
        : fleet_(seed, machines > 0 ? machines : Random(seed).between(2, 6), bug, trace),
          random_(fleet_.random),
          is_large_(machines > 0) {
        FleetWorld& world = fleet_.world;
        world.loss = random_.one_in(2) ? 0 : random_.between(5, 40);
        world.slowest = random_.one_in(3) ? 400 : 60;
        has_impostor_ = random_.one_in(4);
    }

    void run() {
        for (FleetMachine& machine : fleet_.machines) machine.boot();
        const Time end = fleet_.now() + random_.ms(60'000, 300'000);
        plan(end, 100, 12'000, [this] { commit_fault(); });
        plan(end, 500, 15'000, [this] { give_order(); });
        fleet_.advance_until(end);
        come_to_rest();
    }
    [[nodiscard]] std::uint64_t events() const { return fleet_.clock.events(); }

private:
    void plan(Time end, int soonest, int latest, std::function<void()> what) {
        fleet_.clock.after(random_.ms(soonest, latest), [this, end, soonest, latest, what] {
            if (fleet_.now() >= end) return;
            what();
            plan(end, soonest, latest, what);
        });
    }

    FleetMachine& any() {
        return fleet_
            .machines[static_cast<std::size_t>(random_.between(0, static_cast<int>(fleet_.machines.size()) - 1))];
    }
    Duration some_time() { return random_.one_in(3) ? random_.ms(500, 5'000) : random_.ms(5'000, 60'000); }

    void commit_fault() {
        if (fleet_.now() < calm_until_) return;
        switch (random_.between(0, 17)) {
        case 0: return dies(any());
        case 1:
        case 2:
        case 3: return any().kill_supervisor(random_.one_in(2) ? Duration(1) : some_time());
        case 4: return any().pause(some_time());
        case 5: return any().cut(true, true, some_time());
        case 6: return any().cut(random_.one_in(2), true, some_time());
        case 7: return any().ail(some_time());
        case 8: fleet_.world.trace("etcd is away"); return fleet_.etcd.stop_for(some_time());
        case 9: return compact();
        case 10: return lose_lease(any());
        case 11: return replace_store();
        case 12: backup_ = fleet_.etcd.backup(); return;
        case 13:
            if (has_impostor_) impersonate();
            return;
        case 14: return hears_late(any());
        case 15: return any().mislead(some_time());
        case 16: return any().unplug(some_time());
        default:
            if (FleetMachine& machine = any(); machine.has_supervisor()) machine.leave();
        }
    }

    void compact() {
        fleet_.world.trace("etcd compacts");
        fleet_.etcd.compact();
        for (FleetMachine& machine : fleet_.machines) machine.is_compacted();
    }

    void hears_late(FleetMachine& machine) {
        machine.hear_late(some_time());
        if (random_.one_in(2)) fleet_.clock.after(random_.ms(500, 10'000), [this] { compact(); });
    }

    void dies(FleetMachine& machine) {
        machine.die();
        fleet_.clock.after(some_time(), [&machine] { machine.boot(); });
    }

    // Of a machine that hears of it: whoever does not may have its address still, and nothing that etcd counts says so.
    void lose_lease(FleetMachine& machine) {
        if (!machine.is_hearing()) return;
        fleet_.world.trace(machine.name() + " loses its lease");
        machine.lose_lease();
        calm_until_ = fleet_.now() + 3s;
    }

    void replace_store() {
        if (!random_.one_in(3)) return;
        if (random_.one_in(3)) {
            const bool with_its_id = random_.one_in(2);
            fleet_.world.trace(std::string("etcd is emptied") + (with_its_id ? ", and does not say so" : ""));
            fleet_.etcd.empty(with_its_id);
            return fleet_.oracle.on_replaced(true);
        }
        if (!backup_ || fleet_.now() - backup_->taken < memory_age) return;
        const bool with_its_id = random_.one_in(2) && backup_->cluster == fleet_.etcd.header().cluster;
        fleet_.world.trace(std::string("etcd is restored") + (with_its_id ? ", and does not say so" : ""));
        fleet_.etcd.restore(*backup_, with_its_id);
        fleet_.oracle.on_replaced(!with_its_id || is_older_than_all_know());
    }

    // Whoever was away since cannot know; a revision alone is no proof, because it grows again before that one is back.
    bool is_older_than_all_know() const {
        const auto of = [&](const char* name) -> std::string_view {
            const auto item = backup_->keys.find(std::string("/mpsup/sim/") + name);
            return item == backup_->keys.end() ? std::string_view("{}") : item->second.value;
        };
        const auto change = cluster::decode<cluster::ChangeRecord>(of("change"));
        const auto wanted = cluster::decode<cluster::WantedRecord>(of("wanted"));
        const std::uint64_t last = std::max(change ? change->last : 0, wanted ? wanted->now.number : 0);
        return std::ranges::all_of(fleet_.machines,
                                   [&](const FleetMachine& machine) { return machine.memory().last > last; });
    }

    void impersonate() {
        if (impostor_) return;
        fleet_.world.trace("another m0 comes");
        impostor_ = std::make_unique<FleetMachine>(fleet_.world, 99, "m0");
        impostor_->boot();
        fleet_.clock.after(some_time(), [this] { impostor_->die(); });
    }

    // Orders

    int allowed() {
        return is_large_ ? std::max(1, static_cast<int>(fleet_.machines.size()) / 20) : random_.between(1, 3);
    }

    Document document() {
        Document document;
        for (const FleetMachine& machine : fleet_.machines)
            if (!random_.one_in(6) || document.facts.machines.empty())
                document.facts.machines.push_back({machine.name(), random_.one_in(3), {}, {"pool0"}});
        document.facts.allowed = allowed();
        cluster::TopologyFacts::Vip vip{"10.0.0.100/24", {}};
        for (const auto& machine : document.facts.machines) vip.on.push_back(machine.name);
        document.facts.vip = vip;
        const int dice = random_.between(0, 9);
        if (dice == 0) document.refused_by.insert(any().name());
        if (dice == 1) document.fails = random_.between(1, 3);
        if (dice == 2) document.rots = true;
        if (dice == 3) document.fails = 20;
        return document;
    }

    void give_order() {
        using What = cluster::FenceOrder::What;
        FleetMachine& machine = any();
        if (!machine.has_supervisor()) return;
        const std::string other = any().name();
        switch (random_.between(0, 15)) {
        case 0:
        case 1:
        case 2:
        case 3:
        case 4:
        case 5:
        case 6: fleet_.ask(machine, fleet_.up(fleet_.enter(document())), "up"); return;
        case 7: return restart(machine, other);
        case 8: fleet_.ask(machine, cluster::RollBackOrder{}, "rollback"); return;
        case 9: fleet_.ask(machine, cluster::AbortOrder{}, "abort"); return;
        case 10: fleet_.ask(machine, cluster::PromoteOrder{}, "promote"); return;
        case 11:
            fleet_.ask(machine, cluster::FenceOrder{What::drain, other, random_.one_in(2)}, "drain " + other);
            return;
        case 12: fleet_.ask(machine, cluster::FenceOrder{What::cordon, other, false}, "cordon " + other); return;
        case 13: fleet_.ask(machine, cluster::FenceOrder{What::remove, other, false}, "remove " + other); return;
        case 14: return accept(machine);
        default: fleet_.ask(machine, cluster::FenceOrder{What::uncordon, other, false}, "uncordon " + other); return;
        }
    }

    // Everywhere, or on one machine.
    void restart(FleetMachine& machine, const std::string& other) {
        cluster::RestartOrder order{{"pool0"}, {}, random_.one_in(2)};
        if (random_.one_in(2)) order.machines.push_back(other);
        const std::string words = order.machines.empty() ? "restart" : "restart of " + other;
        fleet_.ask(machine, std::move(order), words);
    }

    void accept(FleetMachine& machine) {
        fleet_.ask(machine, cluster::AcceptStoreOrder{machine.runs().digest, machine.runs().digest, "/etc/site.yaml"},
                   "accept");
    }

    // No faults any more. What an operator has to do, one does.
    void come_to_rest() {
        fleet_.world.trace("faults stop");
        fleet_.world.has_faults = false;
        fleet_.world.loss = 0;
        if (impostor_) impostor_->die();
        for (FleetMachine& machine : fleet_.machines) {
            machine.boot();
            machine.heal();
        }
        const Time deadline = fleet_.now() + longest_recovery;
        tend(deadline);
        fleet_.wait(deadline, "rest", [this] { return is_at_rest(); });
        for (const FleetMachine& machine : fleet_.machines)
            if (machine.serves() != machine.runs().digest)
                throw Violation(machine.name() + " says that it runs what it does not");
        fleet_.advance_until(fleet_.now() + 5s); // until all have heard so
        const auto last =
            fleet_.ask(fleet_.machines.front(), fleet_.up(fleet_.enter(last_document())), "up, the last one");
        fleet_.wait(fleet_.now() + longest_change, "an end",
                    [this, last] { return fleet_.answer_to(last) != nullptr; });
        if (*fleet_.answer_to(last) != 0) throw Violation("the last order failed" + fleet_.describe());
        fleet_.wait(fleet_.now() + longest_change, "what was ordered", [this] { return is_at_rest(); });
        for (const FleetMachine& machine : fleet_.machines)
            if (machine.serves() != fleet_.wanted()->now.digest)
                throw Violation(machine.name() + " serves what nobody wants");
    }

    Document last_document() {
        Document document;
        for (const FleetMachine& machine : fleet_.machines)
            document.facts.machines.push_back({machine.name(), false, {}, {"pool0"}});
        document.facts.allowed = is_large_ ? allowed() : 2;
        document.facts.vip = cluster::TopologyFacts::Vip{
            "10.0.0.100/24", {fleet_.machines.front().name(), fleet_.machines.back().name()}};
        return document;
    }

    // An operator looks every now and then.
    void tend(Time deadline) {
        fleet_.clock.after(10s, [this, deadline] {
            if (fleet_.now() > deadline || is_at_rest()) return;
            for (FleetMachine& machine : fleet_.machines) {
                if (!machine.has_supervisor()) continue;
                if (cluster::passes_by(fleet_.fence(machine.name())))
                    fleet_.ask(machine, cluster::FenceOrder{cluster::FenceOrder::What::uncordon, machine.name(), false},
                               "uncordon");
                const bool is_lost = !fleet_.wanted() && machine.runs().number > 0;
                if (machine.status().state == cluster::ClusterStatus::State::unaccepted || is_lost) accept(machine);
            }
            tend(deadline);
        });
    }

    bool is_at_rest() const {
        const auto change = fleet_.change();
        const auto wanted = fleet_.wanted();
        if ((change && !change->is_over()) || fleet_.oracle.has_open_asks()) return false;
        bool has_vip = false;
        for (const FleetMachine& machine : fleet_.machines) {
            if (!machine.has_supervisor() || !machine.can_be_heard()) return false;
            if (machine.runs() != (wanted ? wanted->now : cluster::Version())) return false;
            if (cluster::passes_by(fleet_.fence(machine.name()))) return false;
            has_vip = has_vip || may_have_vip(machine);
        }
        if (has_vip && fleet_.oracle.holders() != 1) return false;
        return std::ranges::all_of(fleet_.machines, [](const FleetMachine& machine) { // which looks at all others
            return machine.status().state == cluster::ClusterStatus::State::connected;
        });
    }

    bool may_have_vip(const FleetMachine& machine) const {
        if (machine.runs().digest.empty()) return false;
        const auto& vip = fleet_.books.of(machine.runs().digest).facts.vip;
        return vip && std::ranges::find(vip->on, machine.name()) != vip->on.end();
    }

    Fleet fleet_;
    Random& random_;
    std::optional<Etcd::Backup> backup_;
    std::unique_ptr<FleetMachine> impostor_;
    const bool is_large_;
    bool has_impostor_ = false;
    Time calm_until_{};
};

} // namespace

ClusterVerdict run_cluster_schedule(std::uint64_t seed, ClusterBug bug, bool trace, int machines) {
    ClusterSchedule schedule(seed, bug, trace, machines);
    try {
        schedule.run();
        return {true, {}, schedule.events()};
    } catch (const Violation& violation) {
        return {false, violation.what(), schedule.events()};
    }
}

} // namespace mpsup::sim

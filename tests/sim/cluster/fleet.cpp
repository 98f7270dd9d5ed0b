#include "tests/sim/cluster/fleet.h"

namespace mpsup::sim {

Fleet::Fleet(std::uint64_t seed, int count, ClusterBug bug, bool traces)
    : random(seed), etcd(clock), oracle(etcd, clock, books, keys), world{clock, random, etcd, other_etcd, oracle,
                                                                         books, bug,    true, traces} {
    world.on_answer = [this](cluster::AskId ask, int code) { answers_[ask] = code; };
    etcd.ledger = [this](const auto& changes, const auto& before) {
        for (const cluster::Change& change : changes)
            world.trace("    " + change.now.key + (change.deleted ? " is gone" : " is written"));
        oracle.on_changes(changes, before);
    };
    for (int i = 0; i < count; ++i) machines.emplace_back(world, i, "m" + std::to_string(i));
}

void Fleet::advance_until(Time end) {
    while (!clock.is_empty() && clock.next_due() < end) clock.run_one();
}

void Fleet::wait(Time deadline, const std::string& what, const std::function<bool()>& holds) {
    while (!holds()) {
        if (clock.is_empty() || now() > deadline) throw Violation("does not come to " + what + ":" + describe());
        clock.run_one();
    }
}

cluster::UpOrder Fleet::up(const std::string& digest) const {
    return {digest, digest, "/etc/site.yaml", books.of(digest).facts, false};
}

cluster::AskId Fleet::ask(FleetMachine& machine, cluster::Order order, const std::string& what) {
    machine.ask(++asks_, std::move(order), what);
    return asks_;
}

const int* Fleet::answer_to(cluster::AskId ask) const {
    const auto found = answers_.find(ask);
    return found == answers_.end() ? nullptr : &found->second;
}

std::optional<cluster::ChangeRecord> Fleet::change() const {
    const auto* item = etcd.find(keys.change());
    return item ? std::optional(*cluster::decode<cluster::ChangeRecord>(item->value)) : std::nullopt;
}

std::optional<cluster::WantedRecord> Fleet::wanted() const {
    const auto* item = etcd.find(keys.wanted());
    return item ? std::optional(*cluster::decode<cluster::WantedRecord>(item->value)) : std::nullopt;
}

cluster::FenceRecord Fleet::fence(const std::string& machine) const {
    const auto* item = etcd.find(keys.fence(machine));
    return item ? *cluster::decode<cluster::FenceRecord>(item->value) : cluster::FenceRecord();
}

std::string Fleet::describe() const {
    std::string text;
    for (const FleetMachine& machine : machines) text += " " + machine.describe() + ";";
    if (const auto item = etcd.find(keys.change())) text += " change " + item->value;
    if (const auto item = etcd.find(keys.wanted())) text += " wanted " + item->value;
    for (const auto& [key, item] : etcd.keys())
        if (key.starts_with(keys.vip("")))
            text += " " + key + " " + item.value + " lease " + std::to_string(item.lease);
    text += " held by " + std::to_string(oracle.holders());
    return text + " asks:" + oracle.open_asks();
}

} // namespace mpsup::sim

// Watches a simulated fleet from outside: what its etcd holds, and what its machines do. Keeps books of its own, and throws
// Violation as soon as something does not hold.
#pragma once

#include "supervisor/cluster/effect.h"
#include "supervisor/cluster/keys.h"
#include "supervisor/cluster/records.h"
#include "tests/sim/cluster/books.h"
#include "tests/sim/cluster/etcd.h"

#include <map>
#include <set>
#include <string>

namespace mpsup::sim {

/// Who has a transaction done, and what it knew when it decided on it.
struct Writer {
    std::string machine{}, instance{};
    cluster::Revision knew = 0;
};

class FleetOracle {
public:
    FleetOracle(Etcd& etcd, Clock& clock, const Books& books, cluster::Keys keys);

    /// Is told what each transaction did (Etcd::Ledger). The one that is done next is its.
    void writes(const Writer* writer) { writer_ = writer; }
    void on_changes(const std::vector<cluster::Change>& changes, const std::vector<cluster::KeyValue>& before);
    /// The store was emptied or restored.
    void on_replaced(bool is_known_to_all);

    // Machines
    /// A local operation begins, for the store that the machine listed; it knew another one before, or (-1) none that ever had
    /// something ordered.
    void begins(const std::string& machine, int trusts_generation, int listed_generation);
    /// What serves is replaced outside of any change, by what lets so many be out of service at a time.
    void begins_alone(const std::string& machine, int allowed);
    void ends_alone(const std::string& machine) { alone_.erase(machine); }
    /// It has the address until then, if nobody takes it away; not: no more.
    void holds(int machine, std::optional<Time> until);
    [[nodiscard]] bool has_address(int machine) const;
    void dies(int machine) { holds_until_.erase(machine); }

    // Operators
    void asks(cluster::AskId ask, const std::string& what) { asked_[ask] = {what, clock_.now()}; }
    void answered(cluster::AskId ask);
    void forgets(cluster::AskId ask) { asked_.erase(ask); }
    [[nodiscard]] bool has_open_asks() const { return !asked_.empty(); }
    [[nodiscard]] std::string open_asks() const;

    [[nodiscard]] int holders() const;
    [[nodiscard]] int most_out() const { return most_out_; }

private:
    struct State {
        bool lives = false, is_well = false;
        cluster::Version runs{};
        std::string accepts{}; // the change
    };
    template <typename Record> static std::optional<Record> read(const cluster::KeyValue& item);
    void note_machine(const std::string& name, const cluster::Change& change, const cluster::KeyValue& before);
    void judge_change(const cluster::KeyValue& now, const cluster::KeyValue& before);
    void judge_begin(const cluster::ChangeRecord& now, const std::optional<cluster::ChangeRecord>& before);
    void judge_step(const cluster::ChangeRecord& now, const cluster::ChangeRecord& before);
    void judge_budget(const cluster::ChangeRecord& now, const cluster::ChangeRecord* before);
    [[nodiscard]] State state_at(const std::string& machine, cluster::Revision revision) const;
    [[nodiscard]] cluster::FenceRecord fence_at(const std::string& machine, cluster::Revision revision) const;
    [[noreturn]] void fail(const std::string& what) const;

    Etcd& etcd_;
    Clock& clock_;
    const Books& books_;
    cluster::Keys keys_;
    const Writer* writer_ = nullptr;
    std::map<std::string, std::map<cluster::Revision, State>> states_;
    std::map<std::string, std::map<cluster::Revision, cluster::FenceRecord>> fences_;
    std::map<std::string, bool> granted_ailing_; // of those that are granted: it was out of service before
    std::map<std::string, cluster::ChangeRecord::Phase> ended_; // changes
    std::set<int> accepted_;                                    // generations of the store
    int most_out_ = 0;
    struct Asked {
        std::string what;
        Time since;
    };
    std::map<cluster::AskId, Asked> asked_;
    std::map<int, Time> holds_until_;
    std::set<std::string> alone_;
};

} // namespace mpsup::sim

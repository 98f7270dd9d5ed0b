// Machines, an etcd, and whoever watches over them.
#pragma once

#include "tests/sim/cluster/machine.h"

#include <deque>
#include <string>
#include <vector>

namespace mpsup::sim {

class Fleet {
public:
    Fleet(std::uint64_t seed, int machines, ClusterBug bug, bool traces);

    [[nodiscard]] Time now() const { return clock.now(); }
    void advance_until(Time end);
    /// Until `holds`, or throws Violation when it does not by then.
    void wait(Time deadline, const std::string& what, const std::function<bool()>& holds);

    /// With all machines, or some.
    std::string enter(Document document) { return books.enter(std::move(document)); }
    [[nodiscard]] cluster::UpOrder up(const std::string& digest) const;
    cluster::AskId ask(FleetMachine& machine, cluster::Order order, const std::string& what);
    /// nullptr: it has not ended.
    [[nodiscard]] const int* answer_to(cluster::AskId ask) const;

    [[nodiscard]] std::optional<cluster::ChangeRecord> change() const;
    [[nodiscard]] std::optional<cluster::WantedRecord> wanted() const;
    [[nodiscard]] cluster::FenceRecord fence(const std::string& machine) const;
    [[nodiscard]] std::string describe() const;

    Random random;
    Clock clock;
    Etcd etcd, other_etcd{clock, 8'000'001};
    Books books;
    cluster::Keys keys{"/mpsup/sim/"};
    FleetOracle oracle;
    FleetWorld world;
    std::deque<FleetMachine> machines;

private:
    std::map<cluster::AskId, int> answers_;
    cluster::AskId asks_ = 0;
};

} // namespace mpsup::sim

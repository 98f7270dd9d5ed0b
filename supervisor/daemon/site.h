// A running site: its workers and listeners, and the topology they came from.
#pragma once

#include "base/address.h"
#include "supervisor/daemon/listeners.h"
#include "supervisor/daemon/status.h"
#include "supervisor/daemon/worker_handle.h"
#include "supervisor/topology/topology.h"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace mpsup {

struct AppliedTopology {
    topology::Topology topology;
    std::string path; // the file it came from
    std::string digest;
};

/// One event loop; owned by the daemon. Operations (operations.h) change it.
class Site {
public:
    explicit Site(Surroundings& around) : around_(around) {}

    /// Null before the first.
    [[nodiscard]] const AppliedTopology* applied() const { return applied_ ? &*applied_ : nullptr; }
    void set_applied(AppliedTopology applied);
    /// Those of the site, from here on.
    void use_hooks(const topology::Hooks& hooks);

    /// In the order of the topology.
    [[nodiscard]] const std::vector<std::shared_ptr<WorkerHandle>>& workers() const { return workers_; }
    [[nodiscard]] std::shared_ptr<WorkerHandle> find(const std::string& name) const;
    /// A worker of this spec, with no process yet.
    std::shared_ptr<WorkerHandle> add(const topology::WorkerSpec& spec);
    /// Forgets a worker of which no process is left.
    void remove(const std::string& name);
    /// Puts the workers into the order of the applied topology.
    void sort_workers();

    /// Workers whose processes were started with nobody knows what: the next topology replaces them.
    [[nodiscard]] std::set<std::string>& unsure_of() { return unsure_of_; }
    [[nodiscard]] const std::set<std::string>& unsure_of() const { return unsure_of_; }

    /// Accelerators send nothing new to these, until this is said again. What is started later is told, too.
    void set_backends_out(const std::set<Address>& addresses);

    [[nodiscard]] Listeners& listeners() { return listeners_; }
    /// All that a worker of this spec accepts on: its endpoints, in their order, and what they cover.
    [[nodiscard]] Result<std::vector<Listener>> listeners_of(const topology::WorkerSpec& spec);
    [[nodiscard]] Surroundings& around() { return around_; }

    [[nodiscard]] bool greet(const contract::Hello& hello, const std::vector<Fd>& fds, Fd& connection);
    /// Is it a process of a generation that a worker has, and said hello to nobody yet?
    [[nodiscard]] bool knows(const contract::Hello& hello) const;
    /// SIGCHLD came: reaps what is ours, then what became ours.
    void reap();

    /// Log files were moved away by somebody else: all are opened anew.
    void reopen_logs();

    [[nodiscard]] std::string status(const SupervisorView& supervisor) const;

private:
    Surroundings& around_;
    std::optional<AppliedTopology> applied_;
    Listeners listeners_;
    std::vector<std::shared_ptr<WorkerHandle>> workers_;
    std::set<std::string> unsure_of_;
};

} // namespace mpsup

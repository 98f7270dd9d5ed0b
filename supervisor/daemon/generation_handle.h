// One generation's processes and sockets.
#pragma once

#include "base/fd.h"
#include "base/pidfd.h"
#include "supervisor/core/effect.h"
#include "supervisor/core/judge.h"
#include "supervisor/daemon/contract_link.h"
#include "supervisor/daemon/listeners.h"
#include "supervisor/daemon/log_part.h"
#include "supervisor/daemon/traffic_counter.h"
#include "supervisor/topology/copy_on_write.h"
#include "supervisor/topology/topology.h"
#include "worker/contract/messages.h"
#include "worker/contract/scoreboard.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace mpsup {

/// A process that serves: of a pool, or a light worker itself.
struct ServingProcess {
    std::string uuid;
    Pidfd pidfd;
    std::uint64_t start_time = 0;
    std::int64_t started_ms = 0; // wall clock
    contract::ScoreboardReader scoreboard;
    std::shared_ptr<ContractLink> link; // of an orphaned child that speaks for itself
    std::uint64_t private_bytes = 0;    // at the last health tick
    std::uint64_t shared_bytes = 0;
    pid_t master = -1;    // that forked it
    bool watched = false; // its pidfd, because its master is dead
    bool leaving = false; // another master's children take its place
    TrafficCounter counter;

    /// Its scoreboard among the descriptors of a hello, when only its record was known.
    void take_scoreboard(const contract::Hello& hello, const std::vector<Fd>& fds);
};

/// Does the kernel agree that this child is what its master says it is? Its parent is the master, or we are, when the master
/// died meanwhile.
[[nodiscard]] bool is_child_of(const Pidfd& pidfd, const contract::ChildStarted& child, pid_t master);

/// What a process has counted, onto a sum; a number that cannot be is left out.
void add_pages(const contract::ScoreboardReader& scoreboard, contract::PageCounts& sum);

/// What a process is told of the other workers of its site: in its environment, and in `go`.
struct ToldOfOthers {
    std::map<std::string, std::string> urls;
    contract::Links links;
    std::string servers; // of dynamic ones

    friend bool operator==(const ToldOfOthers&, const ToldOfOthers&) = default;
};

/// One generation's processes and sockets. Lives until the core says that the generation is gone.
struct GenerationHandle {
    core::GenerationNumber number = 0;
    topology::CopyOnWrite<topology::WorkerSpec> spec; // it was started with
    std::vector<Listener> listeners;
    Listener private_listener;
    std::string private_path;
    std::string uuid;
    std::string program;    // its file name
    int contract = 0;       // the version that its process speaks; 0: it has not said hello
    ToldOfOthers told;      // when it was started
    std::string impaired;   // what it serves without, and why; it says so itself
    ServingProcess process; // light process or pool master
    std::shared_ptr<ContractLink> link;
    std::vector<ServingProcess> retiring; // masters that a child took over from; their links are theirs
    std::map<pid_t, ServingProcess> children;
    bool told_go = false; // or it serves since before this supervisor
    bool killed = false;  // what is spawned late, or registers late, is killed at once
    bool draining = false;
    bool is_spec_known = true; // it was started with it, or so the last topology says
    bool has_old_logs = false; // they were moved away between its start and its hello
    std::optional<int> rolled; // children that a rollout lets it have; nothing: as the spec says
    core::Tally counted;       // of children that are gone
    LogPart log;               // of its worker
    pid_t sampled_last = 0;    // of its children, whose memory was looked at last

    /// What its master is to hold, whoever that is.
    [[nodiscard]] contract::PoolSize size() const;
    /// Is it a process of this generation: its master, one that retires, or a child?
    [[nodiscard]] bool has(pid_t pid) const;
    /// Of one of its processes; null: it has none of this pid.
    [[nodiscard]] const Pidfd* pidfd_of(pid_t pid) const;
    /// Masters that another took over from, and children that are not the master's own.
    [[nodiscard]] std::vector<pid_t> predecessors() const;

    // What its children counted (WorkerHandle says what each means)
    void begin_counting();
    void count_traffic(std::uint64_t skip_first);
    [[nodiscard]] core::Tally tally() const;
    [[nodiscard]] std::string failure() const;
    [[nodiscard]] std::uint64_t memory_of_child() const;
};

} // namespace mpsup

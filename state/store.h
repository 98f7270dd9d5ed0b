// Where the supervisor writes what it knows. Never blocks, never throws, never fails: a disk that refuses costs history,
// not service.
#pragma once

#include "base/error.h"
#include "state/rows.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace mpsup {

class Store {
public:
    virtual ~Store() = default;

    /// A process is about to be started. `done` is called once, on any thread, when the row is safe on disk or it is
    /// clear that it will not be.
    virtual void intend(const ProcessRow& process, std::function<void()> done) = 0;
    /// It was, or a pool master forked it.
    virtual void started(const ProcessRow& process) = 0;
    /// It is gone. `how`: ExitStatus::to_string.
    virtual void ended(const std::string& uuid, const std::string& how) = 0;
    virtual void event(const EventRow& event) = 0;
    virtual void worker(const WorkerRow& worker) = 0;
    /// A worker left the topology.
    virtual void forget_worker(const std::string& name) = 0;
    virtual void sample(const HealthSample& sample) = 0;
    virtual void applied(const TopologyRow& topology) = 0;

    /// How the store itself fares: empty when all is well, else what is lost and why.
    [[nodiscard]] virtual std::string trouble() const = 0;
};

/// The real one: SQLite, one connection in one thread. The destructor writes what is queued, for at most 2 s.
/// A file that is no database, or a corrupt one, is moved aside (NAME.damaged-TIME) and a fresh one begun; a schema
/// newer than this program's is not touched and nothing is written. Both are told by trouble() and on stderr.
[[nodiscard]] std::unique_ptr<Store> open_sqlite_store(const std::string& path);

} // namespace mpsup

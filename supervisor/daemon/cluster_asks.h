// Operators who wait here for what they ordered of the cluster.
#pragma once

#include "supervisor/cluster/effect.h"
#include "supervisor/daemon/bell.h"
#include "supervisor/daemon/outcome.h"
#include "supervisor/daemon/report.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <map>
#include <optional>

namespace mpsup {

/// One event loop.
class ClusterAsks {
public:
    explicit ClusterAsks(const boost::asio::any_io_executor& executor) : told_(executor) {}

    /// What is said until it ends goes to `report`.
    [[nodiscard]] cluster::AskId begin(Report report);
    /// How it ended; it is forgotten then.
    [[nodiscard]] boost::asio::awaitable<Outcome> end_of(cluster::AskId ask);
    /// What the cluster says of one; of one that nobody waits for nothing happens.
    void tell(const cluster::Tell& tell);
    /// What happens on this machine, for everybody who waits for the whole.
    void tell_all(const ReportLine& line);
    /// Whoever waits, or asks later, is told that the supervisor ends.
    void close();

private:
    struct Ask {
        Report report{};
        std::optional<Outcome> outcome{};
    };
    std::map<cluster::AskId, Ask> asks_;
    cluster::AskId last_ = 0;
    Bell told_;
    bool is_closed_ = false;
};

} // namespace mpsup

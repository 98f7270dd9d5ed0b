// What was ordered of a cluster, as it is kept there.
#pragma once

#include "supervisor/cluster/cluster_status.h"
#include "supervisor/cluster/etcd_client.h"
#include "supervisor/cluster/keys.h"
#include "supervisor/cluster/records.h"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mpsup {

/// One event loop. What was read once is known while etcd does not answer.
class ClusterTopologies {
public:
    /// Reads what came since. Errors leave what is known: the next call tries again.
    [[nodiscard]] boost::asio::awaitable<void> refresh(cluster::EtcdClient& etcd, const cluster::Keys& keys,
                                                       cluster::ClusterStatus status);
    /// The answer to /v1/topologies (cli/topologies_view.h). Of `status` the change that runs or ran last, by which it is known how that
    /// ended before it was read, and the orders.
    [[nodiscard]] std::string json(const cluster::ClusterStatus& status) const;

private:
    struct Applied {
        cluster::TopologyRecord record; // without its document
        std::string outcome{}, note{};
    };
    std::map<std::uint64_t, Applied> applied_;
    std::vector<cluster::PastRecord> past_; // restarts and rollbacks, in the order of their ends
    std::string seen_; // what the change was like, and what was wanted, at the last refresh that succeeded
};

} // namespace mpsup

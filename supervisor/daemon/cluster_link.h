// This supervisor as one of several: carries what etcd says to cluster::Member, and does what that decides.
#pragma once

#include "supervisor/cluster/member.h"
#include "supervisor/control/cluster_machine.h"
#include "supervisor/control/peer_trust.h"
#include "supervisor/daemon/cluster_options.h"
#include "supervisor/daemon/orders.h"

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>
#include <vector>

namespace mpsup {

/// One event loop; owned by the daemon. What it works with outlives it.
class ClusterLink {
public:
    ClusterLink(Site& site, Orders& orders, Takeover& takeover, ClusterOptions options);
    /// Ends all that it began.
    ~ClusterLink();
    ClusterLink(const ClusterLink&) = delete;
    ClusterLink& operator=(const ClusterLink&) = delete;

    /// After the takeover: joins the others, and stays one of them as long as this object lives. When nothing runs here and etcd does
    /// not answer at once, what ran here last is brought up.
    [[nodiscard]] boost::asio::awaitable<void> run();

    /// What an operator orders, of all machines. `who`: for the history. Waits until the cluster says how it ended; what it says
    /// in between goes to `report`.
    [[nodiscard]] boost::asio::awaitable<Outcome> order(cluster::Order order, std::string who, Report report);
    /// The same of a topology, as the command line has resolved it.
    [[nodiscard]] boost::asio::awaitable<Outcome> up(UpRequest request, bool fast, std::string who, Report report);
    /// That store in place of the one that was known.
    [[nodiscard]] boost::asio::awaitable<Outcome> accept_store(std::string who, Report report);

    /// For good: others take over what was this machine's. A second at most.
    [[nodiscard]] boost::asio::awaitable<void> leave();

    [[nodiscard]] const ClusterOptions& options() const;
    [[nodiscard]] cluster::ClusterStatus status() const;
    /// Every machine that is known, this one too.
    [[nodiscard]] std::vector<ClusterMachine> machines() const;
    /// What was applied to all, for /v1/topologies (read_api.h).
    [[nodiscard]] std::string topologies() const;
    /// Is this the IP address of one of them? The fingerprint of a certificate that one of them shows?
    [[nodiscard]] bool has_address(const std::string& ip) const;
    [[nodiscard]] bool has_certificate(const std::string& fingerprint) const;
    /// By which they know each other.
    [[nodiscard]] const PeerTrust& trust() const;

    /// What must be known after this process has become another program is on the disk then. Waits for that.
    void flush();

private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

} // namespace mpsup

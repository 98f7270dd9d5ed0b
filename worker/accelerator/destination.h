// Where the requests of one route go, and what all threads know of it.
#pragma once

#include "worker/accelerator/backends.h"
#include "worker/accelerator/brownout.h"
#include "worker/accelerator/queue.h"
#include "worker/accelerator/spool.h"
#include "worker/accelerator/upstream_address.h"
#include "worker/contract/front.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mpsup::accelerator {

/// A pool of this machine (one unix socket, its queue the kernel's), TCP backends, or both, the pool first. Shared by threads;
/// made before they start.
class Destination {
public:
    /// As Front::upstream_tls.
    using TlsClients = std::vector<std::shared_ptr<http::TlsClient>>;
    /// `route` and `whole` outlive it.
    [[nodiscard]] static Result<std::unique_ptr<Destination>> make(const contract::Route& route, SpoolBudget& whole,
                                                                   const TlsClients& tls);

    [[nodiscard]] const contract::Route& route() const noexcept { return route_; }
    [[nodiscard]] bool has_pool() const noexcept { return addresses_.front().is_unix(); }
    [[nodiscard]] bool has_backends() const noexcept { return !addresses_.back().is_unix(); }
    /// Is that address the pool's?
    [[nodiscard]] bool is_pool(std::size_t index) const noexcept { return addresses_[index].is_unix(); }
    [[nodiscard]] const std::vector<UpstreamAddress>& addresses() const noexcept { return addresses_; }
    /// What the application may believe its own authority to be.
    [[nodiscard]] const std::vector<std::string>& authorities() const noexcept { return authorities_; }

    [[nodiscard]] SpoolBudget& budget() noexcept { return budget_; }
    [[nodiscard]] Queue& queue() noexcept { return queue_; }
    [[nodiscard]] Backends& backends() noexcept { return backends_; }
    /// A child of this generation of the pool has answered.
    void note_generation(std::uint64_t generation) noexcept;
    /// Has one of a later generation answered? Then its children are being ended, whatever they do.
    [[nodiscard]] bool is_outdated(std::uint64_t generation) const noexcept {
        return generation < newest_generation_.load(std::memory_order_relaxed);
    }
    /// Where a request goes, which counts there until settle(); nothing when nobody takes it. `avoid`: as Backends::choose.
    [[nodiscard]] std::optional<std::size_t> choose(http::TimePoint now, std::optional<std::size_t> avoid);
    /// As Backends::done.
    std::optional<std::chrono::milliseconds> settle(std::size_t index, Outcome outcome, http::TimePoint now);
    /// How much of the pool's time is left for new requests. Backends have none that we know of: normal.
    [[nodiscard]] Load load(http::TimePoint now);

private:
    Destination(const contract::Route& route, std::vector<UpstreamAddress> addresses,
                std::vector<std::string> authorities, SpoolBudget& whole);

    const contract::Route& route_;
    const std::vector<UpstreamAddress> addresses_;
    const std::vector<std::string> authorities_; // of TCP backends
    SpoolBudget budget_;
    Queue queue_;
    Brownout brownout_;
    Backends backends_;
    std::atomic<std::uint64_t> newest_generation_{0}; // of children that answered
};

/// Has the peer of a unix socket not yet read what was written (SIOCOUTQ)? False, too, for a socket that is none.
[[nodiscard]] bool is_unread(int socket) noexcept;

} // namespace mpsup::accelerator

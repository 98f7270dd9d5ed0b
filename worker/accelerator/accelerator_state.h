// What all threads of an accelerator share.
#pragma once

#include "worker/accelerator/client_identity.h"
#include "worker/accelerator/destination.h"
#include "worker/accelerator/poison.h"
#include "worker/cache/cache_request.h"
#include "worker/cache/flights.h"
#include "worker/cache/rule.h"
#include "worker/cache/store.h"
#include "worker/contract/front.h"
#include "worker/http/client_info.h"

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::accelerator {

/// Made before the threads start; outlives the handlers of all of them.
class AcceleratorState {
public:
    /// `front` outlives it, and `store` too; without a store nothing is cached.
    [[nodiscard]] static Result<std::unique_ptr<AcceleratorState>> make(const contract::Front& front,
                                                                        cache::Store* store);

    [[nodiscard]] const contract::Front& front() const noexcept { return front_; }
    /// Of a route, by its index; null: it has files only.
    [[nodiscard]] Destination* destination(std::size_t route) noexcept { return destinations_[route].get(); }
    [[nodiscard]] const cache::Rule& rule(std::size_t route) const noexcept { return rules_[route]; }

    /// What is known of backends that speak TLS: its files may be read anew.
    [[nodiscard]] const Destination::TlsClients& tls_clients() const noexcept { return tls_clients_; }

    [[nodiscard]] cache::Store* store() noexcept { return store_; }
    [[nodiscard]] cache::Flights& flights() noexcept { return flights_; }
    [[nodiscard]] Poison& poison() noexcept { return poison_; }
    [[nodiscard]] SpoolBudget& budget() noexcept { return budget_; }

    [[nodiscard]] bool is_trusted(std::string_view address) const;
    [[nodiscard]] bool is_trusted(const http::Client& client) const;
    /// Who asks, and for which host.
    void identify(const http::Request& request, const http::Client& client, ClientIdentity& identity) const;
    /// What a request means to the cache of a route. `secure`: its client speaks TLS.
    [[nodiscard]] cache::CacheRequest read_for_cache(const http::Request& request, bool secure,
                                                     std::size_t route) const;

    /// Everything is answered 503 while it is on.
    void set_maintenance(bool on) noexcept { maintenance_.store(on, std::memory_order_relaxed); }
    [[nodiscard]] bool maintenance() const noexcept { return maintenance_.load(std::memory_order_relaxed); }

    /// True for the first who asks: that handler checks the backends for all.
    [[nodiscard]] bool claim_checks() noexcept { return !checks_claimed_.exchange(true); }

    /// To backends at these addresses nothing new is sent, until this is said again; from any thread.
    void set_out(std::span<const std::string> addresses);

    /// What is known of all backends, as text, for the worker that comes after this one (Backends::save).
    [[nodiscard]] std::string save_backends(http::TimePoint now);
    void restore_backends(std::string_view text, http::TimePoint now);

private:
    AcceleratorState(const contract::Front& front, cache::Store* store);

    const contract::Front& front_;
    cache::Store* const store_;
    SpoolBudget budget_;
    Destination::TlsClients tls_clients_;
    std::vector<std::unique_ptr<Destination>> destinations_;
    std::vector<cache::Rule> rules_;
    cache::Flights flights_;
    Poison poison_;
    std::atomic<bool> maintenance_;
    std::atomic<bool> checks_claimed_{false};
};

} // namespace mpsup::accelerator

#include "worker/accelerator/accelerator_state.h"

#include "worker/accelerator/ignored_query.h"
#include "worker/http/tls_client.h"

#include <algorithm>
#include <limits>

namespace mpsup::accelerator {

namespace {

cache::Rule rule_of(const contract::CacheRule& rule, bool has_store) {
    cache::Rule result;
    result.on = rule.on && has_store;
    result.default_ttl = rule.default_ttl.count();
    result.stale_while_revalidate = rule.stale_while_revalidate.count();
    result.stale_if_error = rule.stale_if_error.count();
    return result;
}

Poison::Policy poison_policy(const contract::Front& front) {
    Poison::Policy policy;
    policy.deaths =
        front.quarantine_deaths == 0 ? std::numeric_limits<int>::max() : static_cast<int>(front.quarantine_deaths);
    policy.time = front.quarantine_for;
    return policy;
}

} // namespace

AcceleratorState::AcceleratorState(const contract::Front& front, cache::Store* store)
    : front_(front),
      store_(store),
      budget_(front.buffer.memory, front.buffer_folder.empty() ? 0 : front.buffer.disk),
      poison_(poison_policy(front)),
      maintenance_(front.maintenance) {}

Result<std::unique_ptr<AcceleratorState>> AcceleratorState::make(const contract::Front& front, cache::Store* store) {
    std::unique_ptr<AcceleratorState> state(new AcceleratorState(front, store));
    for (const contract::UpstreamTls& tls : front.upstream_tls) {
        auto client = http::TlsClient::open({.authority = tls.ca, .pair = {tls.cert, tls.key}, .name = tls.name});
        if (!client) return std::unexpected(client.error());
        state->tls_clients_.push_back(std::move(*client));
    }
    for (const contract::Route& route : front.routes) {
        state->rules_.push_back(rule_of(route.cache, store != nullptr));
        state->destinations_.emplace_back();
        if (route.backends.empty()) continue;
        auto destination = Destination::make(route, state->budget_, state->tls_clients_);
        if (!destination) return std::unexpected(destination.error());
        state->destinations_.back() = std::move(*destination);
    }
    return state;
}

bool AcceleratorState::is_trusted(std::string_view address) const {
    return std::ranges::any_of(front_.trusted_proxies,
                               [&](const contract::Cidr& block) { return block.contains(address); });
}

bool AcceleratorState::is_trusted(const http::Client& client) const {
    return client.trusted || (!front_.trusted_proxies.empty() && is_trusted(client.address));
}

void AcceleratorState::identify(const http::Request& request, const http::Client& client,
                                ClientIdentity& identity) const {
    const Peer peer{client.address, client.local_address, client.local_port, client.tls, is_trusted(client)};
    accelerator::identify(request, peer, [this](std::string_view address) { return is_trusted(address); }, identity);
}

cache::CacheRequest AcceleratorState::read_for_cache(const http::Request& request, bool secure,
                                                     std::size_t route) const {
    cache::CacheRequest asked = cache::read_request(request, secure, rules_[route]);
    const contract::Texts& ignored = front_.routes[route].cache.ignore_query;
    if (ignored.empty() || !request.has_query || asked.key.empty()) return asked;
    const std::string query = without_parameters(request.query, ignored);
    asked.key = cache::CacheKey(secure ? "https" : "http", request.authority, request.path, query, !query.empty());
    return asked;
}

void AcceleratorState::set_out(std::span<const std::string> addresses) {
    for (const auto& destination : destinations_)
        if (destination) destination->backends().set_out(addresses);
}

std::string AcceleratorState::save_backends(http::TimePoint now) {
    std::string text;
    for (const auto& destination : destinations_)
        if (destination && destination->has_backends()) text += destination->backends().save(now);
    return text;
}

void AcceleratorState::restore_backends(std::string_view text, http::TimePoint now) {
    for (const auto& destination : destinations_)
        if (destination && destination->has_backends()) destination->backends().restore(text, now);
}

} // namespace mpsup::accelerator

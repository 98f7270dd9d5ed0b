#include "worker/accelerator/destination.h"

#include "worker/http/socket_io.h"

#include <algorithm>
#include <limits>

namespace mpsup::accelerator {

namespace {

BackendPolicy policy_of(const contract::BackendRule& rule, bool own_first) {
    BackendPolicy policy;
    policy.failures = rule.eject_after == 0 ? std::numeric_limits<int>::max() : static_cast<int>(rule.eject_after);
    policy.ejection = rule.eject_for;
    policy.longest = rule.eject_for * 10;
    policy.slow_start = rule.slow_start;
    policy.checked = !rule.check_path.empty();
    policy.every = rule.check_every;
    policy.own_first = own_first;
    return policy;
}

std::vector<std::string> texts_of(const std::vector<UpstreamAddress>& addresses) {
    std::vector<std::string> texts;
    for (const UpstreamAddress& address : addresses) texts.push_back(address.text);
    return texts;
}

} // namespace

bool is_unread(int socket) noexcept { return http::unacknowledged(socket) > 0; }

Result<std::unique_ptr<Destination>> Destination::make(const contract::Route& route, SpoolBudget& whole,
                                                       const TlsClients& tls) {
    std::vector<UpstreamAddress> addresses;
    std::vector<std::string> authorities;
    for (const contract::Backend& backend : route.backends) {
        auto address = UpstreamAddress::parse(backend.address);
        if (!address) return std::unexpected(address.error());
        if (backend.tls > tls.size()) return failure("a backend with TLS of which nothing is said");
        if (backend.tls > 0) address->tls = tls[backend.tls - 1];
        if (!address->is_unix()) authorities.push_back(address->text);
        addresses.push_back(std::move(*address));
    }
    if (addresses.empty()) return failure("a route to nowhere");
    if (std::ranges::count_if(addresses.begin() + 1, addresses.end(), &UpstreamAddress::is_unix) > 0)
        return failure("a pool comes before all other backends of a route");
    return std::unique_ptr<Destination>(new Destination(route, std::move(addresses), std::move(authorities), whole));
}

Destination::Destination(const contract::Route& route, std::vector<UpstreamAddress> addresses,
                         std::vector<std::string> authorities, SpoolBudget& whole)
    : route_(route),
      addresses_(std::move(addresses)),
      authorities_(std::move(authorities)),
      budget_(route.buffer.memory, route.buffer.disk, &whole),
      queue_(route.queue.length, [](int connection) { return !is_unread(connection); }),
      brownout_(route.queue.target, route.queue.timeout),
      backends_(texts_of(addresses_), policy_of(route.health, has_pool())) {}

void Destination::note_generation(std::uint64_t generation) noexcept {
    std::uint64_t known = newest_generation_.load(std::memory_order_relaxed);
    while (known < generation &&
           !newest_generation_.compare_exchange_weak(known, generation, std::memory_order_relaxed)) {
    }
}

// A pool alone has nothing to choose from, and its failures are no reason to leave it.
std::optional<std::size_t> Destination::choose(http::TimePoint now, std::optional<std::size_t> avoid) {
    if (!has_backends()) return 0;
    return backends_.choose(now, avoid, has_pool() && queue_.is_short(now));
}

std::optional<std::chrono::milliseconds> Destination::settle(std::size_t index, Outcome outcome, http::TimePoint now) {
    if (!has_backends()) return std::nullopt;
    return backends_.done(index, outcome, now);
}

Load Destination::load(http::TimePoint now) {
    if (!has_pool() || !brownout_.possible()) return Load::normal;
    if (has_backends() && backends_.has_other()) return Load::normal; // they take what the pool has no time for
    return brownout_.judge(queue_.waiting_since(), now);
}

} // namespace mpsup::accelerator

#include "worker/accelerator/destination.h"

#include "worker/http/socket_io.h"

#include <limits>

namespace mpsup::accelerator {

namespace {

BackendPolicy policy_of(const contract::BackendRule& rule) {
    BackendPolicy policy;
    policy.failures = rule.eject_after == 0 ? std::numeric_limits<int>::max() : static_cast<int>(rule.eject_after);
    policy.ejection = rule.eject_for;
    policy.longest = rule.eject_for * 10;
    policy.slow_start = rule.slow_start;
    policy.checked = !rule.check_path.empty();
    policy.every = rule.check_every;
    return policy;
}

std::vector<std::string> texts_of(const std::vector<UpstreamAddress>& addresses) {
    std::vector<std::string> texts;
    for (const UpstreamAddress& address : addresses) texts.push_back(address.text);
    return texts;
}

} // namespace

bool is_unread(int socket) noexcept { return http::unacknowledged(socket) > 0; }

Result<std::unique_ptr<Destination>> Destination::make(const contract::Route& route, SpoolBudget& whole) {
    std::vector<UpstreamAddress> addresses;
    std::vector<std::string> authorities;
    for (const contract::Backend& backend : route.backends) {
        auto address = UpstreamAddress::parse(backend.address);
        if (!address) return std::unexpected(address.error());
        if (!address->is_unix()) authorities.push_back(address->text);
        addresses.push_back(std::move(*address));
    }
    if (addresses.empty()) return failure("a route to nowhere");
    return std::unique_ptr<Destination>(new Destination(route, std::move(addresses), std::move(authorities), whole));
}

Destination::Destination(const contract::Route& route, std::vector<UpstreamAddress> addresses,
                         std::vector<std::string> authorities, SpoolBudget& whole)
    : route_(route),
      addresses_(std::move(addresses)),
      authorities_(std::move(authorities)),
      budget_(route.buffer.memory, route.buffer.disk, &whole),
      queue_(route.queue.length, [](int connection) { return !is_unread(connection); }),
      brownout_(route.queue.target),
      backends_(texts_of(addresses_), policy_of(route.health)) {}

void Destination::note_generation(std::uint64_t generation) noexcept {
    std::uint64_t known = newest_generation_.load(std::memory_order_relaxed);
    while (known < generation &&
           !newest_generation_.compare_exchange_weak(known, generation, std::memory_order_relaxed)) {
    }
}

Load Destination::load(http::TimePoint now) {
    if (!is_pool() || !brownout_.possible()) return Load::normal;
    return brownout_.judge(queue_.waiting_since(), now);
}

} // namespace mpsup::accelerator

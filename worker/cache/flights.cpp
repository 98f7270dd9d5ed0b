#include "worker/cache/flights.h"

#include <algorithm>
#include <utility>

namespace mpsup::cache {

Leader::Leader(Leader&& other) noexcept
    : flights_(std::exchange(other.flights_, nullptr)), key_(std::move(other.key_)) {}

Leader& Leader::operator=(Leader&& other) noexcept {
    std::swap(flights_, other.flights_);
    std::swap(key_, other.key_);
    return *this;
}

void Leader::land(Landing landing, Seconds now) {
    if (Flights* flights = std::exchange(flights_, nullptr)) flights->land(key_, landing, now);
}

bool Leader::is_awaited() const { return flights_ && flights_->is_awaited(key_); }

Flights::Joined Flights::join(std::string_view key, Seconds now, Wake wake) {
    std::string owned(key);
    const std::lock_guard lock(mutex_);
    Joined joined;
    if (const auto known = uncacheable_.find(owned); known != uncacheable_.end()) {
        const Seconds since = now - known->second;
        if (since < 0) return joined;
        if (since < recall)
            known->second = now + memory; // one goes to see whether it can be shared by now, and nobody waits for that
        else
            uncacheable_.erase(known);
    }
    const auto [flight, first] = flying_.try_emplace(owned);
    if (first) {
        joined.role = Joined::Role::leads;
        joined.leader = Leader(this, std::move(owned));
    } else if (flight->second.size() < waiters) {
        joined.role = Joined::Role::waits;
        joined.ticket = next_ticket_++;
        flight->second.push_back({joined.ticket, std::move(wake)});
    }
    return joined;
}

bool Flights::leave(std::string_view key, std::uint64_t ticket) {
    Waiter gone; // whatever its Wake holds is destroyed without the lock
    const std::lock_guard lock(mutex_);
    const auto flight = flying_.find(std::string(key));
    if (flight == flying_.end()) return false;
    const auto waiter = std::ranges::find(flight->second, ticket, &Waiter::ticket);
    if (waiter == flight->second.end()) return false;
    gone = std::move(*waiter);
    flight->second.erase(waiter);
    return true;
}

Leader Flights::lead_if_free(std::string_view key) {
    std::string owned(key);
    const std::lock_guard lock(mutex_);
    return flying_.try_emplace(owned).second ? Leader(this, std::move(owned)) : Leader();
}

std::size_t Flights::size() const {
    const std::lock_guard lock(mutex_);
    return flying_.size();
}

bool Flights::is_awaited(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    const auto flight = flying_.find(key);
    return flight != flying_.end() && !flight->second.empty();
}

void Flights::land(const std::string& key, Landing landing, Seconds now) {
    std::vector<Waiter> landed;
    {
        const std::lock_guard lock(mutex_);
        if (const auto flight = flying_.find(key); flight != flying_.end()) {
            landed = std::move(flight->second);
            flying_.erase(flight);
        }
        if (landing == Landing::uncacheable) {
            if (uncacheable_.size() >= most) uncacheable_.clear();
            uncacheable_[key] = now + memory;
        } else if (landing == Landing::stored) {
            uncacheable_.erase(key);
        }
    }
    for (const Waiter& waiter : landed) waiter.wake(landing);
}

} // namespace mpsup::cache

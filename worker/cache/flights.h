// Single flight: of several requests for what is not stored, one goes to the origin (faults no. 70).
#pragma once

#include "worker/cache/rule.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mpsup::cache {

/// How a flight ended, for those who waited.
enum class Landing {
    stored,      // look again: it is in the store, unless it was for another variant
    uncacheable, // go yourself; the answer was for one client only
    failed,      // go yourself, or answer what an origin failure answers
};

class Flights;

/// The leader's duty: to say how it ended. Its destructor says `failed`. Movable; must not outlive the Flights.
class Leader {
public:
    Leader() noexcept = default;
    Leader(Leader&& other) noexcept;
    Leader& operator=(Leader&& other) noexcept;
    ~Leader() { land(Landing::failed, 0); }

    [[nodiscard]] explicit operator bool() const noexcept { return flights_ != nullptr; }
    /// Wakes all who wait. With `uncacheable` requests for the same key do not wait for each other until `now` +
    /// Flights::memory ("hit for miss"). As soon as it is known: with the head of the response.
    void land(Landing landing, Seconds now);
    /// Does anybody wait for it just now?
    [[nodiscard]] bool is_awaited() const;

private:
    friend class Flights;
    Leader(Flights* flights, std::string key) : flights_(flights), key_(std::move(key)) {}
    Flights* flights_ = nullptr;
    std::string key_;
};

/// Shared by all threads. Deadlines are the waiters': each sets its own timer and leaves when it fires.
class Flights {
public:
    static constexpr Seconds memory = 10;        // how long a key stays known as uncacheable
    static constexpr Seconds recall = 60;        // after that: who comes then leads, and nobody waits for him
    static constexpr std::size_t most = 16384;   // such keys; when there are more, all are forgotten
    static constexpr std::size_t waiters = 4096; // of one flight; who comes then goes himself

    /// Called once, in the thread of whoever lands, without any lock held: it must only post to the waiter's own loop.
    using Wake = std::function<void(Landing)>;

    struct Joined {
        enum class Role { leads, waits, alone };
        Role role = Role::alone; // alone: the key is known as uncacheable, or too many wait: go, and store if it can be
        Leader leader;           // when it leads
        std::uint64_t ticket = 0; // when it waits: for leave()
    };
    [[nodiscard]] Joined join(std::string_view key, Seconds now, Wake wake);

    /// A waiter has had enough. True: it is never woken. False: it has been woken already, or is just being.
    bool leave(std::string_view key, std::uint64_t ticket);

    /// Only says whether somebody is on the way (for background validation: one at a time). A leader, or nobody.
    [[nodiscard]] Leader lead_if_free(std::string_view key);

    [[nodiscard]] std::size_t size() const;

private:
    friend class Leader;
    struct Waiter {
        std::uint64_t ticket;
        Wake wake;
    };
    void land(const std::string& key, Landing landing, Seconds now);
    [[nodiscard]] bool is_awaited(const std::string& key) const;

    mutable std::mutex mutex_;
    std::unordered_map<std::string, std::vector<Waiter>> flying_;
    std::unordered_map<std::string, Seconds> uncacheable_; // until when
    std::uint64_t next_ticket_ = 1;
};

} // namespace mpsup::cache

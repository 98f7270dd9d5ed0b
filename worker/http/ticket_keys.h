// The keys of TLS session tickets, made anew now and then.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>

namespace mpsup::http {

/// Known to this process only. Each name has keys of its own, so that a ticket of one is no ticket of another. The clock is
/// the caller's. Thread-safe.
class TicketKeys {
public:
    using Time = std::chrono::steady_clock::time_point;

    struct Key {
        std::array<unsigned char, 16> id{}; // what the ticket says, in the clear
        std::array<unsigned char, 32> cipher{};
        std::array<unsigned char, 32> mac{};
        bool old = false; // good for opening; a fresh ticket should replace it
    };

    explicit TicketKeys(std::chrono::seconds age) noexcept : age_(age) {}

    /// To make a ticket with; nothing when the system has no randomness.
    [[nodiscard]] std::optional<Key> current(std::string_view name, Time now);
    /// To open a ticket that says `id`: the current key, or the one before for as long again.
    [[nodiscard]] std::optional<Key> find(std::string_view name, std::span<const unsigned char, 16> id, Time now);

private:
    using Secret = std::array<unsigned char, 32>;
    struct Epoch {
        Secret secret{};
        Time since{};
        bool made = false;
    };

    [[nodiscard]] bool turn(Time now);
    [[nodiscard]] static std::optional<Key> derive(const Secret& secret, std::string_view name);

    const std::chrono::seconds age_;
    std::mutex mutex_;
    Epoch current_, before_;
};

} // namespace mpsup::http

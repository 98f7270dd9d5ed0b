// How much one address may ask of a server: connections at a time, and requests a second.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace mpsup::http {

/// 0: no limit.
struct GuardLimits {
    std::size_t connections = 0;   // at a time, from one address
    double rate = 0;               // requests a second from one address, on the whole
    double burst = 20;             // requests more than that at once
    std::size_t addresses = 65536; // remembered at most, for 96 bytes each; who finds no place is let in

    [[nodiscard]] bool any() const noexcept { return connections != 0 || rate > 0; }
};

/// An address as it is limited: IPv4 whole, IPv6 by its first 64 bits, which are one customer's.
struct GuardKey {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    /// Of a textual address; nothing for what is none (a unix socket).
    [[nodiscard]] static std::optional<GuardKey> of(std::string_view address) noexcept;
    friend bool operator==(const GuardKey&, const GuardKey&) = default;
};

/// Shared by all threads: tables of a fixed size behind sixteen locks. An address has one of eight places; when all of
/// them are taken by addresses that have connections or a debt, a newcomer is not limited. Times are the caller's, so
/// nothing here reads a clock.
class Guards {
public:
    using Time = std::chrono::steady_clock::time_point;

    explicit Guards(const GuardLimits& limits);

    enum class Admission {
        refused,  // it has enough
        counted,  // and leaves once
        unlimited // let in without being counted, so it must not leave
    };
    /// One connection more.
    [[nodiscard]] Admission enter(const GuardKey& key, Time now);
    /// The end of a connection that was counted.
    void leave(const GuardKey& key) noexcept;

    /// One request more: nothing, or how long to wait before the next is granted.
    [[nodiscard]] std::optional<std::chrono::seconds> charge(const GuardKey& key, Time now);

    [[nodiscard]] const GuardLimits& limits() const noexcept { return limits_; }

private:
    struct Entry {
        GuardKey key;
        std::uint32_t connections = 0;
        double tokens = 0; // as of `seen`
        Time seen{};
        bool used = false;
    };
    struct Shard {
        std::mutex mutex;
        std::vector<Entry> entries;
    };
    static constexpr std::size_t shards = 16;
    static constexpr std::size_t ways = 8;

    [[nodiscard]] std::pair<Shard&, std::span<Entry>> places(const GuardKey& key) noexcept;
    [[nodiscard]] Entry* find(std::span<Entry> entries, const GuardKey& key) const noexcept;
    [[nodiscard]] Entry* find_or_make(std::span<Entry> entries, const GuardKey& key, Time now) const noexcept;
    [[nodiscard]] double tokens_of(const Entry& entry, Time now) const noexcept;

    const GuardLimits limits_;
    std::uint64_t seed_; // so that nobody can choose who shares a place
    std::array<Shard, shards> shards_;
};

} // namespace mpsup::http

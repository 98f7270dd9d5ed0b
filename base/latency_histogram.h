// How long things took: a fixed number of buckets, four to each doubling, so that a quantile is known to within a fifth.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <numeric>

namespace mpsup {

constexpr std::size_t latency_buckets = 96;

/// The bucket of so many microseconds: 0 to 3 are one each, then four to each doubling; the last one holds all that is
/// longer (more than 29 s).
[[nodiscard]] constexpr std::size_t latency_bucket(std::uint64_t microseconds) noexcept {
    if (microseconds < 4) return static_cast<std::size_t>(microseconds);
    const auto exponent = static_cast<unsigned>(std::bit_width(microseconds)) - 1U; // at least 2
    const auto quarter = (microseconds >> (exponent - 2U)) & 3U;
    return std::min<std::size_t>(4U * (exponent - 1U) + static_cast<std::size_t>(quarter), latency_buckets - 1);
}

/// The smallest number of microseconds that is in a later bucket than this one.
[[nodiscard]] constexpr std::uint64_t latency_bucket_end(std::size_t bucket) noexcept {
    const std::size_t next = bucket + 1;
    if (next < 4) return next;
    return (4U + std::uint64_t{next % 4}) << (next / 4 - 1);
}

/// Counts by bucket. A value.
struct LatencyHistogram {
    std::array<std::uint64_t, latency_buckets> counts{};

    [[nodiscard]] std::uint64_t total() const noexcept {
        return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
    }
    /// How many took longer than what `bucket` holds.
    [[nodiscard]] std::uint64_t above(std::size_t bucket) const noexcept {
        return std::accumulate(counts.begin() + static_cast<std::ptrdiff_t>(bucket) + 1, counts.end(),
                               std::uint64_t{0});
    }
    /// The bucket that the `percent`th of a hundred is in; 0 of none at all.
    [[nodiscard]] std::size_t quantile_bucket(unsigned percent) const noexcept {
        const std::uint64_t all = total();
        std::uint64_t seen = 0;
        for (std::size_t bucket = 0; bucket < counts.size(); ++bucket) {
            seen += counts[bucket];
            if (seen > 0 && seen * 100 >= all * percent) return bucket;
        }
        return 0;
    }
    friend bool operator==(const LatencyHistogram&, const LatencyHistogram&) = default;
};

} // namespace mpsup

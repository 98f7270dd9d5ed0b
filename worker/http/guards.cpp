#include "worker/http/guards.h"

#include <algorithm>
#include <arpa/inet.h>
#include <bit>
#include <cmath>
#include <cstring>
#include <netinet/in.h>
#include <random>

namespace mpsup::http {

namespace {

std::uint64_t mix(std::uint64_t value) noexcept { // splitmix64
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31U);
}

} // namespace

std::optional<GuardKey> GuardKey::of(std::string_view address) noexcept {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.size() >= text.size()) return std::nullopt;
    address.copy(text.data(), address.size());
    in_addr v4{};
    if (::inet_pton(AF_INET, text.data(), &v4) == 1) return GuardKey{0xffff, v4.s_addr};
    in6_addr v6{};
    if (::inet_pton(AF_INET6, text.data(), &v6) != 1) return std::nullopt;
    if (IN6_IS_ADDR_V4MAPPED(&v6)) { // the same client by another name
        std::uint32_t inner = 0;
        std::memcpy(&inner, v6.s6_addr + 12, sizeof inner);
        return GuardKey{0xffff, inner};
    }
    GuardKey key;
    std::memcpy(&key.high, v6.s6_addr, sizeof key.high);
    return key;
}

Guards::Guards(const GuardLimits& limits) : limits_(limits), seed_(std::random_device{}()) {
    if (!limits.any()) return;
    const std::size_t sets = std::bit_ceil(std::max<std::size_t>(limits.addresses / (shards * ways), 1));
    for (Shard& shard : shards_) shard.entries.resize(sets * ways);
}

std::pair<Guards::Shard&, std::span<Guards::Entry>> Guards::places(const GuardKey& key) noexcept {
    const std::uint64_t hash = mix(mix(key.high ^ seed_) ^ key.low);
    Shard& shard = shards_[hash % shards];
    const std::size_t set = (hash / shards) & (shard.entries.size() / ways - 1);
    return {shard, std::span(shard.entries).subspan(set * ways, ways)};
}

Guards::Entry* Guards::find(std::span<Entry> entries, const GuardKey& key) const noexcept {
    const auto found =
        std::ranges::find_if(entries, [&](const Entry& entry) { return entry.used && entry.key == key; });
    return found == entries.end() ? nullptr : &*found;
}

// Who has no connection and owes nothing is forgotten first, the one seen longest ago before others.
Guards::Entry* Guards::find_or_make(std::span<Entry> entries, const GuardKey& key, Time now) const noexcept {
    if (Entry* known = find(entries, key)) return known;
    Entry* place = nullptr;
    for (Entry& entry : entries) {
        const bool free = !entry.used || (entry.connections == 0 && tokens_of(entry, now) >= limits_.burst);
        if (free && (!place || !entry.used || entry.seen < place->seen)) place = &entry;
    }
    if (place) *place = {key, 0, limits_.burst, now, true};
    return place;
}

double Guards::tokens_of(const Entry& entry, Time now) const noexcept {
    const double seconds = std::chrono::duration<double>(std::max(now, entry.seen) - entry.seen).count();
    return std::min(limits_.burst, entry.tokens + seconds * limits_.rate);
}

Guards::Admission Guards::enter(const GuardKey& key, Time now) {
    if (limits_.connections == 0) return Admission::unlimited;
    auto [shard, entries] = places(key);
    const std::scoped_lock lock(shard.mutex);
    Entry* entry = find_or_make(entries, key, now);
    if (!entry) return Admission::unlimited;
    if (entry->connections >= limits_.connections) return Admission::refused;
    ++entry->connections;
    return Admission::counted;
}

void Guards::leave(const GuardKey& key) noexcept {
    auto [shard, entries] = places(key);
    const std::scoped_lock lock(shard.mutex);
    if (Entry* entry = find(entries, key); entry && entry->connections > 0) --entry->connections;
}

std::optional<std::chrono::seconds> Guards::charge(const GuardKey& key, Time now) {
    if (limits_.rate <= 0) return std::nullopt;
    auto [shard, entries] = places(key);
    const std::scoped_lock lock(shard.mutex);
    Entry* entry = find_or_make(entries, key, now);
    if (!entry) return std::nullopt;
    entry->tokens = tokens_of(*entry, now);
    entry->seen = std::max(now, entry->seen);
    if (entry->tokens >= 1) {
        entry->tokens -= 1;
        return std::nullopt;
    }
    return std::chrono::seconds(static_cast<std::int64_t>(std::ceil((1 - entry->tokens) / limits_.rate)));
}

} // namespace mpsup::http

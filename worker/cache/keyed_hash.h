// SipHash-1-3: a hash that nobody without the key can make collide (Aumasson, Bernstein 2012).
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace mpsup::cache {

struct HashKey {
    std::uint64_t low = 0, high = 0;
};

[[nodiscard]] inline std::uint64_t keyed_hash(const HashKey& key, std::string_view text) noexcept {
    std::uint64_t v0 = key.low ^ 0x736f6d6570736575U, v1 = key.high ^ 0x646f72616e646f6dU;
    std::uint64_t v2 = key.low ^ 0x6c7967656e657261U, v3 = key.high ^ 0x7465646279746573U;
    const auto round = [&] {
        v0 += v1, v2 += v3;
        v1 = std::rotl(v1, 13) ^ v0, v3 = std::rotl(v3, 16) ^ v2;
        v0 = std::rotl(v0, 32);
        v2 += v1, v0 += v3;
        v1 = std::rotl(v1, 17) ^ v2, v3 = std::rotl(v3, 21) ^ v0;
        v2 = std::rotl(v2, 32);
    };
    std::uint64_t word = 0;
    std::size_t at = 0;
    for (; at + 8 <= text.size(); at += 8) {
        std::memcpy(&word, text.data() + at, sizeof word);
        v3 ^= word;
        round();
        v0 ^= word;
    }
    word = static_cast<std::uint64_t>(text.size()) << 56U;
    for (std::size_t i = at; i < text.size(); ++i)
        word |= static_cast<std::uint64_t>(static_cast<unsigned char>(text[i])) << (8 * (i - at));
    v3 ^= word;
    round();
    v0 ^= word;
    v2 ^= 0xffU;
    for (int i = 0; i < 3; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
}

} // namespace mpsup::cache

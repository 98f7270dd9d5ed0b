// Requests by grammar, with a few faults each: the same ones for the same seed.
#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace mpsup::http {

class Mutator {
public:
    explicit Mutator(std::uint32_t seed) : random_(seed) {}

    /// A request that is mostly right.
    [[nodiscard]] std::string next();

private:
    [[nodiscard]] std::size_t below(std::size_t limit) { return random_() % limit; }
    template <std::size_t N> [[nodiscard]] std::string pick(const char* const (&choices)[N]) {
        return choices[below(N)];
    }
    [[nodiscard]] std::string chunked_body();
    void damage(std::string& bytes);

    std::mt19937 random_;
};

} // namespace mpsup::http

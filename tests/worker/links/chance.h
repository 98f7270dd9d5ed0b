// Choices by a seed: the same on every machine.
#pragma once

#include <random>
#include <string>
#include <vector>

namespace mpsup::links {

using Texts = std::vector<std::string>;

class Chance {
public:
    explicit Chance(unsigned seed) : engine_(seed) {}

    int below(int limit) { return static_cast<int>(engine_() % static_cast<unsigned>(limit)); }
    bool one_in(int count) { return below(count) == 0; }
    const std::string& of(const Texts& texts) { return texts[engine_() % texts.size()]; }

private:
    std::mt19937 engine_;
};

} // namespace mpsup::links

// What perl.so shows to the program that loads it.
#pragma once

#include "worker/perl/engine.h"

#include <cstdint>

namespace mpsup::perl {

/// The symbol `mpsup_perl_plugin`, a constant. The first four members have had this layout in every version; the rest
/// is read only when they agree.
struct Plugin {
    static constexpr std::uint32_t expected_magic = 0x6d707065; // "mppe"
    static constexpr std::uint32_t expected_api = 2;            // of Engine and everything that it mentions

    std::uint32_t magic;
    std::uint32_t api;
    const char* build;        // version of mpsup that it belongs to
    const char* perl_version; // it was built for: "5.36.0"
    Engine& (*engine)();
};

} // namespace mpsup::perl

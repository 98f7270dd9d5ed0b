// A supervisor of another machine, as it is asked.
#pragma once

#include <string>

namespace mpsup {

struct Peer {
    std::string machine{};
    std::string api{};         // "10.9.0.2:7117"; empty: it does not say where it is asked
    std::string fingerprint{}; // of the certificate that it shows (peer_trust.h); empty: one that an authority signed
};

} // namespace mpsup

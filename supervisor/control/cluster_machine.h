// A machine of the cluster, as its supervisors know it.
#pragma once

#include <cstdint>
#include <string>

namespace mpsup {

struct ClusterMachine {
    std::string name{};
    std::string address{};     // its IP address in the topology
    std::string api{};         // "10.9.0.2:7117", where its supervisor is asked; empty: it does not say
    std::string state{};       // one word that people read: "well", "absent", "drained"
    std::uint64_t number = 0;  // of the topology that it runs; 0: none
    bool is_here = false;      // it is this one
    bool lives = false;        // the store knows a supervisor of it
    std::string fingerprint{}; // of the certificate that its supervisor shows (peer_trust.h)
    std::string note{}; // what else people should know of it: "it runs another topology than is wanted"; empty: nothing
};

} // namespace mpsup

// How a rollout across many machines goes, and what it costs etcd.
#pragma once

#include <cstdint>

namespace mpsup::sim {

struct CurvePoint {
    int machines = 0, pools = 0;
    double seconds = 0; // from the order to its end
    int allowed = 0, most_out = 0;
    double operations = 0; // of etcd's for each machine, for the rollout, without renewals of leases
    double renewals = 0;   // a minute and machine
    double news = 0;       // changes that a watch told each machine
    double news_bytes = 0; // of these
    std::uint64_t change_writes = 0;
    double change_bytes = 0; // of the change, the largest
    double listing_bytes = 0;
    double processor = 0; // s, of all members and this etcd
};

/// A topology rolls across machines that live and run nothing yet, with `unavailable: 5%`; an operation takes 5 s to 15 s.
[[nodiscard]] CurvePoint run_curve(int machines, int pools_each, std::uint64_t seed);

} // namespace mpsup::sim

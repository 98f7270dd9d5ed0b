// In which order a site becomes what another topology says.
#pragma once

#include "supervisor/topology/topology.h"

#include <set>
#include <string>
#include <vector>

namespace mpsup {

/// A worker's new generation is let in, beside its old one; or what served of it before is let go: it accepts
/// nothing more, finishes,
/// and ends.
struct ConversionStep {
    enum class Kind { let_in, let_go };
    Kind kind = Kind::let_in;
    std::string worker{};
    bool waits = false; // of let_go: the next step comes when nothing of it is left

    friend bool operator==(const ConversionStep&, const ConversionStep&) = default;
};

/// What is to be put in order.
struct Conversion {
    const topology::Topology& before;
    const topology::Topology& after;
    std::set<std::string> coming; // workers of `after` that get a new generation
    std::set<std::string>
        leaving; // workers of `before` that end, or whose generation of before is replaced; one of `after` may
                 // have such a generation though `before` does not know it
};

/// Every worker of `coming` and of `leaving` once. What must not be:
///
/// - An address of both topologies without anybody who accepts there: whoever has it afterwards is let in before
/// those go who had it
///   before. Both accept from the one socket meanwhile.
/// - An accelerator that asks somebody who is meant for another: one that leaves is gone before those go that it
/// leads to, and
///   before others are let in at the addresses that it leads to; a new one is let in when those are that it leads
/// to, and when nothing is left
///   of others who had their addresses.
/// - Where `links` are looked at: two servers that each send clients of a path to the other. Nothing is left of whoever
///   gains the path as it was before, when they come or go who had it or have its addresses.
///
/// Where not all can be had the first counts. Among what is free the order is that in which workers are started,
/// those that go for
/// good in the reverse of it, and coming is before leaving.
[[nodiscard]] std::vector<ConversionStep> steps_of(const Conversion& conversion);

/// Workers whose new generation can take all the time that it likes to replace the old one: it has all addresses of
/// the old one, and
/// nobody waits for its end.
[[nodiscard]] std::set<std::string> free_to_roll(const Conversion& conversion);

} // namespace mpsup

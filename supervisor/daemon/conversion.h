// In which order a site becomes what another topology says.
#pragma once

#include "supervisor/topology/topology.h"

#include <chrono>
#include <set>
#include <string>
#include <vector>

namespace mpsup {

/// A worker's new generation is let in, beside its old one; or what served of it before is let go: it accepts nothing more,
/// finishes, and ends.
struct ConversionStep {
    enum class Kind { let_in, let_go };
    /// Of whom something may be left that was let go before.
    struct Await {
        std::string worker{};
        std::chrono::milliseconds at_most{0}; // since it was let go

        friend bool operator==(const Await&, const Await&) = default;
    };

    Kind kind = Kind::let_in;
    std::string worker{};
    std::vector<Await> awaits{}; // before the step is taken

    friend bool operator==(const ConversionStep&, const ConversionStep&) = default;
};

/// What is to be put in order.
struct Conversion {
    const topology::Topology& before;
    const topology::Topology& after;
    std::set<std::string> coming; // workers of `after` that get a new generation
    /// Workers of `before` that end, or whose generation of before is replaced; one of `after` may have such a generation though
    /// `before` does not know it.
    std::set<std::string> leaving;
};

/// Every worker of `coming` and of `leaving` once. What must not be:
///
/// - An address of both topologies without anybody who accepts there: whoever has it afterwards is let in before those go who
///   had it before. Both accept from the one socket meanwhile.
/// - An accelerator that asks somebody who is meant for another: one that leaves is gone before those go that it leads to. Others
///   are let in at the addresses that it leads to when it is gone, or `time_to_finish` after it was let go: what its clients had in
///   hand is asked for by then, and a slow one must not keep a site from being answered. A new one is let in when those are that it
///   leads to, and when others who had their addresses are gone, or have had `time_to_hear` to hear that they are to accept nothing more.
/// - Where `links` are looked at: two servers that each send clients of a path to the other. Nothing is left of whoever gains the
///   path as it was before, when they come or go who had it or have its addresses.
///
/// Where not all can be had the first counts. Among what is free the order is that in which workers are started, those that go for
/// good in the reverse of it, and coming is before leaving.
[[nodiscard]] std::vector<ConversionStep> steps_of(const Conversion& conversion);
constexpr std::chrono::milliseconds time_to_hear{1'000};
constexpr std::chrono::milliseconds time_to_finish{5'000};

/// Workers that may be let in before all others are ready: no other step has to be taken before that.
[[nodiscard]] std::set<std::string> free_to_come(const Conversion& conversion);

/// Workers whose new generation can take all the time that it likes to replace the old one: it has all addresses of the old one,
/// and nobody waits for its end.
[[nodiscard]] std::set<std::string> free_to_roll(const Conversion& conversion);

} // namespace mpsup

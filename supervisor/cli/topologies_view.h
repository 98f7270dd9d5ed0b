// The topologies that were applied to a cluster: who applied what, from where, and what became of it.
#pragma once

#include <boost/json/array.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::cli {

struct ClusterTopology {
    std::uint64_t number = 0;
    std::int64_t at_ms = 0; // wall clock
    std::string digest{};
    std::string path{};
    std::string who{};
    std::string from{};    // a machine
    std::string outcome{}; // "done", "refused", "rolled_back"; empty: it is not over
    std::string note{};    // why, where there is something to say
};

/// Of the answer to /v1/topologies:
/// {"version":1,"topologies":[{"number","at_ms","digest","path","who","from","outcome", "note"}]}, in the order of
/// their numbers. Empty when it is none.
[[nodiscard]] std::vector<ClusterTopology> applied_topologies(std::string_view answer);

/// A line for each; what is said of one stands beneath it.
[[nodiscard]] std::string topologies_table(const std::vector<ClusterTopology>& applied);
[[nodiscard]] boost::json::array topologies_json(const std::vector<ClusterTopology>& applied);

} // namespace mpsup::cli

// What was ordered of a cluster: who applied which topology, restarted or rolled back what, or said what of a machine, from where, and
// what became of it.
#pragma once

#include <boost/json/array.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::cli {

struct ClusterChange {
    std::string kind{};                  // the verb; empty: a topology that was new
    std::uint64_t number = 0;            // 0: it brought none
    std::vector<std::string> workers{};  // that were named; none: all
    std::vector<std::string> machines{}; // the same
    std::int64_t at_ms = 0;              // wall clock
    std::string digest{};
    std::string path{};
    std::string who{};
    std::string from{};    // a machine
    std::string outcome{}; // "done", "refused", "rolled_back"; empty: it is not over
    std::string note{};    // why, where there is something to say
};

/// Of the answer to /v1/topologies:
/// {"version":1,"topologies":[{"number","at_ms","digest","path","who","from","outcome", "note"}],
/// "changes":[{"kind","at_ms","number","workers","machines","who","from","outcome","note"}]}, in the order of time. Empty when it is
/// none.
[[nodiscard]] std::vector<ClusterChange> applied_topologies(std::string_view answer);

/// A line for each; what is said of one stands beneath it.
[[nodiscard]] std::string topologies_table(const std::vector<ClusterChange>& applied);
[[nodiscard]] boost::json::array topologies_json(const std::vector<ClusterChange>& applied); // that were new
[[nodiscard]] boost::json::array changes_json(const std::vector<ClusterChange>& applied);    // the others

} // namespace mpsup::cli

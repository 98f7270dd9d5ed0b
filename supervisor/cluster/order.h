// What an operator may order of a cluster, at any of its machines.
#pragma once

#include "supervisor/cluster/topology_facts.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mpsup::cluster {

/// Whom an answer is for; the shell's to choose, never used twice.
using AskId = std::uint64_t;

/// A topology that is valid as far as this machine knows.
struct UpOrder {
    std::string document{}; // resolved, the whole site
    std::string digest{};   // of it
    std::string path{};
    TopologyFacts facts{};
    bool fast = false;
};
struct RestartOrder {
    std::vector<std::string> workers{};  // none: all
    std::vector<std::string> machines{}; // where they are; none: on all
    bool fast = false;
};
/// Without workers the topology before this one, which is for all machines; with them what these ran before.
struct RollBackOrder {
    std::vector<std::string> workers{};
    std::vector<std::string> machines{}; // none: all
};
/// Of the change that runs, whoever ordered it.
struct AbortOrder {};
/// The same: no more steps, no more verdicts.
struct PromoteOrder {};
/// What is said of a machine, which need not live.
struct FenceOrder {
    enum class What {
        cordon,   // changes pass it by
        uncordon, // nothing of the others any more
        drain,    // and nothing new is sent to it
        remove,   // it will not come back; refused of one that lives
    };
    What what = What::cordon;
    std::string machine{};
    bool wait = false;  // of drain: until nothing is in flight there
    bool force = false; // the same: also of the last machine of something that is needed
};
/// Their verbs.
inline constexpr std::array<std::pair<std::string_view, FenceOrder::What>, 4> fence_verbs{
    {{"cordon", FenceOrder::What::cordon},
     {"uncordon", FenceOrder::What::uncordon},
     {"drain", FenceOrder::What::drain},
     {"remove", FenceOrder::What::remove}}};

/// This store is the right one, though it is not that which was known. Where another machine runs what it says, so will this one;
/// else what runs here is what is wanted: its document, empty when nothing runs.
struct AcceptStoreOrder {
    std::string document{}, digest{}, path{};
};

using Order =
    std::variant<UpOrder, RestartOrder, RollBackOrder, AbortOrder, PromoteOrder, FenceOrder, AcceptStoreOrder>;

struct Ask {
    AskId id = 0;
    Order order{};
    std::string who{}, from{}, note{}; // for history
};

} // namespace mpsup::cluster

// What a supervisor of several must know after it was killed: which store it obeys, and what of it runs here.
#pragma once

#include "base/error.h"
#include "supervisor/cluster/effect.h"
#include "supervisor/cluster/records.h"

#include <string>

namespace mpsup {

struct ClusterMemory {
    cluster::Memory store{};
    cluster::Version runs{}; // what was brought up last on the cluster's behalf; number 0: nothing
    std::string document{};  // digest of the document that was applied for it: another one runs if that is not the last
    std::string before{};    // digest of what ran without the cluster before its first topology; empty: nothing

    friend bool operator==(const ClusterMemory&, const ClusterMemory&) = default;
};

/// Of the file "cluster" in the site's state folder. What is not there knows nothing; what is there and cannot be read knew a
/// store which is no other's (cluster::unreadable_store): the one that answers is not obeyed until it is accepted.
[[nodiscard]] ClusterMemory read_cluster_memory(const std::string& path);
/// What that file is to hold.
[[nodiscard]] std::string text_of(const ClusterMemory& memory);

} // namespace mpsup

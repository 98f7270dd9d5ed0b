// From a tree to a Topology, by the key table.
#pragma once

#include "supervisor/topology/certificates.h"
#include "supervisor/topology/node.h"
#include "supervisor/topology/topology.h"
#include "supervisor/topology/value.h"

#include <expected>

namespace mpsup::topology {

struct Valid {
    Topology topology;
    Findings warnings;
};

/// All that is wrong but duplicate keys (duplicates.h), not the first thing only; the findings carry place and key. What makes no difference is a warning, or
/// an error, in a file alone (Origin::look_at_files), so that no document of before is refused for it.
[[nodiscard]] std::expected<Valid, Findings> validate(const Node& root, const Origin& origin,
                                                      const CertificateCheck& check = {});

} // namespace mpsup::topology

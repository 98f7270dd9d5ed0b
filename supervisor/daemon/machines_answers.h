// What light workers of several machines say, in one document.
#pragma once

#include "supervisor/control/cluster_machine.h"
#include "supervisor/control/peer_client.h"

#include <string>
#include <vector>

namespace mpsup {

/// {"version":1,"answers":[…]}, as asking.h has it, of all `machines` in their order: each answer with `machine`; of a machine that
/// did not answer {"machine","error"}. `own`: the document of this machine. `replies`: those of the others; they may be anything.
[[nodiscard]] std::string machines_answers(const std::string& own, const std::vector<ClusterMachine>& machines,
                                           const std::vector<PeerReply>& replies);

} // namespace mpsup

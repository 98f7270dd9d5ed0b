// The status of a site on several machines: what each of their supervisors says, in one document.
#pragma once

#include "supervisor/control/cluster_machine.h"
#include "supervisor/control/peer_client.h"

#include <string>
#include <vector>

namespace mpsup {

/// `own`: the document of this machine (status.h). It stays as it is, but `workers` are those of all `machines`, in
/// their order, each with `machine`; and `machines` come in:
/// [{"name","state","address","api","number","here","answered"}], with `note` where there is one, `why` of one that
/// did not answer, and `supervisor` and `topology` of one that did. `replies`: what the others said; it may be
/// anything.
[[nodiscard]] std::string machines_status(const std::string& own, const std::vector<ClusterMachine>& machines,
                                          const std::vector<PeerReply>& replies);

/// Why nothing of what was asked of a machine is known, and what helps where it has no supervisor: `reply` is null where
/// it was not asked, or what it said is no answer.
[[nodiscard]] std::string why_silent(const ClusterMachine& machine, const PeerReply* reply);

/// {"version":1,"machines":[{"name","state","address","api","number","here"}]}
[[nodiscard]] std::string machines_json(const std::vector<ClusterMachine>& machines);

} // namespace mpsup

// The certificates that a topology names, looked at by who would serve them.
#pragma once

#include "supervisor/topology/node.h"
#include "supervisor/topology/topology.h"
#include "worker/contract/certificate_check.h"

#include <functional>
#include <span>
#include <vector>

namespace mpsup::topology {

/// Opens pairs, as the worker programs of that build would; a verdict for each, in their order.
using CertificateCheck =
    std::function<std::vector<contract::PairVerdict>(Binaries, std::span<const contract::Certificate>)>;

/// What `check` has to say of the pairs in `tls:`, with their places in the tree. It is called once, and only when there are
/// any; null: nobody looks.
[[nodiscard]] Findings check_certificates(const Topology& topology, const Node& root, const CertificateCheck& check);

} // namespace mpsup::topology

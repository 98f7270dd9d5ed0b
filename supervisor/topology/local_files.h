// What a topology needs of the machine that runs it.
#pragma once

#include "supervisor/topology/topology.h"

#include <string>
#include <vector>

namespace mpsup::topology {

/// What the workers of a share name that is not on this machine, or cannot be used: "workers.perl.app: there is no
/// `/srv/app.psgi`". The loader looks at files only where there is one machine; of several each looks for itself. Looks at
/// applications, folders, certificates, programs and secrets, without opening more than the secrets.
[[nodiscard]] std::vector<std::string> missing_files(const Topology& share);

} // namespace mpsup::topology

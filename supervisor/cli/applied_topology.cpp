#include "supervisor/cli/applied_topology.h"

#include "state/queries.h"
#include "supervisor/topology/resolve.h"

namespace mpsup::cli {

Result<std::optional<AppliedTopology>> applied_topology(const SitePaths& paths) {
    const auto queries = state::Queries::open_any(paths.database());
    if (!queries) return std::unexpected(queries.error());
    const auto row = queries->last_topology();
    if (!row) return std::unexpected(row.error());
    const std::optional<state::TopologyRow>& last = *row;
    if (!last) return std::nullopt;
    auto topology = topology::from_document(last->document);
    if (!topology) return std::unexpected(topology.error());
    return AppliedTopology{std::move(*topology), last->path, last->digest};
}

} // namespace mpsup::cli

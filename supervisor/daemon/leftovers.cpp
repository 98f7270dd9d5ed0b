#include "supervisor/daemon/leftovers.h"

#include "base/process_identity.h"
#include "state/queries.h"
#include "supervisor/topology/resolve.h"

#include <algorithm>

namespace mpsup {

namespace {

Result<Pidfd> open_if_same(const state::ProcessStart& start, const std::string& boot) {
    if (start.boot_id != boot || start.pid <= 0) return failure("of another boot");
    auto pidfd = Pidfd::open(start.pid);
    if (!pidfd) return pidfd;
    const auto start_time = process_start_time(start.pid);
    if (!start_time || *start_time != start.start_time) return failure("another process has its pid");
    return pidfd;
}

std::chrono::milliseconds longest_grace(const state::Queries& queries) {
    std::chrono::milliseconds grace = topology::Stop{}.grace;
    const std::optional<state::TopologyRow> row = queries.last_topology().value_or(std::nullopt);
    if (!row) return grace;
    const auto topology = topology::from_document(row->document);
    if (!topology) return grace;
    grace = std::chrono::milliseconds(0);
    for (const topology::WorkerSpec& worker : topology->workers) grace = std::max(grace, worker.stop.grace);
    return grace;
}

} // namespace

Leftovers find_leftovers(const SitePaths& paths, const std::string& boot) {
    Leftovers found;
    const auto queries = state::Queries::open(paths.database());
    if (!queries) return found; // no history: what it would have said is unknown, and nothing is touched
    found.grace = longest_grace(*queries);
    const auto living = queries->living();
    if (!living) return found;
    for (const state::RecordedProcess& process : *living) {
        auto pidfd = open_if_same(process.start, boot);
        const auto& row = process.start.row;
        if (pidfd && !pidfd->ended())
            found.alive.push_back({row.uuid, row.worker, std::move(*pidfd)});
        else
            found.gone.push_back(row.uuid);
    }
    return found;
}

} // namespace mpsup

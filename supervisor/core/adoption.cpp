#include "supervisor/core/adoption.h"

#include <algorithm>
#include <utility>

namespace mpsup::core {

Adoption::Adoption(std::vector<RecordedProcess> alive, Time now, Duration patience) : deadline_(now + patience) {
    for (RecordedProcess& process : alive) missing_.emplace(process.pid, std::move(process));
}

ClaimVerdict Adoption::judge(const Claimant& claimant) const {
    if (claimant.start_time_kernel == 0 || claimant.start_time_kernel != claimant.start_time_said)
        return ClaimVerdict::impostor;
    const auto found = missing_.find(claimant.pid);
    if (found == missing_.end()) return ClaimVerdict::unrecorded;
    const RecordedProcess& record = found->second;
    // A child may have become a master; a master never becomes a child.
    const bool is_same = record.start_time == claimant.start_time_kernel && record.worker == claimant.worker &&
                         record.generation == claimant.generation && (record.is_child || !claimant.is_child);
    return is_same ? ClaimVerdict::recorded : ClaimVerdict::impostor;
}

std::optional<RecordedProcess> Adoption::arrived(pid_t pid) {
    auto found = missing_.extract(pid);
    if (found.empty()) return std::nullopt;
    heard_.emplace(found.mapped().worker, found.mapped().generation);
    return std::move(found.mapped());
}

bool Adoption::is_complete() const {
    return std::ranges::all_of(missing_, [&](const auto& entry) {
        const RecordedProcess& process = entry.second;
        return process.is_child && heard_.contains({process.worker, process.generation});
    });
}

} // namespace mpsup::core

#include "supervisor/daemon/rollout_record.h"

#include "base/process_identity.h"

#include <utility>

namespace mpsup {

namespace {

state::Verdict verdict_of(const Outcome& outcome) {
    constexpr int served_and_was_taken_back = 7;
    if (outcome.code == 0) return outcome.is_unjudged ? state::Verdict::unjudged : state::Verdict::done;
    return outcome.code == served_and_was_taken_back ? state::Verdict::rolled_back : state::Verdict::aborted;
}

} // namespace

RolloutRecord::RolloutRecord(Site& site, std::string verb, std::vector<std::string> workers) : site_(site) {
    row_.uuid = random_uuid();
    row_.verb = std::move(verb);
    row_.workers = std::move(workers);
    row_.from_generation = serving();
    row_.digest = digest();
    site_.around().history.store().rollout(row_);
}

void RolloutRecord::end(const Outcome& outcome) {
    row_.to_generation = serving();
    row_.digest = digest();
    row_.ended = state::Stamp::now();
    row_.verdict = verdict_of(outcome);
    row_.exit_code = outcome.code;
    row_.reason = outcome.text;
    site_.around().history.store().rollout(row_);
}

core::GenerationNumber RolloutRecord::serving() const {
    const auto worker = row_.workers.size() == 1 ? site_.find(row_.workers.front()) : nullptr;
    return worker ? worker->core().serving() : 0;
}

std::string RolloutRecord::digest() const {
    const AppliedTopology* applied = site_.applied();
    return applied ? applied->digest : std::string();
}

} // namespace mpsup

#include "supervisor/cluster/records.h"

#include <algorithm>
#include <utility>

namespace mpsup::cluster {

bool ChangeRecord::is_over() const {
    switch (phase) {
    case Phase::checking:
    case Phase::rolling:
    case Phase::undoing: return false;
    case Phase::done:
    case Phase::refused:
    case Phase::rolled_back:
    case Phase::failed:
    case Phase::aborted: return true;
    }
    std::unreachable();
}

Round ChangeRecord::round() const {
    if (phase == Phase::checking) return Round::checking;
    return phase == Phase::undoing ? Round::undoing : Round::rolling;
}

const Part* ChangeRecord::part_of(std::string_view machine) const {
    const auto found = std::ranges::find(machines, machine, &Part::machine);
    return found == machines.end() ? nullptr : &*found;
}

PastRecord past_of(const ChangeRecord& change, WallTime ended) {
    PastRecord past{change.kind, change.to,   change.workers, {},
                    change.who,  change.from, change.at,      {change.id, change.phase, ended, change.reasons}};
    const auto is_skipped = [](const Part& part) { return part.state == Part::State::skipped; };
    if (std::ranges::none_of(change.machines, is_skipped)) return past;
    for (const Part& part : change.machines)
        if (!is_skipped(part)) past.machines.push_back(part.machine);
    return past;
}

std::string_view to_string(ChangeRecord::Kind kind) noexcept {
    switch (kind) {
    case ChangeRecord::Kind::up: return "up";
    case ChangeRecord::Kind::restart: return "restart";
    case ChangeRecord::Kind::rollback: return "rollback";
    }
    std::unreachable();
}

std::string_view to_string(ChangeRecord::Phase phase) noexcept {
    switch (phase) {
    case ChangeRecord::Phase::checking: return "checking";
    case ChangeRecord::Phase::rolling: return "rolling";
    case ChangeRecord::Phase::undoing: return "undoing";
    case ChangeRecord::Phase::done: return "done";
    case ChangeRecord::Phase::refused: return "refused";
    case ChangeRecord::Phase::rolled_back: return "rolled_back";
    case ChangeRecord::Phase::failed: return "failed";
    case ChangeRecord::Phase::aborted: return "aborted";
    }
    std::unreachable();
}

std::string_view to_string(Part::State state) noexcept {
    switch (state) {
    case Part::State::waiting: return "waiting";
    case Part::State::granted: return "granted";
    case Part::State::done: return "done";
    case Part::State::failed: return "failed";
    case Part::State::absent: return "absent";
    case Part::State::cordoned: return "cordoned";
    case Part::State::skipped: return "skipped";
    }
    std::unreachable();
}

std::string_view to_string(Round round) noexcept {
    switch (round) {
    case Round::checking: return "checking";
    case Round::rolling: return "rolling";
    case Round::undoing: return "undoing";
    }
    std::unreachable();
}

std::string_view to_string(Report::State state) noexcept {
    switch (state) {
    case Report::State::none: return "none";
    case Report::State::accepted: return "accepted";
    case Report::State::refused: return "refused";
    case Report::State::done: return "done";
    case Report::State::failed: return "failed";
    case Report::State::invalid: return "invalid";
    }
    std::unreachable();
}

} // namespace mpsup::cluster

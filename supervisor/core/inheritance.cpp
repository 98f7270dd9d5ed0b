#include "supervisor/core/inheritance.h"

#include <algorithm>

namespace mpsup::core {

namespace {

constexpr auto interrupted = "its supervisor was gone before it served";

// The one that serves on, or 0. The whole come before the orphaned, and those that have spoken before those of the records.
GenerationNumber keeper_of(const std::vector<Generation>& generations) {
    auto stays = std::ranges::find(generations, Phase::serving, &Generation::phase);
    if (stays == generations.end())
        stays = std::ranges::find_if(generations, [](const Generation& generation) {
            return is_taking_requests(generation.phase) && generation.has_spoken;
        });
    if (stays == generations.end()) stays = std::ranges::find_if(generations, is_taking_requests, &Generation::phase);
    return stays != generations.end() ? stays->number : 0;
}

void let_on(Lineage& line, Generation& newcomer) {
    newcomer.hold = false;
    if (newcomer.phase == Phase::gating) line.leave(OpenGate{newcomer.number});
}

} // namespace

void inherit(Lineage& line, GenerationNumber number, Phase phase, bool has_process, Time now) {
    const PhaseLimits& limits = line.rules().limits;
    Generation& generation = line.enter(number);
    generation.process_alive = has_process;
    generation.crowned = 0; // its master may be another
    generation.has_spoken = true;
    generation.enter(phase, limits, now);
    if (phase != Phase::gating) generation.ready_since = now;
    if (phase == Phase::sleeping) generation.wanted = 0;
    Succession& succession = generation.succession;
    succession.close();
    if (phase == Phase::orphaned) succession.open(now + limits.orphaned);
    if (has_process && succession.heir()) succession.open(now + limits.promotion); // it was told already
}

void inherit_silent(Lineage& line, GenerationNumber number, Time now) {
    inherit(line, number, Phase::orphaned, false, now);
    line.find(number)->has_spoken = false;
}

void take_up(Lineage& line, Time now) {
    const GenerationNumber keeper = keeper_of(std::as_const(line).all());
    Generation* newcomer = nullptr;
    for (Generation& generation : line.all()) {
        if (generation.number == keeper) continue;
        const bool is_last_hope = keeper == 0 && is_coming(generation.phase);
        if (is_last_hope) {
            newcomer = &generation;
            continue;
        }
        if (generation.phase == Phase::sleeping && generation.number == line.sleeping()) continue;
        if (is_coming(generation.phase)) generation.trouble = interrupted;
        line.step(generation, Trigger::retire, now);
    }
    if (!newcomer) return;
    line.retire_coming_before(newcomer->number, now);
    let_on(line, *newcomer);
}

void take_up_late(Lineage& line, Generation& late, bool wanted, Time now) {
    // One that serves goes when another does, not before.
    const bool serves = is_taking_requests(late.phase);
    const bool is_needed = std::ranges::none_of(line.all(), [&](const Generation& other) {
        return other.number != late.number && (is_taking_requests(other.phase) || (!serves && is_coming(other.phase)));
    });
    if (wanted && is_needed) return let_on(line, late);
    if (is_coming(late.phase)) late.trouble = interrupted;
    line.step(late, Trigger::retire, now);
}

} // namespace mpsup::core

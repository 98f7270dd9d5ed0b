#include "supervisor/core/offspring.h"

namespace mpsup::core {

void child_started(Lineage& line, GenerationNumber number, pid_t pid, pid_t master, Time now) {
    Generation* generation = line.find(number);
    if (!generation) return;
    const auto [child, is_new] = generation->children.try_emplace(pid, Child{false, now});
    child->second.master = master;
    if (is_new) line.note_child(Note::Kind::child_started, number, pid);
}

void child_ready(Lineage& line, GenerationNumber number, pid_t pid, Time now) {
    Generation* generation = line.find(number);
    if (!generation) return;
    const auto child = generation->children.find(pid);
    if (child == generation->children.end() || child->second.ready) return;
    child->second.ready = true;
    child->second.since = now;
    line.note_child(Note::Kind::child_ready, number, pid);
}

void release_for_refork(Lineage& line, GenerationNumber number, pid_t pid, Time now) {
    Generation* generation = line.find(number);
    if (!generation || generation->phase != Phase::serving) return;
    const auto child = generation->children.find(pid);
    if (child == generation->children.end() || !child->second.ready) return;
    generation->refork_due = generation->trial ? pid : 0;
    if (generation->trial) return;
    if (generation->succession.choose_without_need(pid, now + line.rules().limits.promotion))
        line.leave(ReleaseChild{number, pid});
}

bool child_speaks(Lineage& line, GenerationNumber number, pid_t pid, Time now) {
    Generation* generation = line.find(number);
    if (generation) generation->has_spoken = true;
    if (!generation || !is_taking_requests(generation->phase) || !generation->children.contains(pid)) return true;
    Succession& succession = generation->succession;
    succession.speaks(pid);
    const bool is_orphaned = generation->phase == Phase::orphaned;
    if (succession.heir() == pid) {
        line.leave(PromoteChild{number, pid});
    } else if (is_orphaned) {
        if (!succession.is_open() || succession.heir()) return false;
        make_heir(line, *generation, pid, now);
    }
    return true;
}

void make_heir(Lineage& line, Generation& generation, pid_t pid, Time now) {
    generation.succession.choose(pid, now + line.rules().limits.promotion);
    line.leave(PromoteChild{generation.number, pid});
}

void resize_heir(Lineage& line, GenerationNumber number) {
    const Generation* generation = line.find(number);
    if (!generation) return;
    if (const auto heir = generation->succession.told()) line.leave(PromoteChild{number, *heir});
}

void crown_heir(Lineage& line, GenerationNumber number, pid_t pid, Time now) {
    Generation* generation = line.find(number);
    if (!generation || generation->succession.heir() != pid) return;
    generation->children.erase(pid);
    generation->crowned = pid;
    generation->succession.crowned();
    generation->process_alive = true;
    line.step(*generation, Trigger::adopted, now);
    line.leave(CrownChild{number, pid});
    line.note_child(Note::Kind::promoted, number, pid);
}

} // namespace mpsup::core

#include "supervisor/daemon/report.h"

#include <string_view>

namespace mpsup {

namespace {

constexpr std::string_view gone = "gone";

std::string stage_of(const core::Generation& generation, const core::Child& child) {
    if (!child.ready) return "started";
    if (core::is_taking_requests(generation.phase)) return "serving";
    if (generation.phase == core::Phase::standby) return "healthy";
    return core::is_coming(generation.phase) ? "ready" : "draining";
}

} // namespace

ReportLine::ReportLine(std::string of, core::GenerationNumber number, pid_t process, std::string now)
    : worker(std::move(of)), generation(number), pid(process), stage(std::move(now)) {
    text = worker + " generation " + std::to_string(generation);
    if (pid > 0) text += ", child " + std::to_string(pid);
    text += ": " + stage;
}

ProgressReport::Seen ProgressReport::look_at(const core::Worker& worker, core::GenerationNumber number) {
    const core::Generation* generation = worker.find(number);
    if (!generation) return {std::string(gone), {}};
    Seen now{std::string(core::to_string(generation->phase)), {}};
    for (const auto& [pid, child] : generation->children) now.children.emplace(pid, stage_of(*generation, child));
    return now;
}

void ProgressReport::take_for_granted(const core::Worker& worker, core::GenerationNumber number) {
    seen_[{&worker, number}] = look_at(worker, number);
}

void ProgressReport::look(const std::string& name, const core::Worker& worker, core::GenerationNumber number) {
    Seen now = look_at(worker, number);
    Seen& before = seen_[{&worker, number}];
    const bool has_ended = before.phase != now.phase && now.phase == gone; // after its children
    if (!has_ended && before.phase != now.phase) report_({name, number, 0, now.phase});
    for (const auto& [pid, stage] : now.children) {
        const auto known = before.children.find(pid);
        if (known == before.children.end() || known->second != stage) report_({name, number, pid, stage});
    }
    for (const auto& [pid, stage] : before.children)
        if (!now.children.contains(pid)) report_({name, number, pid, std::string(gone)});
    if (has_ended && !before.phase.empty()) report_({name, number, 0, now.phase});
    before = std::move(now);
}

} // namespace mpsup

// What an operation tells whoever waits for it.
#pragma once

#include "supervisor/core/generation.h"
#include "supervisor/core/worker.h"

#include <functional>
#include <map>
#include <string>
#include <sys/types.h>
#include <utility>

namespace mpsup {

/// Something that happened. About a process, or a generation as a whole, it says so in fields too.
struct ReportLine {
    std::string text;
    std::string worker{}; // empty: it is about neither
    core::GenerationNumber generation = 0;
    pid_t pid = 0;       // 0: about the generation
    std::string stage{}; // of a process: started, ready, healthy, serving, draining, gone

    ReportLine(std::string line) : text(std::move(line)) {} // NOLINT: most lines are only text
    ReportLine(const char* line) : text(line) {}            // NOLINT
    /// "perl generation 4, child 123: ready"
    ReportLine(std::string of, core::GenerationNumber number, pid_t process, std::string now);
};

using Report = std::function<void(const ReportLine& line)>;

/// Says child by child what becomes of generations.
class ProgressReport {
public:
    explicit ProgressReport(Report report) : report_(std::move(report)) {}

    /// What has changed about a generation since it looked last.
    void look(const std::string& name, const core::Worker& worker, core::GenerationNumber number);
    /// As it is now, unsaid.
    void take_for_granted(const core::Worker& worker, core::GenerationNumber number);
    void say(std::string text) const { report_(ReportLine(std::move(text))); }

private:
    struct Seen {
        std::string phase;
        std::map<pid_t, std::string> children;
    };
    [[nodiscard]] static Seen look_at(const core::Worker& worker, core::GenerationNumber number);

    Report report_;
    std::map<std::pair<const core::Worker*, core::GenerationNumber>, Seen> seen_;
};

} // namespace mpsup

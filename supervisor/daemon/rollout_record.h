// An operation, written down when it begins and when it has ended.
#pragma once

#include "supervisor/daemon/outcome.h"
#include "supervisor/daemon/site.h"

#include <string>
#include <vector>

namespace mpsup {

/// Outlived by the site. One that is destroyed before `end` stays recorded as running.
class RolloutRecord {
public:
    /// Records the beginning. `workers`: which it is about; empty for all.
    RolloutRecord(Site& site, std::string verb, std::vector<std::string> workers);
    void end(const Outcome& outcome);

private:
    /// Of the only worker that it is about; 0 otherwise.
    [[nodiscard]] core::GenerationNumber serving() const;
    [[nodiscard]] std::string digest() const;

    Site& site_;
    state::RolloutRow row_;
};

} // namespace mpsup

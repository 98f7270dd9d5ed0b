// Processes of a site as they are known here.
#pragma once

#include "base/error.h"

#include <map>
#include <optional>
#include <string>
#include <sys/types.h>

namespace mpsup::cli {

/// A supervisor in a container (another pid namespace) says the container's pids: here these are nobody's, or others'.
class LocalPids {
public:
    /// Of the supervisor that holds the site's `lock` and says that it is `supervisor`. The error: another user's container.
    [[nodiscard]] static Result<LocalPids> find(const std::string& lock, pid_t supervisor);

    /// What that process is here; 0: it has ended.
    [[nodiscard]] pid_t of(pid_t said) const;

private:
    std::optional<std::map<pid_t, pid_t>> inside_; // none: they are the same
};

} // namespace mpsup::cli

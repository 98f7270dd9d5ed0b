// The log files of a site: opened for whoever writes to them, and moved away for new ones in time.
#pragma once

#include "base/fd.h"
#include "supervisor/control/site_paths.h"
#include "supervisor/topology/topology.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>

namespace mpsup {

/// Is a log of so many bytes, begun so long ago, to be moved away? An empty one never is.
[[nodiscard]] bool is_due(const topology::Logs& rules, std::int64_t size, std::chrono::seconds age) noexcept;

/// "app.log" is moved to "app.log.1", that to "app.log.2", and so on. A disk that refuses costs log lines, never service:
/// nothing here fails, and nothing waits. Looks when it is asked to and has no timer of its own. One event loop.
class LogFiles {
public:
    explicit LogFiles(const SitePaths& paths) : paths_(paths) {}

    void set_rules(const topology::Logs& rules) { rules_ = rules; }

    /// For appending. The folder is made when it is gone; /dev/null when the file cannot be had.
    [[nodiscard]] Fd open(const std::string& path);

    /// What whoever writes to `path` is to write to from here on: it was due and was moved away, it is gone, or it could
    /// not be had before. Nothing: all is as it was.
    [[nodiscard]] std::optional<Fd> look(const std::string& path);

    /// The supervisor's own, if that is where its descriptors 1 and 2 lead (start-up); in the background also when they lead
    /// nowhere, because it could not be had.
    void adopt_own(bool in_background);
    /// look() at it, or with `anew` opens it anew.
    void look_at_own(bool anew);

private:
    [[nodiscard]] std::optional<Fd> move_away(const std::string& path);

    const SitePaths& paths_;
    topology::Logs rules_;
    std::map<std::string, bool> missing_; // by path: its last open() gave /dev/null
    bool owns_output_ = false;
};

} // namespace mpsup

// Events and logs of this machine, for whoever asks the API: a process of our own reads them, so that the event loop
// never waits for the disk.
#pragma once

#include "supervisor/control/api_target.h"
#include "supervisor/control/site_paths.h"
#include "supervisor/process/commands.h"

namespace mpsup {

/// `program`, an mpsup, with words that have it write the lines that answer /v1/events (`worker`) or /v1/logs
/// (`workers`, `grep`, `access`), both with `since_ms`, `lines` and `follow`. Nothing when a value is not what it
/// should be. No value can become an option or another word.
[[nodiscard]] std::optional<Command> own_lines_command(std::string program, const SitePaths& paths,
                                                       const ApiTarget& target);

/// Reads all of them; what it says besides lines of JSON is why it failed.
[[nodiscard]] boost::asio::awaitable<Result<>> read_own_lines(Commands& commands, Command command,
                                                              OnCommandLine on_line);

} // namespace mpsup

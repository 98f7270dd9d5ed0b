// What a process wrote before it ended.
#pragma once

#include <string>

namespace mpsup {

/// The last ten lines of a log, of its last 4 KiB; bytes that are no text become '?'. Empty when it cannot be read:
/// its folder may be gone. Never blocks for long: one bounded read of a file.
[[nodiscard]] std::string last_words(const std::string& log_path);

} // namespace mpsup

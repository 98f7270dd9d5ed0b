// What a process wrote before it ended.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace mpsup {

/// The last ten lines of a log, of its last 4 KiB, of what was written since it had `since` bytes; bytes that are no text become '?'. Empty when it cannot be read:
/// its folder may be gone. Never blocks for long: one bounded read of a file.
[[nodiscard]] std::string last_words(const std::string& log_path, std::uint64_t since = 0);

/// How long ago a log was written to, by the clock of its file system; zero when it cannot be read.
[[nodiscard]] std::chrono::seconds log_age(const std::string& log_path);

/// How many bytes a log has: `since` for later. 0 when it cannot be read.
[[nodiscard]] std::uint64_t log_size(const std::string& log_path);

} // namespace mpsup

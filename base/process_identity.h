// Who a process is: enough to recognise it again, and never to take another one for it.
#pragma once

#include "base/error.h"

#include <cstdint>
#include <string>
#include <sys/types.h>

namespace mpsup {

/// Field 22 of /proc/PID/stat: clock ticks from boot to the start of the process (proc(5)). ESRCH when it is gone.
[[nodiscard]] Result<std::uint64_t> process_start_time(pid_t pid);

/// Field 4 of /proc/PID/stat: who its parent is now. ESRCH when it is gone.
[[nodiscard]] Result<pid_t> process_parent(pid_t pid);

/// The state letter of a process (R, S, D, T, Z, …; proc(5)). ESRCH when it is gone.
[[nodiscard]] Result<char> process_state(pid_t pid);

/// Gone, dead and not yet reaped, or on its way: it has closed its descriptors, or is just closing them.
[[nodiscard]] bool process_is_ending(pid_t pid) noexcept;

/// The kernel's random name of this boot: a pid of another boot means nothing.
[[nodiscard]] Result<std::string> boot_id();

/// Memory of a process in bytes, from /proc/PID/smaps_rollup: what it shares with others, and what is its own.
struct ProcessMemory {
    std::uint64_t private_bytes = 0;
    std::uint64_t shared_bytes = 0;
    std::uint64_t resident_bytes = 0;     // both together: RSS
    std::uint64_t proportional_bytes = 0; // PSS: its own, and its part of what it shares. These add up
};
[[nodiscard]] Result<ProcessMemory> process_memory(pid_t pid);

/// A random UUID, version 4 (RFC 9562 section 5.4), in its 36 characters.
[[nodiscard]] std::string random_uuid();

} // namespace mpsup

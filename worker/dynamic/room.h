// How many more children fit into memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mpsup::dynamic {

/// Bytes that can be had before the machine, or the control group that this process is in, must swap or kill: the smaller
/// of MemAvailable (proc(5)) less a tenth of all memory, and what memory.max of cgroup v2 leaves. 0 when it is unknown.
[[nodiscard]] std::uint64_t available_memory(const std::string& proc = "/proc",
                                             const std::string& cgroup = "/sys/fs/cgroup");

/// Children of the average size of those that there are (16 MiB each while there is none) that fit into that.
[[nodiscard]] int room_for_children(const std::vector<std::uint64_t>& unshared_bytes,
                                    std::uint64_t available = available_memory());

} // namespace mpsup::dynamic

// How much memory there is.
#pragma once

#include <cstdint>
#include <string>

namespace mpsup::cli {

/// Bytes of memory of this machine, or of the container that this is, where that has a limit (memory.max of cgroup v2
/// at the root of what it sees). 0 when it is unknown.
[[nodiscard]] std::uint64_t machine_memory(const std::string& cgroup = "/sys/fs/cgroup");

} // namespace mpsup::cli

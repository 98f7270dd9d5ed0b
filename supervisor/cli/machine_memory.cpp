#include "supervisor/cli/machine_memory.h"

#include <algorithm>
#include <fstream>
#include <unistd.h>

namespace mpsup::cli {

std::uint64_t machine_memory(const std::string& cgroup) {
    const long pages = ::sysconf(_SC_PHYS_PAGES);
    const long page = ::sysconf(_SC_PAGESIZE);
    const std::uint64_t machine =
        pages > 0 && page > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page) : 0;
    std::ifstream file(cgroup + "/memory.max");
    std::uint64_t limit = 0;
    if (!(file >> limit)) return machine; // "max", or there is none
    return machine > 0 ? std::min(machine, limit) : limit;
}

} // namespace mpsup::cli

#include "worker/dynamic/room.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <numeric>
#include <optional>
#include <sstream>

namespace mpsup::dynamic {

namespace {

constexpr std::uint64_t assumed_child = std::uint64_t{16} << 20U;
constexpr int most = 1000;

std::optional<std::uint64_t> first_number(const std::string& path) {
    std::ifstream file(path);
    std::uint64_t number = 0;
    return file >> number ? std::optional(number) : std::nullopt; // "max" is none
}

struct MachineMemory {
    std::uint64_t total = 0, available = 0;
};

MachineMemory machine_memory(const std::string& proc) {
    MachineMemory memory;
    std::ifstream file(proc + "/meminfo");
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string key;
        std::uint64_t kilobytes = 0;
        words >> key >> kilobytes;
        if (key == "MemTotal:") memory.total = kilobytes * 1024;
        if (key == "MemAvailable:") memory.available = kilobytes * 1024;
    }
    return memory;
}

// What the control group leaves; the group is found by the line "0::/path" (cgroups(7)).
std::uint64_t group_memory(const std::string& proc, const std::string& cgroup) {
    std::ifstream file(proc + "/self/cgroup");
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with("0::")) continue;
        const std::string folder = cgroup + line.substr(3);
        const auto limit = first_number(folder + "/memory.max");
        const auto used = first_number(folder + "/memory.current");
        if (limit && used) return *limit > *used ? *limit - *used : 0;
    }
    return std::numeric_limits<std::uint64_t>::max();
}

} // namespace

std::uint64_t available_memory(const std::string& proc, const std::string& cgroup) {
    const MachineMemory machine = machine_memory(proc);
    const std::uint64_t reserve = machine.total / 10;
    const std::uint64_t free = machine.available > reserve ? machine.available - reserve : 0;
    return std::min(free, group_memory(proc, cgroup));
}

int room_for_children(const std::vector<std::uint64_t>& unshared_bytes, std::uint64_t available) {
    std::uint64_t each = assumed_child;
    if (!unshared_bytes.empty())
        each = std::accumulate(unshared_bytes.begin(), unshared_bytes.end(), std::uint64_t{0}) / unshared_bytes.size();
    return static_cast<int>(std::min<std::uint64_t>(available / std::max<std::uint64_t>(each, 1 << 20U), most));
}

} // namespace mpsup::dynamic

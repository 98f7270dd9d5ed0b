#include "supervisor/topology/topology.h"

#include <algorithm>

namespace mpsup::topology {

const WorkerSpec* Topology::find(std::string_view worker) const noexcept {
    const auto found = std::ranges::find(workers, worker, &WorkerSpec::name);
    return found == workers.end() ? nullptr : &*found;
}

std::string_view to_string(Kind kind) noexcept {
    switch (kind) {
    case Kind::static_files: return "static";
    case Kind::dynamic: return "dynamic";
    }
    return {};
}

std::string_view to_string(Binaries binaries) noexcept {
    switch (binaries) {
    case Binaries::one: return "one";
    case Binaries::two: return "two";
    case Binaries::dso: return "dso";
    }
    return {};
}

} // namespace mpsup::topology

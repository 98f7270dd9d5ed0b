#include "supervisor/topology/topology.h"

#include <algorithm>
#include <utility>

namespace mpsup::topology {

Whole::Whole(Topology topology) : topology_(std::make_shared<const Topology>(std::move(topology))) {}

bool operator==(const Whole& one, const Whole& other) {
    return one.topology_ == other.topology_ || (one && other && *one == *other);
}

int Cluster::allowed(int machines) const {
    const Share share = unavailable.value_or(Share{1, false});
    const std::int64_t number = share.is_percent ? share.value * machines / 100 : share.value;
    return static_cast<int>(std::max<std::int64_t>(1, number));
}

const WorkerSpec* Topology::find(std::string_view worker) const noexcept {
    const auto found = std::ranges::find(workers, worker, &WorkerSpec::name);
    return found == workers.end() ? nullptr : &*found;
}

std::string_view to_string(Kind kind) noexcept {
    switch (kind) {
    case Kind::static_files: return "static";
    case Kind::dynamic: return "dynamic";
    case Kind::accelerator: return "accelerator";
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

int Health::fatal_fails() const {
    constexpr std::int64_t usual = 3;
    return liveness == ProbeSpec{} && !fails ? 0 : static_cast<int>(fails.value_or(usual));
}

std::string_view to_string(PoolMode mode) noexcept {
    switch (mode) {
    case PoolMode::fixed: return "fixed";
    case PoolMode::dynamic: return "dynamic";
    case PoolMode::ondemand: return "ondemand";
    }
    std::unreachable();
}

Pool::Sized Pool::sized() const {
    Sized result;
    const bool has_bounds = min || max || min_spare || max_spare || idle_timeout;
    result.mode = mode.value_or(has_bounds && !size ? PoolMode::dynamic : PoolMode::fixed);
    const auto number = [](const std::optional<std::int64_t>& given, int otherwise) {
        return given ? static_cast<int>(*given) : otherwise;
    };
    switch (result.mode) {
    case PoolMode::fixed:
        result.max = number(size, number(max, 2));
        result.min = result.max;
        break;
    case PoolMode::dynamic:
        result.min = number(min, 1);
        result.max = number(max, std::max(8, result.min));
        result.min_spare = number(min_spare, 1);
        result.max_spare = number(max_spare, result.min_spare + 2);
        result.idle_timeout = idle_timeout.value_or(Duration(10'000));
        break;
    case PoolMode::ondemand:
        result.min = 0;
        result.max = number(max, 8);
        result.idle_timeout = idle_timeout.value_or(Duration(60'000));
        break;
    }
    return result;
}

} // namespace mpsup::topology

// How a worker is, in one word.
#pragma once

#include <string_view>

namespace mpsup::core {

enum class WorkerState { stopped, starting, ready, degraded, draining, backoff, failed, unknown };
[[nodiscard]] std::string_view to_string(WorkerState state) noexcept;

} // namespace mpsup::core

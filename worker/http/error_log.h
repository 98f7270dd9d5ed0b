// Messages of a worker process for its operator.
#pragma once

#include <string_view>

namespace mpsup::http {

enum class Severity { info, warning, error };

/// One line on standard error, in one write(2): "[2026-11-22T23:47:00Z] [error] [pid 42] message". Control octets in the
/// message are replaced by '?'; a failed write is ignored.
void log_error(Severity severity, std::string_view message) noexcept;

} // namespace mpsup::http

#include "supervisor/daemon/time_limit.h"

#include <csignal>

namespace mpsup {

std::string time_limit_reason(const contract::ScoreboardSnapshot& board, ExitStatus status, std::int64_t now_ms) {
    if (!board.request || board.request->deadline_ms == 0 || status.kind() != ExitStatus::Kind::signalled ||
        status.signal() != SIGKILL || now_ms < board.request->deadline_ms)
        return {};
    const auto tenths = (board.request->deadline_ms - board.request->since_ms + 50) / 100;
    return "request_timeout: " + board.request->method + " " + board.request->uri + " had been running for " +
           std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

} // namespace mpsup

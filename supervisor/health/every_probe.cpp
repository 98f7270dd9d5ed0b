#include "supervisor/health/probe.h"

#include <utility>

namespace mpsup {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

asio::awaitable<ProbeResult> EveryProbe::run(ProbeTarget target) {
    if (!target.tcp.empty()) co_return co_await tcp_.run(std::move(target));
    if (target.exec.empty()) co_return co_await http_.run(std::move(target));
    const auto began = Clock::now();
    const std::string program = target.exec.front();
    Command command{std::move(target.exec), std::move(target.environment), target.timeout};
    const CommandEnd end = co_await commands_.run(std::move(command));
    ProbeResult result;
    result.passed = end.passed;
    result.latency = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
    result.why = end.passed ? std::string() : program + " " + end.why;
    co_return result;
}

} // namespace mpsup

#include "supervisor/daemon/generation_handle.h"

#include "base/process_identity.h"
#include "supervisor/daemon/spec_rules.h"

#include <algorithm>
#include <chrono>
#include <unistd.h>
#include <utility>

namespace mpsup {

namespace {

constexpr std::chrono::milliseconds stuck_after = std::chrono::seconds(5);

pid_t pid_of(const ServingProcess& process) { return process.pidfd.pid(); }

} // namespace

void ServingProcess::take_scoreboard(const contract::Hello& hello, const std::vector<Fd>& fds) {
    for (std::size_t i = 0; i < std::min(fds.size(), hello.fds.size()); ++i) {
        if (hello.fds[i] != contract::FdRole::scoreboard) continue;
        if (auto read = contract::ScoreboardReader::open(fds[i].get())) scoreboard = std::move(*read);
    }
}

bool is_child_of(const Pidfd& pidfd, const contract::ChildStarted& child, pid_t master) {
    if (pidfd.pid() != child.pid) return false;
    const auto parent = process_parent(child.pid);
    const auto start_time = process_start_time(child.pid);
    return parent && start_time && (*parent == master || *parent == ::getpid()) && *start_time == child.start_time;
}

void add_pages(const contract::ScoreboardReader& scoreboard, contract::PageCounts& sum) {
    constexpr std::uint64_t most = std::uint64_t{1} << 48U; // who says more is not believed
    const contract::PageCounts pages = scoreboard.read().pages;
    for (std::size_t i = 0; i < sum.size(); ++i)
        if (pages[i] <= most) sum[i] = std::min(sum[i] + pages[i], most);
}

contract::PoolSize GenerationHandle::size() const { return rolled ? fixed_size(*rolled) : pool_size_of(spec->pool); }

bool GenerationHandle::has(pid_t pid) const { return pidfd_of(pid) != nullptr; }

const Pidfd* GenerationHandle::pidfd_of(pid_t pid) const {
    if (process.pidfd.pid() == pid) return &process.pidfd;
    if (const auto master = std::ranges::find(retiring, pid, pid_of); master != retiring.end()) return &master->pidfd;
    const auto child = children.find(pid);
    return child == children.end() ? nullptr : &child->second.pidfd;
}

std::vector<pid_t> GenerationHandle::predecessors() const {
    std::vector<pid_t> pids;
    for (const ServingProcess& master : retiring) pids.push_back(master.pidfd.pid());
    for (const auto& [pid, child] : children)
        if (child.master != process.pidfd.pid()) pids.push_back(pid);
    return pids;
}

void GenerationHandle::begin_counting() {
    counted = {};
    for (auto& [pid, child] : children) child.counter = {};
}

void GenerationHandle::count_traffic(std::uint64_t skip_first) {
    for (auto& [pid, child] : children) child.counter.look(child.scoreboard.read_traffic(), skip_first);
}

core::Tally GenerationHandle::tally() const {
    core::Tally tally = counted;
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    const auto long_ago = std::chrono::duration_cast<std::chrono::milliseconds>(now).count() - stuck_after.count();
    for (const auto& [pid, child] : children) {
        child.counter.add_to(tally);
        const auto request = child.scoreboard.read().request;
        if (request && request->since_ms <= long_ago) ++tally.stuck;
    }
    return tally;
}

std::string GenerationHandle::failure() const {
    for (const auto& [pid, child] : children)
        if (const auto failure = child.scoreboard.read_failure())
            return failure->method + " " + failure->uri + ": answered " + std::to_string(failure->status) +
                   (failure->body.empty() ? "" : ": " + failure->body);
    return {};
}

std::uint64_t GenerationHandle::memory_of_child() const {
    std::uint64_t sum = 0, measured = 0;
    for (const auto& [pid, child] : children)
        if (child.private_bytes > 0) sum += child.private_bytes, ++measured;
    return measured == 0 ? 0 : sum / measured;
}

} // namespace mpsup

#include "supervisor/daemon/returned.h"

#include "base/memfd.h"
#include "base/process_identity.h"
#include "supervisor/topology/front.h"

#include <filesystem>

namespace mpsup {

namespace {

// Of the pool whose process it is?
bool is_own_socket(const std::string& path, const std::string& worker, const SitePaths& paths) {
    const std::filesystem::path file(path);
    return file.parent_path() == paths.pool_folder() && topology::is_pool_socket_of(file.filename().string(), worker);
}

Result<> take(Returned& returned, contract::FdRole role, Fd fd, const std::string& worker, const SitePaths& paths) {
    if (role == contract::FdRole::scoreboard) {
        auto scoreboard = contract::ScoreboardReader::open(fd.get());
        if (!scoreboard) return std::unexpected(scoreboard.error());
        returned.scoreboard = std::move(*scoreboard);
        return {};
    }
    if (role == contract::FdRole::cache) {
        if (!is_sealed_memfd(fd.get())) return failure("brings a cache that is none");
        returned.cache = std::move(fd);
        return {};
    }
    if (role != contract::FdRole::public_listener) return failure("brings a descriptor that nobody asked for");
    const auto endpoint = listening_endpoint(fd.get());
    if (!endpoint || (!endpoint->path.empty() && !is_own_socket(endpoint->path, worker, paths)))
        return failure("brings a public listener that is none");
    returned.listeners.try_emplace(*endpoint, std::make_shared<const Fd>(std::move(fd)));
    return {};
}

std::string program_of_process(pid_t pid) {
    std::error_code error;
    std::string name =
        std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe", error).filename().string();
    constexpr std::string_view replaced = " (deleted)"; // a newer one lies in its place
    if (name.ends_with(replaced)) name.resize(name.size() - replaced.size());
    return name;
}

} // namespace

Result<Returned> receive_returned(contract::Hello hello, std::vector<Fd> fds, const SitePaths& paths) {
    if (fds.size() != hello.fds.size()) return failure("brings other descriptors than it says");
    auto pidfd = Pidfd::open(hello.pid);
    if (!pidfd) return std::unexpected(pidfd.error());
    Returned returned;
    returned.claimant = {hello.identity.worker,
                         hello.identity.generation,
                         hello.role == contract::Role::child,
                         hello.pid,
                         hello.start_time,
                         process_start_time(hello.pid).value_or(0)};
    returned.program = program_of_process(hello.pid);
    for (std::size_t i = 0; i < fds.size(); ++i)
        if (auto taken = take(returned, hello.fds[i], std::move(fds[i]), hello.identity.worker, paths); !taken)
            return std::unexpected(taken.error());
    returned.hello = std::move(hello);
    returned.pidfd = std::move(*pidfd);
    return returned;
}

} // namespace mpsup

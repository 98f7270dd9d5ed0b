#include "supervisor/cli/start_supervisor.h"

#include "base/fd.h"
#include "supervisor/control/client.h"
#include "supervisor/process/spawner.h"

#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <unistd.h>

namespace mpsup::cli {

namespace {

constexpr auto start_patience = std::chrono::seconds(10);
constexpr int look_again_ms = 5;

std::string last_lines_of(const std::string& file) {
    constexpr std::size_t shown = 2000;
    const auto text = read_file(file, 64 * 1024 * 1024);
    if (!text) return {};
    return text->size() > shown ? text->substr(text->size() - shown) : *text;
}

} // namespace

Result<> start_supervisor(const Context& context, const ChosenSite& site) {
    const auto base = context.base_dirs();
    if (!base) return std::unexpected(base.error());
    if (auto made = site.paths.create(); !made) return made;
    auto log = open_file(site.paths.supervisor_log(), O_WRONLY | O_CREAT | O_APPEND);
    if (!log) log = open_file("/dev/null", O_WRONLY); // a full disk costs log lines
    if (!log) return std::unexpected(log.error());
    SpawnRequest request;
    std::error_code error;
    request.executable = std::filesystem::read_symlink("/proc/self/exe", error).string();
    request.arguments = {"supervise", "--site", site.name, "--state-dir", base->state, "--run-dir", base->run};
    request.environment = own_environment();
    request.working_directory = "/";
    request.output = log->get();
    ProcessSpawner spawner;
    const auto child = spawner.spawn(request);
    if (!child) return std::unexpected(child.error());
    const auto deadline = std::chrono::steady_clock::now() + start_patience;
    while (std::chrono::steady_clock::now() < deadline) {
        if (check_control_socket(site.paths.control_socket())) return {};
        pollfd entry{child->fd(), POLLIN, 0}; // it ends, or there is nothing to wait on but the socket's appearance
        if (::poll(&entry, 1, look_again_ms) > 0)
            return failure("the supervisor ended at once:\n" + last_lines_of(site.paths.supervisor_log()));
    }
    return failure("the supervisor does not answer; see " + site.paths.supervisor_log());
}

} // namespace mpsup::cli

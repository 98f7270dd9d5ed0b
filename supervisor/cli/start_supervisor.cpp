#include "supervisor/cli/start_supervisor.h"

#include "base/fd.h"
#include "supervisor/control/client.h"
#include "supervisor/daemon/last_words.h"
#include "supervisor/daemon/site_lock.h"
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
constexpr auto other_patience = std::chrono::seconds(2);
constexpr unsigned lock_mode = 0600;

// What it wrote itself: others before it wrote there too.
std::string lines_since(const std::string& file, std::uint64_t size) {
    const std::string text = last_words(file, size);
    return text.empty() ? "it gave no reason" : text;
}

// Waits for one that is just ending, or that somebody else has just started.
bool is_answered_after_all(const ChosenSite& site) {
    const auto deadline = std::chrono::steady_clock::now() + other_patience;
    while (site_lock_holder(site.paths.lock()) && std::chrono::steady_clock::now() < deadline) {
        if (check_control_socket(site.paths.control_socket())) return true;
        ::poll(nullptr, 0, look_again_ms);
    }
    return false;
}

} // namespace

Result<> start_supervisor(const Context& context, const ChosenSite& site) {
    const auto base = context.base_dirs();
    if (!base) return std::unexpected(base.error());
    if (auto made = site.paths.create(); !made) return made;
    // Without it none runs, and none could say so where the log cannot be written either.
    if (auto lock = open_file(site.paths.lock(), O_RDWR | O_CREAT, lock_mode); !lock)
        return std::unexpected(lock.error());
    if (is_answered_after_all(site)) return {};
    if (site_lock_holder(site.paths.lock())) return failure(nobody_answers(site));
    const std::uint64_t log_start = log_size(site.paths.supervisor_log());
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
            return failure("the supervisor ended at once:\n" + lines_since(site.paths.supervisor_log(), log_start));
    }
    return failure("the supervisor does not answer; see " + site.paths.supervisor_log());
}

} // namespace mpsup::cli

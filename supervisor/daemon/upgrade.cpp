#include "supervisor/daemon/upgrade.h"

#include "base/descriptor_limit.h"
#include "base/fd.h"
#include "base/memfd.h"
#include "supervisor/daemon/bell.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace mpsup {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto check_patience = std::chrono::seconds(10);
constexpr auto look_again = std::chrono::milliseconds(5);
constexpr std::size_t longest_complaint = 4096;

std::vector<std::string> arguments_for(const UpgradePlan& plan, const char* last) {
    std::vector<std::string> words{"supervise",     "--site",    plan.site,     "--state-dir",
                                   plan.state_base, "--run-dir", plan.run_base, std::string(last)};
    words.insert(words.end(), plan.more.begin(), plan.more.end());
    return words;
}

Result<> write_handover(const SitePaths& paths, const Handover& handover) {
    const std::string text = handover.to_json();
    auto file = open_file(handover_path(paths), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (!file) return std::unexpected(file.error());
    if (::write(file->get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return system_failure("write " + handover_path(paths));
    return {};
}

std::string said(const Fd& output) {
    std::string text(longest_complaint, '\0');
    const ssize_t size = ::pread(output.get(), text.data(), text.size(), 0);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

// Descriptors that outlive the exec; closed on it again when it fails.
class Kept {
public:
    explicit Kept(const Handover& handover) {
        for (const int fd : {handover.lock, handover.control, handover.contract, handover.client}) keep(fd);
        for (const auto& [address, fd] : handover.listeners) keep(fd);
    }
    Kept(const Kept&) = delete;
    Kept& operator=(const Kept&) = delete;
    ~Kept() {
        for (const int fd : kept_) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    }

private:
    void keep(int fd) {
        if (fd >= 0 && ::fcntl(fd, F_SETFD, 0) == 0) kept_.push_back(fd);
    }
    std::vector<int> kept_;
};

} // namespace

asio::awaitable<Result<>> check_successor(const SitePaths& paths, Spawner& spawner, UpgradePlan plan,
                                          Handover handover) {
    if (auto written = write_handover(paths, handover); !written) co_return written;
    const Fd output(::memfd_create("mpsup-check-state", MFD_CLOEXEC));
    if (!output) co_return system_failure("memfd_create");
    const auto process =
        spawner.spawn({plan.program, arguments_for(plan, "--check-state"), own_environment(), "/", output.get()});
    if (!process) co_return failure(plan.program + ": " + process.error().to_string());
    const auto deadline = Clock::now() + check_patience;
    auto status = process->reap();
    while (!status && Clock::now() < deadline) {
        co_await pause_for(look_again);
        status = process->reap();
    }
    if (!status) {
        (void)process->send_signal(SIGKILL);
        co_return failure(plan.program + " did not say within 10 s whether it can take over");
    }
    const std::string word = said(output);
    if (word == can_take_over) co_return Result<>(); // its exit code may have been taken by whoever reaps strays
    co_return failure(plan.program + " will not take over" + (word.empty() ? "" : ": " + word));
}

Error become_successor(const SitePaths& paths, const UpgradePlan& plan, const Handover& handover) {
    if (auto written = write_handover(paths, handover); !written) return written.error();
    std::vector<std::string> arguments = arguments_for(plan, "--take-over");
    arguments.insert(arguments.begin(), plan.program);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    const Kept kept(handover);
    restore_descriptor_limit(); // for the successor to know what it was
    ::execve(plan.program.c_str(), argv.data(), ::environ);
    Error error = system_failure("exec " + plan.program).error();
    raise_descriptor_limit();
    return error;
}

} // namespace mpsup

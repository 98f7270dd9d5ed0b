#include "supervisor/cli/program_size.h"

#include "base/fd.h"
#include "base/pidfd.h"
#include "supervisor/daemon/worker_handle.h"
#include "supervisor/topology/topology.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <poll.h>
#include <spawn.h>
#include <unistd.h>

namespace mpsup::cli {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds patience{10};
constexpr std::size_t longest_answer = 4096;

std::uint64_t file_size(const std::string& path) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    return error ? 0 : size;
}

// Waits for what can be read, or the end; false when the deadline passes before.
bool wait_for(int fd, Clock::time_point deadline) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd entry{fd, POLLIN, 0};
        const int ready = left > 0 ? ::poll(&entry, 1, static_cast<int>(left)) : 0;
        if (ready > 0) return true;
        if (ready == 0 || errno != EINTR) return false;
    }
}

std::string read_all(int fd, Clock::time_point deadline) {
    std::string text;
    std::array<char, 512> bytes{};
    while (text.size() < longest_answer && wait_for(fd, deadline)) {
        const ssize_t got = ::read(fd, bytes.data(), bytes.size());
        if (got == 0 || (got < 0 && errno != EINTR)) break;
        if (got > 0) text.append(bytes.data(), static_cast<std::size_t>(got));
    }
    return text;
}

Result<pid_t> spawn(const std::string& path, std::string option, int output) {
    std::string name = path;
    std::array<char*, 3> arguments{name.data(), option.data(), nullptr};
    posix_spawn_file_actions_t actions{};
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    pid_t pid = -1;
    const int error = ::posix_spawn(&pid, path.c_str(), &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) return system_failure("run " + path, error);
    return pid;
}

// What a program prints; its standard error is ours.
Result<std::string> answer_of(const std::string& path, const std::string& option) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_failure("make a pipe");
    const Fd reading(ends[0]);
    Fd writing(ends[1]);
    const auto deadline = Clock::now() + patience;
    const auto pid = spawn(path, option, writing.get());
    writing.reset();
    if (!pid) return std::unexpected(pid.error());
    const auto process = Pidfd::open(*pid);
    if (!process) return std::unexpected(process.error());
    std::string text = read_all(reading.get(), deadline);
    if (!wait_for(process->fd(), deadline)) (void)process->send_signal(SIGKILL);
    (void)wait_for(process->fd(), Clock::now() + patience);
    (void)process->reap();
    return text;
}

void measure(ProgramSize& size, const std::string& folder, const std::string& option) {
    const std::string path = folder + "/" + size.program;
    const auto answer = answer_of(path, option);
    if (answer) size.memory = parse_memory(*answer);
    if (!answer) size.trouble = answer.error().to_string();
    if (!size.memory && size.trouble.empty()) size.trouble = path + " " + option + " did not say how much it takes";
}

} // namespace

std::vector<ProgramSize> measure_programs(const std::string& folder) {
    using topology::Binaries;
    using topology::Kind;
    std::vector<ProgramSize> sizes;
    std::map<std::string, std::size_t> measured; // program and option: where it is in `sizes`
    for (const Binaries build : {Binaries::two, Binaries::one, Binaries::dso})
        for (const Kind kind : {Kind::static_files, Kind::dynamic}) {
            const bool is_dynamic = kind == Kind::dynamic;
            const std::string option = is_dynamic ? "--memory=perl" : "--memory";
            ProgramSize size{std::string(to_string(build)),
                             is_dynamic ? "dynamic" : "static",
                             program_of(build, kind),
                             0,
                             std::nullopt,
                             {}};
            size.disk_bytes = file_size(folder + "/" + size.program);
            if (is_dynamic && build == Binaries::dso) size.disk_bytes += file_size(folder + "/perl.so");
            const auto [known, is_new] = measured.emplace(size.program + " " + option, sizes.size());
            if (is_new)
                measure(size, folder, option);
            else
                size.memory = sizes[known->second].memory;
            sizes.push_back(std::move(size));
        }
    return sizes;
}

} // namespace mpsup::cli

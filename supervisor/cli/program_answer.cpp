#include "supervisor/cli/program_answer.h"

#include "base/fd.h"
#include "base/pidfd.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <spawn.h>
#include <string_view>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace mpsup::cli {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds to_end{10}; // for a process that was killed

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

std::string read_all(int fd, std::size_t most, Clock::time_point deadline) {
    std::string text;
    std::array<char, 16384> bytes{};
    while (text.size() < most && wait_for(fd, deadline)) {
        const ssize_t got = ::read(fd, bytes.data(), bytes.size());
        if (got == 0 || (got < 0 && errno != EINTR)) break;
        if (got > 0) text.append(bytes.data(), static_cast<std::size_t>(got));
    }
    return text;
}

// A file without a name, to be read from its start: so nobody waits for who reads it.
Result<Fd> file_of(const std::string& text) {
    Fd file(::memfd_create("mpsup-input", MFD_CLOEXEC));
    if (!file) return system_failure("make a file in memory");
    for (std::string_view rest = text; !rest.empty();) {
        const ssize_t count = ::write(file.get(), rest.data(), rest.size());
        if (count < 0 && errno != EINTR) return system_failure("write a file in memory");
        if (count > 0) rest.remove_prefix(static_cast<std::size_t>(count));
    }
    if (::lseek(file.get(), 0, SEEK_SET) != 0) return system_failure("rewind a file in memory");
    return file;
}

Result<pid_t> spawn(std::vector<std::string> words, int input, int output) {
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions{};
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    pid_t pid = -1;
    const int error = ::posix_spawn(&pid, words.front().c_str(), &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) return system_failure("run " + words.front(), error);
    return pid;
}

} // namespace

std::string folder_of_this_program() {
    std::error_code error;
    return std::filesystem::read_symlink("/proc/self/exe", error).parent_path().string();
}

Result<std::string> answer_of(const std::string& path, std::vector<std::string> arguments, const AnswerTerms& terms) {
    arguments.insert(arguments.begin(), path);
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_failure("make a pipe");
    const Fd reading(ends[0]);
    Fd writing(ends[1]);
    const auto input = file_of(terms.input);
    if (!input) return std::unexpected(input.error());
    const auto deadline = Clock::now() + terms.patience;
    const auto pid = spawn(std::move(arguments), input->get(), writing.get());
    writing.reset();
    if (!pid) return std::unexpected(pid.error());
    const auto process = Pidfd::open(*pid);
    if (!process) return std::unexpected(process.error());
    std::string text = read_all(reading.get(), terms.most, deadline);
    if (text.size() >= terms.most || !wait_for(process->fd(), deadline)) (void)process->send_signal(SIGKILL);
    (void)wait_for(process->fd(), Clock::now() + to_end);
    (void)process->reap();
    return text;
}

} // namespace mpsup::cli

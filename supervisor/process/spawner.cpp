#include "supervisor/process/spawner.h"

#include "base/descriptor_limit.h"

// Boost.Process v2 of Boost 1.81 needs these two before its own headers.
#include <boost/asio/io_context.hpp>
#include <boost/optional.hpp>

#include <boost/process/v2/posix/default_launcher.hpp>
#include <boost/process/v2/process.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace mpsup {

std::vector<std::string> own_environment() {
    std::vector<std::string> variables;
    for (char** variable = ::environ; *variable; ++variable) variables.emplace_back(*variable);
    return variables;
}

namespace {

namespace process = boost::process::v2;

// Between fork and exec: no allocation, no lock, no exception. What fails leaves errno for the launcher, which sends
// it through its close-on-exec pipe; then on_exec_error ends the child without running our static destructors.
class ChildSetup {
public:
    ChildSetup(int null, int output, const char* directory) noexcept
        : null_(null), output_(output), directory_(directory) {}

    template <typename Launcher, typename Path>
    process::error_code on_exec_setup(Launcher&, const Path&, const char* const*(&)) const noexcept {
        reset_signals();
        restore_descriptor_limit();
        const bool done = ::setsid() >= 0 && ::dup2(null_, STDIN_FILENO) == STDIN_FILENO &&
                          ::dup2(output_, STDOUT_FILENO) == STDOUT_FILENO &&
                          ::dup2(output_, STDERR_FILENO) == STDERR_FILENO && ::chdir(directory_) == 0 &&
                          // What others opened without close-on-exec, or left open for us, ends here (close_range(2)).
                          ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
        return done ? process::error_code{} : process::error_code(errno, boost::system::system_category());
    }

    // The launcher of 1.81 looks for this with one list of arguments and calls it with another.
    template <typename... Arguments> void on_exec_error(Arguments&&...) const noexcept { ::_exit(127); }

private:
    static void reset_signals() noexcept {
        for (int signal = 1; signal < NSIG; ++signal)
            if (signal != SIGKILL && signal != SIGSTOP) ::signal(signal, SIG_DFL);
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
    }

    int null_;
    int output_;
    const char* directory_;
};

std::vector<const char*> pointers_to(const std::vector<std::string>& texts) {
    std::vector<const char*> pointers;
    for (const std::string& text : texts) pointers.push_back(text.c_str());
    pointers.push_back(nullptr);
    return pointers;
}

} // namespace

Result<Pidfd> ProcessSpawner::spawn(const SpawnRequest& request) {
    const auto null = open_file("/dev/null", O_RDWR);
    if (!null) return std::unexpected(null.error());
    const auto environment = pointers_to(request.environment);
    // A context of its own that never runs: the launcher tells its context about the fork, and the supervisor's must
    // not re-create its epoll in the child.
    boost::asio::io_context context;
    process::posix::default_launcher launcher;
    launcher.env = environment.data();
    boost::system::error_code error;
    try {
        // By executor: the overload for a context drops the error code and throws.
        auto child = launcher(context.get_executor(), error, request.executable, request.arguments,
                              ChildSetup(null->get(), request.output, request.working_directory.c_str()));
        if (error) {
            if (launcher.pid > 0) ::waitpid(launcher.pid, nullptr, 0); // it has ended with _exit: no wait
            return system_failure("start " + request.executable, error.value());
        }
        const pid_t pid = child.id();
        child.detach();          // or its destructor kills
        return Pidfd::open(pid); // our own unreaped child: the number cannot be another's
    } catch (const std::exception& exception) {
        return failure("start " + request.executable + ": " + exception.what());
    }
}

} // namespace mpsup

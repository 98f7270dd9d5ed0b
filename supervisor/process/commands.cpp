#include "supervisor/process/commands.h"

#include "base/memfd.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

namespace mpsup {

namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

constexpr std::size_t output_limit = 64UL << 10;
constexpr std::size_t quoted_length = 200;
constexpr std::size_t block = 16UL << 10;
constexpr std::size_t longest_line = 8UL << 20;
constexpr auto to_die = std::chrono::seconds(1); // after SIGKILL; what is in state D is left to whoever reaps strays

// False: it still lives after so long. The descriptor is taken out of Asio's epoll by release(): closing it alone leaves it there,
// because ours is of the same open file, and then somebody else is woken for it.
asio::awaitable<bool> ends_within(const Pidfd& pidfd, std::chrono::milliseconds time) {
    const auto executor = co_await asio::this_coro::executor;
    Fd copy(::fcntl(pidfd.fd(), F_DUPFD_CLOEXEC, 3));
    if (!copy) co_return pidfd.ended();
    const auto descriptor = std::make_shared<asio::posix::stream_descriptor>(executor, copy.release());
    const auto until = Clock::now() + time;
    asio::steady_timer deadline(executor, until);
    deadline.async_wait([descriptor](const boost::system::error_code& cancelled) { // it may run after we are done
        boost::system::error_code closed;
        if (!cancelled) descriptor->cancel(closed);
    });
    while (!pidfd.ended() && Clock::now() < until) {
        boost::system::error_code error;
        co_await descriptor->async_wait(asio::posix::stream_descriptor::wait_read,
                                        asio::redirect_error(asio::use_awaitable, error));
    }
    deadline.cancel();
    const Fd closed(descriptor->release());
    co_return pidfd.ended();
}

// All of its session that stayed in its process group. Its number is its own: it has not been reaped yet.
void kill_group(const Pidfd& pidfd) {
    ::kill(-pidfd.pid(), SIGKILL);
    (void)pidfd.send_signal(SIGKILL);
}

// What is there, and whether there is more to come. Gives up after a while without any.
asio::awaitable<bool> read_for_a_while(const std::shared_ptr<asio::posix::stream_descriptor>& pipe,
                                       std::string& pending) {
    constexpr auto a_while = std::chrono::milliseconds(500);
    std::array<char, block> bytes{};
    asio::steady_timer deadline(co_await asio::this_coro::executor, a_while);
    deadline.async_wait([pipe](const boost::system::error_code& cancelled) { // it may run after we are done
        boost::system::error_code closed;
        if (!cancelled) pipe->cancel(closed);
    });
    boost::system::error_code error;
    const std::size_t got =
        co_await pipe->async_read_some(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
    deadline.cancel();
    pending.append(bytes.data(), got);
    co_return !error || error == asio::error::operation_aborted;
}

// False: no more is wanted.
asio::awaitable<bool> hand_on(std::string& pending, const OnCommandLine& on_line) {
    std::size_t begin = 0;
    for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n', begin)) {
        const bool more = co_await on_line(pending.substr(begin, end - begin));
        if (!more) co_return false;
        begin = end + 1;
    }
    if (begin == 0) { // not a whole line came
        const bool more = co_await on_line(std::string());
        if (!more) co_return false;
    }
    pending.erase(0, begin);
    co_return pending.size() <= longest_line;
}

std::string last_line(int output) {
    std::array<char, quoted_length> tail{};
    const off_t end = ::lseek(output, 0, SEEK_CUR); // shared with whoever wrote
    const off_t from = std::max<off_t>(0, end - static_cast<off_t>(tail.size()));
    const ssize_t got = ::pread(output, tail.data(), static_cast<std::size_t>(end - from), from);
    std::string text(tail.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    while (text.ends_with('\n') || text.ends_with(' ')) text.pop_back();
    text.erase(0, text.rfind('\n') + 1);
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
    return text;
}

} // namespace

Result<Pidfd> Commands::start(Command& command, int output) {
    SpawnRequest request;
    request.executable = command.words.front();
    request.arguments.assign(command.words.begin() + 1, command.words.end());
    request.environment = std::move(command.environment);
    request.working_directory = "/";
    request.output = output;
    auto pidfd = spawner_.spawn(request);
    if (pidfd) running_.insert(pidfd->pid());
    return pidfd;
}

asio::awaitable<ExitStatus> Commands::end(const Pidfd& pidfd, bool is_ending) {
    if (!is_ending) {
        kill_group(pidfd);
        (void)co_await ends_within(pidfd, to_die);
    }
    const auto status = pidfd.reap();
    running_.erase(pidfd.pid());
    co_return status.value_or(ExitStatus::unknown());
}

asio::awaitable<CommandEnd> Commands::run(Command command) {
    const auto output = make_sealed_memfd("mpsup-output", output_limit);
    if (!output) co_return CommandEnd{false, "could not be started: " + output.error().to_string()};
    const auto pidfd = start(command, output->get());
    if (!pidfd) co_return CommandEnd{false, "could not be started: " + pidfd.error().to_string()};
    const bool in_time = co_await ends_within(*pidfd, command.timeout);
    const ExitStatus status = co_await end(*pidfd, in_time);
    if (in_time && status.success()) co_return CommandEnd{true, {}};
    const std::string line = last_line(output->get());
    std::string why = !in_time ? "took longer than " + std::to_string(command.timeout.count()) + " ms and was killed"
                               : status.to_string();
    co_return CommandEnd{false, why + (line.empty() ? "" : ": " + line)};
}

asio::awaitable<CommandEnd> Commands::read(Command command, OnCommandLine on_line) {
    auto pipe = make_pipe();
    if (!pipe) co_return CommandEnd{false, "could not be started: " + pipe.error().to_string()};
    const auto pidfd = start(command, pipe->write.get());
    if (!pidfd) co_return CommandEnd{false, "could not be started: " + pidfd.error().to_string()};
    pipe->write.reset();
    const auto executor = co_await asio::this_coro::executor;
    const auto output = std::make_shared<asio::posix::stream_descriptor>(executor, pipe->read.release());
    std::string pending;
    bool is_open = true;
    bool is_wanted = true;
    std::exception_ptr thrown;
    try {
        while (is_open && is_wanted) {
            is_open = co_await read_for_a_while(output, pending);
            is_wanted = co_await hand_on(pending, on_line);
        }
    } catch (...) {
        thrown = std::current_exception(); // the program is ours to end first
    }
    bool is_ending = false;
    if (!is_open) {
        is_ending = co_await ends_within(*pidfd, to_die);
    }
    const ExitStatus status = co_await end(*pidfd, is_ending);
    if (thrown) std::rethrow_exception(thrown);
    if (!is_wanted || status.success()) co_return CommandEnd{true, {}};
    co_return CommandEnd{false, status.to_string()};
}

} // namespace mpsup

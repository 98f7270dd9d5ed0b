#include "worker/contract/session.h"

#include "base/listener.h"
#include "base/process_identity.h"

#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <poll.h>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

namespace mpsup::contract {

Result<CommandLine> CommandLine::parse(int argc, const char* const* argv) {
    CommandLine line;
    for (int i = 1; i < argc; i += 2) {
        const std::string_view key = argv[i];
        if (i + 1 == argc) return failure("no value after " + std::string(key));
        const std::string_view value = argv[i + 1];
        if (key == "--contract")
            line.contract_path = value;
        else if (key == "--site")
            line.identity.site = value;
        else if (key == "--worker")
            line.identity.worker = value;
        else if (key == "--uuid")
            line.identity.uuid = value;
        else if (key == "--role" && (value == "light" || value == "master"))
            line.role = value == "light" ? Role::light : Role::master;
        else if (key == "--generation") {
            const auto [end, error] =
                std::from_chars(value.data(), value.data() + value.size(), line.identity.generation);
            if (error != std::errc{} || end != value.data() + value.size())
                return failure("bad --generation " + std::string(value));
        } else
            return failure("unknown option " + std::string(key));
    }
    if (line.contract_path.empty() || line.identity.uuid.empty())
        return failure("this program is started by mpsup, not by hand: see `mpsup up --help`");
    return line;
}

std::vector<std::string> CommandLine::to_arguments() const {
    return {"--site",        identity.site,  "--worker",
            identity.worker, "--generation", std::to_string(identity.generation),
            "--uuid",        identity.uuid,  "--contract",
            contract_path,   "--role",       role == Role::light ? "light" : "master"};
}

Result<Session> Session::open(const CommandLine& command_line, Role role) {
    return come_back(command_line, role, {.stage = Stage::fresh, .public_listeners = {}});
}

Result<Session> Session::come_back(const CommandLine& command_line, Role role, const Return& with) {
    // Who serves does not wait in a crowd; who is fresh has nothing better to do.
    const int flags = with.stage == Stage::fresh ? 0 : SOCK_NONBLOCK;
    auto socket = connect_unix(command_line.contract_path, SOCK_SEQPACKET, flags);
    if (!socket) return std::unexpected(socket.error());
    const auto start_time = process_start_time(::getpid());
    if (!start_time) return std::unexpected(start_time.error());
    Hello hello{version,       role,       command_line.identity, ::getpid(), *start_time,
                MPSUP_VERSION, with.stage, with.wanted,           {}};
    std::vector<int> fds = with.public_listeners;
    hello.fds.assign(fds.size(), FdRole::public_listener);
    if (with.scoreboard >= 0) {
        hello.fds.push_back(FdRole::scoreboard);
        fds.push_back(with.scoreboard);
    }
    if (with.cache >= 0) {
        hello.fds.push_back(FdRole::cache);
        fds.push_back(with.cache);
    }
    Session session(std::move(*socket));
    if (auto sent = session.send(hello, fds); !sent) return std::unexpected(sent.error());
    return session;
}

Result<std::pair<Go, std::vector<Fd>>> Session::wait_for_go(std::chrono::milliseconds deadline) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    for (;;) {
        auto received = receive();
        if (received) {
            auto* go = std::get_if<Go>(&received->message);
            if (!go) return failure("the supervisor said something else before go");
            if (go->fds.size() != received->fds.size()) return failure("go with missing descriptors");
            return std::pair{std::move(*go), std::move(received->fds)};
        }
        if (received.error().code.value() != EAGAIN) return std::unexpected(received.error());
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        if (left.count() <= 0) return system_failure("wait for go", ETIMEDOUT);
        pollfd entry{socket_.get(), POLLIN, 0};
        ::poll(&entry, 1, static_cast<int>(left.count()));
    }
}

Result<Received> Session::receive() {
    auto packet = receive_packet(socket_.get());
    if (!packet) return std::unexpected(packet.error());
    auto message = decode(packet->bytes);
    if (!message) return std::unexpected(message.error());
    return Received{std::move(*message), std::move(packet->fds)};
}

namespace {

// It will be heard later: the socket is full, or too many descriptors are on their way at once (ETOOMANYREFS, unix(7)).
bool is_for_now(const Error& error) {
    const int code = error.code.value();
    return code == EAGAIN || code == ETOOMANYREFS || code == ENOBUFS || code == ENOMEM;
}

} // namespace

Result<> Session::send(const Message& message, std::span<const int> fds) {
    std::string bytes = encode(message);
    if (!waiting_.empty()) return keep(std::move(bytes), fds);
    auto sent = send_packet(socket_.get(), bytes, fds);
    if (!sent && is_for_now(sent.error())) return keep(std::move(bytes), fds);
    return sent;
}

Result<> Session::keep(std::string bytes, std::span<const int> fds) {
    if (waiting_.size() >= most_waiting) return system_failure("send to the supervisor", ENOBUFS);
    Waiting waiting{std::move(bytes), {}};
    for (const int fd : fds) {
        Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
        if (!copy) return system_failure("keep a descriptor for the supervisor");
        waiting.fds.push_back(std::move(copy));
    }
    waiting_.push_back(std::move(waiting));
    return {};
}

bool Session::flush() {
    bool any = false;
    while (!waiting_.empty()) {
        std::vector<int> fds;
        for (const Fd& fd : waiting_.front().fds) fds.push_back(fd.get());
        const auto sent = send_packet(socket_.get(), waiting_.front().bytes, fds);
        if (!sent && is_for_now(sent.error())) return any;
        waiting_.pop_front(); // or it can never be sent: who reads from the socket sees why
        any = true;
    }
    return any;
}

} // namespace mpsup::contract

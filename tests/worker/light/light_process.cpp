#include "tests/worker/light/light_process.h"

#include "base/listener.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mpsup::static_files {

namespace {

constexpr int patience_ms = 10'000;

bool readable(int fd) {
    pollfd entry{fd, POLLIN, 0};
    return ::poll(&entry, 1, patience_ms) == 1;
}

// base/listener takes ports from 1 up; tests let the kernel choose.
Fd listen_anywhere(std::uint16_t& port) {
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&name), size) != 0 || ::listen(fd.get(), 128) != 0) return {};
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&name), &size);
    port = ntohs(name.sin_port);
    return fd;
}

} // namespace

void Client::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count <= 0) return; // the server may have hung up: what it said is to be read
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

void Client::stop_sending() { ::shutdown(socket_.get(), SHUT_WR); }

bool Client::read_some() {
    std::array<char, 65536> block{};
    if (!readable(socket_.get())) return trouble_ = "[silence]", false;
    const ssize_t count = ::recv(socket_.get(), block.data(), block.size(), 0);
    if (count < 0) trouble_ = "[reset]";
    if (count <= 0) return false;
    buffer_.append(block.data(), static_cast<std::size_t>(count));
    return true;
}

std::string Client::read_reply(bool is_head) {
    std::size_t end = std::string::npos;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
        if (!read_some()) return {};
    std::size_t size = end + 4;
    constexpr std::string_view name = "Content-Length: ";
    if (const std::size_t at = buffer_.find(name); at < end && !is_head)
        size += std::stoul(buffer_.substr(at + name.size()));
    while (buffer_.size() < size)
        if (!read_some()) break;
    std::string reply = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return reply;
}

std::string Client::read_all() {
    while (read_some()) {
    }
    return std::exchange(buffer_, {}) + trouble_;
}

LightProcess::LightProcess(const std::string& root, const Options& options) {
    contract_listener_ = std::move(*listen_unix(run_.path("contract"), SOCK_SEQPACKET, 0700));
    public_ = listen_anywhere(port_);
    private_ = std::move(*listen_unix(run_.path("private"), SOCK_STREAM, 0700));
    spawn(options);
    if (pid_ < 0 || !readable(contract_listener_.get())) return;
    connection_.reset(::accept4(contract_listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    auto hello = hear();
    if (!hello || !std::holds_alternative<contract::Hello>(hello->first)) return;
    hello_ = std::get<contract::Hello>(hello->first);
    contract::Go go;
    if (options.front) {
        go.kind = contract::WorkerKind::accelerator;
        go.front = *options.front;
    } else {
        contract::Files& files = go.front.routes.emplace_back().files;
        files.root = root;
        files.serves = options.serves;
    }
    go.grace = options.grace;
    go.fds = {contract::FdRole::public_listener, contract::FdRole::private_listener, contract::FdRole::access_log};
    const auto log = open_file(run_.path("access.log"), O_WRONLY | O_CREAT | O_APPEND);
    const int fds[] = {public_.get(), private_.get(), log->get()};
    if (!send_packet(connection_.get(), contract::encode(go), fds)) return;
    auto ready = hear();
    if (!ready || !std::holds_alternative<contract::Ready>(ready->first) || ready->second.size() != 1) return;
    if (auto reader = contract::ScoreboardReader::open(ready->second[0].get())) scoreboard_ = std::move(*reader);
    if (options.serve) say(contract::Serve{});
}

std::optional<contract::Hello> LightProcess::comes_back() {
    if (!readable(contract_listener_.get())) return std::nullopt;
    connection_.reset(::accept4(contract_listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    auto hello = hear();
    if (!hello || !std::holds_alternative<contract::Hello>(hello->first)) return std::nullopt;
    handed_back_ = std::move(hello->second);
    return std::get<contract::Hello>(hello->first);
}

LightProcess::~LightProcess() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

void LightProcess::spawn(const Options& options) {
    std::vector<std::string> arguments{MPSUP_LIGHT,          "--site", "test",   "--worker", "docs",
                                       "--generation",       "1",      "--uuid", "u-1",      "--contract",
                                       run_.path("contract")};
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    if (::posix_spawn(&pid_, MPSUP_LIGHT, nullptr, nullptr, argv.data(), environ) != 0) pid_ = -1;
    // It raises its own limit as far as it may, but not before it is told to go.
    const rlimit low{options.descriptors, options.descriptors};
    if (pid_ > 0 && options.descriptors > 0) ::prlimit(pid_, RLIMIT_NOFILE, &low, nullptr);
}

std::optional<std::pair<contract::Message, std::vector<Fd>>> LightProcess::hear() {
    if (!readable(connection_.get())) return std::nullopt;
    auto packet = receive_packet(connection_.get());
    if (!packet) return std::nullopt;
    auto message = contract::decode(packet->bytes);
    if (!message) return std::nullopt;
    return std::pair{std::move(*message), std::move(packet->fds)};
}

void LightProcess::say(const contract::Message& message) {
    static_cast<void>(send_packet(connection_.get(), contract::encode(message)));
}

std::string LightProcess::ask(const contract::Question& question) {
    say(contract::Ask{1, contract::encode_question(question)});
    const auto heard = hear();
    const auto* answer = heard ? std::get_if<contract::Answer>(&heard->first) : nullptr;
    return answer ? answer->text : std::string();
}

Client LightProcess::connect() const {
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port_);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) fd.reset();
    return Client(std::move(fd));
}

Client LightProcess::connect_private() const {
    auto fd = connect_unix(run_.path("private"), SOCK_STREAM);
    return Client(fd ? std::move(*fd) : Fd());
}

void LightProcess::signal(int number) const { ::kill(pid_, number); }

std::optional<int> LightProcess::wait_for_exit() {
    const Fd exited(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    if (!readable(exited.get())) return std::nullopt;
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string LightProcess::access_log() const { return read_file(run_.path("access.log"), 1U << 20U).value_or(""); }

} // namespace mpsup::static_files

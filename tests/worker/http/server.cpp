#include "tests/worker/http/server.h"

#include <array>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mpsup::http {

namespace {

constexpr int patience_ms = 10'000;

} // namespace

TestClient::TestClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
}

TestClient& TestClient::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count <= 0) break; // the server hung up: what it said is to be read
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return *this;
}

std::size_t TestClient::try_send(std::string_view bytes) {
    const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

void TestClient::stop_sending() { ::shutdown(socket_.get(), SHUT_WR); }

bool TestClient::receive() {
    std::array<char, 65536> block; // NOLINT: filled by recv
    pollfd entry{socket_.get(), POLLIN, 0};
    if (::poll(&entry, 1, patience_ms) != 1)
        return ADD_FAILURE() << "silence after " << received_.substr(0, 1000), false;
    const ssize_t count = ::recv(socket_.get(), block.data(), block.size(), 0);
    reset_ = count < 0;
    if (count > 0) received_.append(block.data(), static_cast<std::size_t>(count));
    return count > 0;
}

std::string TestClient::read_until(std::string_view end) {
    std::size_t at = 0;
    while ((at = received_.find(end)) == std::string::npos)
        if (!receive()) return std::exchange(received_, {}) + (reset_ ? "[reset]" : "[end]");
    std::string text = received_.substr(0, at + end.size());
    received_.erase(0, text.size());
    return text;
}

std::string TestClient::read_all() {
    while (receive()) {
    }
    return std::exchange(received_, {}) + (reset_ ? "[reset]" : "");
}

std::string TestClient::read_some(std::size_t size) {
    std::string text(size, '\0');
    const ssize_t count = ::recv(socket_.get(), text.data(), size, 0);
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
}

Handler::Verdict TestHandler::begin(const Request& request, const Client&, LogNotes&, Reply& reply) {
    if (paths_.contains(request.path)) return Verdict::later;
    reply.add("Content-Type", "text/plain");
    reply.text = "at once\n";
    return Verdict::answered;
}

Fd listen_anywhere(std::uint16_t& port) {
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&name), size), 0);
    EXPECT_EQ(::listen(fd.get(), 1024), 0);
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&name), &size);
    port = ntohs(name.sin_port);
    return fd;
}

TestServer::TestServer(std::span<Handler* const> handlers, const EventServer::Options& options,
                       ListenerOptions listener, const Prepare& prepare) {
    std::string pattern = "/tmp/mpsup-log-XXXXXX";
    log_file_.reset(::mkostemp(pattern.data(), O_CLOEXEC | O_APPEND));
    ::unlink(pattern.c_str());
    server_ = std::make_unique<EventServer>(options, handlers, log_file_.duplicate().value(), scoreboard_);
    EXPECT_TRUE(server_->listen(listen_anywhere(port_), std::move(listener)));
    if (prepare) prepare(*server_);
    thread_ = std::thread([this] { server_->run(); });
}

void TestServer::drain(std::chrono::milliseconds grace) {
    server_->post([this, grace] { server_->drain(grace); });
}

void TestServer::stop() {
    if (!thread_.joinable()) return;
    drain(std::chrono::milliseconds(0));
    wait();
}

void TestServer::wait() {
    thread_.join();
    server_.reset();
}

std::string TestServer::log() const {
    std::string text(1 << 20, '\0');
    const ssize_t count = ::pread(log_file_.get(), text.data(), text.size(), 0);
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
}

bool TestServer::logs(std::string_view text) const {
    const auto end = Clock::now() + std::chrono::milliseconds(patience_ms);
    while (!log().contains(text) && Clock::now() < end) std::this_thread::yield();
    return log().contains(text);
}

} // namespace mpsup::http

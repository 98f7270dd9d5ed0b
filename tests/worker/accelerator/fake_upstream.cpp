#include "tests/worker/accelerator/fake_upstream.h"

#include "base/listener.h"
#include "tests/worker/http/server.h"

#include <algorithm>
#include <array>
#include <poll.h>
#include <sys/socket.h>

namespace mpsup::accelerator {

namespace {

constexpr int patience_ms = 10'000;

bool readable(int fd, int patience) {
    pollfd entry{fd, POLLIN, 0};
    return ::poll(&entry, 1, patience) == 1;
}

// Bytes of content that the head announces; chunked content is looked for by its end.
std::size_t content_size(std::string_view head) {
    const std::size_t at = head.find("\r\nContent-Length: ");
    return at == std::string_view::npos ? 0 : std::stoul(std::string(head.substr(at + 18)));
}

} // namespace

bool Conversation::receive() {
    std::array<char, 65536> block; // NOLINT: filled by recv
    if (!readable(socket_.get(), patience_ms)) return false;
    const ssize_t count = ::recv(socket_.get(), block.data(), block.size(), 0);
    if (count > 0) received_.append(block.data(), static_cast<std::size_t>(count));
    return count > 0;
}

std::string Conversation::read_request() {
    std::size_t end = 0;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos)
        if (!receive()) return {};
    const std::size_t size = end + 4 + content_size(std::string_view(received_).substr(0, end));
    while (received_.size() < size)
        if (!receive()) return {};
    std::string request = received_.substr(0, size);
    received_.erase(0, size);
    return request;
}

bool Conversation::try_send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

Conversation& Conversation::send(std::string_view bytes) {
    static_cast<void>(try_send(bytes));
    return *this;
}

std::string Conversation::read_all() {
    while (receive()) {
    }
    return std::exchange(received_, {});
}

void Conversation::reset() {
    const linger now{1, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    socket_.reset();
}

FakeUpstream::FakeUpstream(const std::string& path, Script script) : script_(std::move(script)) {
    if (path.empty()) {
        std::uint16_t port = 0;
        listener_ = http::listen_anywhere(port);
        address_ = "127.0.0.1:" + std::to_string(port);
    } else {
        listener_ = std::move(*listen_unix(path, SOCK_STREAM, 0600));
        address_ = "unix:" + path;
    }
    acceptor_ = std::thread([this] { accept_all(); });
}

void FakeUpstream::accept_all() {
    while (!stopping_) {
        if (!readable(listener_.get(), 20)) continue;
        Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!socket) continue;
        ++connections_;
        threads_.emplace_back([this, held = std::move(socket)]() mutable {
            Conversation conversation(std::move(held));
            script_(conversation);
        });
    }
}

void FakeUpstream::stop() {
    if (!acceptor_.joinable()) return;
    stopping_ = true;
    acceptor_.join();
    listener_.reset();
    for (std::thread& thread : threads_) thread.join();
}

void FakeUpstream::note(const std::string& request) {
    const std::scoped_lock lock(mutex_);
    requests_.push_back(request);
}

std::vector<std::string> FakeUpstream::requests() {
    const std::scoped_lock lock(mutex_);
    return requests_;
}

std::string ok(std::string_view content, std::string_view fields) {
    return "HTTP/1.1 200 OK\r\n" + std::string(fields) + "Content-Length: " + std::to_string(content.size()) +
           "\r\n\r\n" + std::string(content);
}

} // namespace mpsup::accelerator

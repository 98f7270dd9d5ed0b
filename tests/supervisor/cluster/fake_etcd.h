// A server that says what a test has it say, in threads of its own.
#pragma once

#include "base/fd.h"
#include "base/listener.h"

#include <array>
#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <vector>

namespace mpsup::cluster {

inline std::string http_ok(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

inline std::string http_chunked(const std::string& status = "200 OK") {
    return "HTTP/1.1 " + status + "\r\nTransfer-Encoding: chunked\r\n\r\n";
}

inline std::string chunk(const std::string& text) {
    std::array<char, 24> size{};
    (void)std::snprintf(size.data(), size.size(), "%zx\r\n", text.size());
    return size.data() + text + "\r\n";
}

/// A refusal as etcd's gateway has it: in chunks, with a trailer.
inline std::string http_refused(const std::string& status, int code, const std::string& words) {
    return http_chunked(status) +
           chunk(R"({"error":")" + words + R"(","message":")" + words + R"(","code":)" + std::to_string(code) + "}") +
           "0\r\nGrpc-Trailer-Content-Type: application/grpc\r\n\r\n";
}

class FakeEtcd {
public:
    struct Asked {
        std::string path, head, body;
        [[nodiscard]] bool has(std::string_view field) const { return head.contains(field); }
    };
    /// One connection. It is closed when the script returns.
    class Conversation {
    public:
        explicit Conversation(int socket) : socket_(socket) {}
        /// The next request; nothing when the client ended it.
        std::optional<Asked> next() {
            const auto head_end = fill([this] { return text_.find("\r\n\r\n"); });
            if (!head_end) return std::nullopt;
            Asked asked;
            asked.head = text_.substr(0, *head_end + 2);
            asked.path = asked.head.substr(5, asked.head.find(' ', 5) - 5);
            const auto length = std::stoul(asked.head.substr(asked.head.find("Content-Length: ") + 16));
            const auto end = *head_end + 4 + length;
            if (!fill([&] { return text_.size() >= end ? end : std::string::npos; })) return std::nullopt;
            asked.body = text_.substr(*head_end + 4, length);
            text_.erase(0, end);
            return asked;
        }
        /// Is the client there?
        bool send(std::string_view text) const {
            while (!text.empty()) {
                const ssize_t sent = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
                if (sent <= 0) return false;
                text.remove_prefix(static_cast<std::size_t>(sent));
            }
            return true;
        }
        void wait_until_ended() {
            (void)fill([] { return std::string::npos; });
        }

    private:
        template <typename Found> std::optional<std::size_t> fill(Found found) {
            for (;;) {
                if (const std::size_t at = found(); at != std::string::npos) return at;
                std::array<char, 4096> block{};
                const ssize_t got = ::recv(socket_, block.data(), block.size(), 0);
                if (got <= 0) return std::nullopt;
                text_.append(block.data(), static_cast<std::size_t>(got));
            }
        }
        int socket_;
        std::string text_{};
    };
    using Script = std::function<void(Conversation&)>;
    /// Answers each request.
    using Reply = std::function<std::string(const Asked&)>;

    explicit FakeEtcd(Script script)
        : script_(std::move(script)),
          listener_(listen_tcp({"127.0.0.1", 0}).value()),
          stop_(make_pipe().value()),
          acceptor_([this] { accept_all(); }) {}
    explicit FakeEtcd(Reply reply)
        : FakeEtcd(Script([this, reply = std::move(reply)](Conversation& conversation) {
              while (const auto asked = conversation.next()) {
                  ++asked_;
                  conversation.send(reply(*asked));
              }
          })) {}
    ~FakeEtcd() {
        stop_.write.reset();
        acceptor_.join();
        {
            const std::lock_guard lock(mutex_);
            for (const Fd& socket : sockets_) ::shutdown(socket.get(), SHUT_RDWR);
        }
        for (std::thread& thread : threads_) thread.join();
    }
    FakeEtcd(const FakeEtcd&) = delete;
    FakeEtcd& operator=(const FakeEtcd&) = delete;

    [[nodiscard]] std::uint16_t port() const { return listening_address(listener_.get())->port; }
    [[nodiscard]] int connections() const { return connections_; }
    [[nodiscard]] int asked() const { return asked_; }

private:
    void accept_all() {
        for (;;) {
            std::array<pollfd, 2> wanted{{{listener_.get(), POLLIN, 0}, {stop_.read.get(), POLLIN, 0}}};
            (void)::poll(wanted.data(), wanted.size(), -1);
            if (wanted[1].revents != 0) return;
            Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!client) continue;
            ++connections_;
            const std::lock_guard lock(mutex_);
            const Fd& kept = sockets_.emplace_back(std::move(client));
            threads_.emplace_back([this, socket = kept.get()] {
                Conversation conversation(socket);
                script_(conversation);
                ::shutdown(socket, SHUT_RDWR);
            });
        }
    }

    std::atomic<int> connections_ = 0, asked_ = 0;
    Script script_;
    Fd listener_;
    Pipe stop_;
    std::mutex mutex_{};
    std::list<Fd> sockets_{};
    std::vector<std::thread> threads_{};
    std::thread acceptor_;
};

} // namespace mpsup::cluster

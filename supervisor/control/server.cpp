#include "supervisor/control/server.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <deque>
#include <sys/socket.h>
#include <unistd.h>

namespace mpsup {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Local = asio::local::stream_protocol;
using Stream = beast::basic_stream<Local, asio::any_io_executor>;

constexpr auto patience = std::chrono::seconds(10);
constexpr std::uint32_t header_limit = 16 * 1024;
constexpr std::uint64_t body_limit = 2 * 1024 * 1024;
constexpr std::size_t unsent_limit = 1024 * 1024; // of a stream whose client does not read
constexpr int client_limit = 64;

bool is_allowed(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
    return peer.uid == ::geteuid() || peer.uid == 0;
}

// What waits to be sent to one client, and a bell for the coroutine that sends it.
class Outbox final : public ControlAnswer {
public:
    explicit Outbox(const asio::any_io_executor& executor) : bell_(executor, asio::steady_timer::time_point::max()) {}

    void reply(int status, std::string json) override {
        status_ = status;
        streamed_ = false;
        push(std::move(json));
        close();
    }
    void line(std::string json) override { push(std::move(json) + "\n"); }

    void close() {
        closed_ = true;
        bell_.cancel();
    }
    void abandon() {
        abandoned_ = true;
        socket_ = -1;
        parts_.clear();
    }
    [[nodiscard]] bool is_sent() const override { return parts_.empty() && (waiting_ || abandoned_); }
    [[nodiscard]] int socket() const override { return socket_; }
    void set_socket(int socket) { socket_ = socket; }

    // The next part; empty at the end.
    asio::awaitable<std::string> next() {
        boost::system::error_code ignored; // the bell only ever rings by being cancelled
        waiting_ = true;
        while (parts_.empty() && !closed_)
            co_await bell_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        waiting_ = false;
        if (parts_.empty()) co_return std::string();
        std::string part = std::move(parts_.front());
        parts_.pop_front();
        unsent_ -= part.size();
        co_return part;
    }
    [[nodiscard]] int status() const { return status_; }
    [[nodiscard]] bool streamed() const { return streamed_; }

private:
    void push(std::string part) {
        if (abandoned_ || closed_ || unsent_ + part.size() > unsent_limit) return;
        unsent_ += part.size();
        parts_.push_back(std::move(part));
        bell_.cancel();
    }

    asio::steady_timer bell_;
    std::deque<std::string> parts_;
    std::size_t unsent_ = 0;
    int status_ = 200;
    bool streamed_ = true;
    bool closed_ = false;
    bool abandoned_ = false;
    bool waiting_ = false; // whoever sends has sent everything
    int socket_ = -1;
};

std::string chunk(const std::string& bytes) {
    std::array<char, 32> size{};
    std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
    return size.data() + bytes + "\r\n";
}

constexpr const char* last_chunk = "0\r\n\r\n";

http::response<http::string_body> whole(int status, std::string body) {
    http::response<http::string_body> response{static_cast<http::status>(status), 11};
    response.set(http::field::content_type, "application/json");
    response.set(http::field::connection, "close");
    response.body() = std::move(body);
    response.prepare_payload();
    return response;
}

asio::awaitable<bool> write_all(Stream& stream, std::string bytes) {
    boost::system::error_code error;
    stream.expires_after(patience);
    co_await asio::async_write(stream, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
    co_return !error;
}

asio::awaitable<void> send_stream(Stream& stream, Outbox& outbox, std::string first) {
    std::string head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n"
                       "Connection: close\r\n\r\n";
    bool open = co_await write_all(stream, std::move(head));
    for (std::string part = std::move(first); !part.empty() && open; part = co_await outbox.next())
        open = co_await write_all(stream, chunk(part));
    if (open) co_await write_all(stream, last_chunk);
}

} // namespace

class ControlServer::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(const asio::any_io_executor& executor, Fd listener, ControlHandler handler)
        : acceptor_(executor, Local(), listener.release()), pause_(executor), handler_(std::move(handler)) {}

    asio::awaitable<void> accept_loop() {
        auto self = shared_from_this();
        while (acceptor_.is_open()) {
            boost::system::error_code error;
            Local::socket socket(acceptor_.get_executor());
            co_await acceptor_.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
            if (error == asio::error::operation_aborted) co_return;
            if (error || clients_ >= client_limit) { // out of descriptors, or too many: let some end first
                pause_.expires_after(std::chrono::milliseconds(50));
                co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, error));
                continue;
            }
            if (!is_allowed(socket.native_handle())) continue;
            ++clients_;
            asio::co_spawn(acceptor_.get_executor(), serve(std::move(socket)),
                           [self](const std::exception_ptr&) { --self->clients_; });
        }
    }

    [[nodiscard]] int clients() const { return clients_; }

    void stop() {
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        pause_.cancel();
    }

private:
    asio::awaitable<void> serve(Local::socket socket) {
        auto self = shared_from_this();
        Stream stream(std::move(socket));
        stream.expires_after(patience);
        beast::flat_buffer buffer(header_limit + body_limit);
        http::request_parser<http::string_body> parser;
        parser.header_limit(header_limit);
        parser.body_limit(body_limit);
        boost::system::error_code error;
        co_await http::async_read(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
        if (error) co_return;
        auto message = parser.release();
        ControlRequest request{std::string(message.method_string()), std::string(message.target()),
                               std::move(message.body())};
        auto outbox = std::make_shared<Outbox>(acceptor_.get_executor());
        outbox->set_socket(stream.socket().native_handle());
        auto work = handler_(std::move(request), outbox);
        asio::co_spawn(acceptor_.get_executor(), std::move(work), [outbox](const std::exception_ptr& thrown) {
            if (thrown) outbox->reply(500, R"({"error":"internal error, see the supervisor's log"})");
            outbox->close();
        });
        std::string first = co_await outbox->next();
        if (outbox->streamed()) {
            co_await send_stream(stream, *outbox, std::move(first));
        } else {
            const auto response = whole(outbox->status(), std::move(first));
            stream.expires_after(patience);
            co_await http::async_write(stream, response, asio::redirect_error(asio::use_awaitable, error));
        }
        outbox->abandon();
    }

    Local::acceptor acceptor_;
    asio::steady_timer pause_;
    ControlHandler handler_;
    int clients_ = 0;
};

ControlServer::ControlServer(const asio::any_io_executor& executor, Fd listener, ControlHandler handler)
    : impl_(std::make_shared<Impl>(executor, std::move(listener), std::move(handler))) {
    auto impl = impl_;
    asio::co_spawn(executor, impl->accept_loop(), [impl](const std::exception_ptr&) {});
}

ControlServer::~ControlServer() {
    if (impl_) impl_->stop();
}
ControlServer::ControlServer(ControlServer&&) noexcept = default;
ControlServer& ControlServer::operator=(ControlServer&&) noexcept = default;

int ControlServer::clients() const { return impl_->clients(); }

std::string last_of_stream(const std::string& json) { return chunk(json + "\n") + last_chunk; }

} // namespace mpsup

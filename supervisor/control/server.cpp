#include "supervisor/control/server.h"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http.hpp>

#include <array>
#include <deque>
#include <optional>
#include <sys/socket.h>
#include <unistd.h>

namespace mpsup {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Protocol = asio::generic::stream_protocol; // unix or TCP
using Acceptor = asio::basic_socket_acceptor<Protocol>;

constexpr auto patience = std::chrono::seconds(10);
constexpr auto patience_with_readers = std::chrono::minutes(10); // who reads in a pager, and whom somebody waits for
constexpr std::uint32_t header_limit = 16 * 1024;
constexpr std::uint64_t body_limit = 2 * 1024 * 1024;
constexpr std::size_t unsent_limit = 1024 * 1024; // of a stream whose client does not read
constexpr std::size_t unsent_usual = 64 * 1024;   // of one whose writer waits for its client
constexpr std::size_t block = 16 * 1024;
constexpr int client_limit = 64;

Channel::Deadline within(std::chrono::seconds time) { return Channel::Clock::now() + time; }

bool is_own_user(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
    return peer.uid == ::geteuid() || peer.uid == 0;
}

// What waits to be sent to one client, and a bell for the coroutine that sends it.
class Outbox final : public ControlAnswer {
public:
    explicit Outbox(const asio::any_io_executor& executor)
        : bell_(executor, asio::steady_timer::time_point::max()),
          room_(executor, asio::steady_timer::time_point::max()) {}

    void reply(int status, std::string json) override {
        status_ = status;
        streamed_ = false;
        push(std::move(json));
        close();
    }
    void line(std::string json) override {
        if (unsent_ + json.size() <= unsent_limit) push(std::move(json) + "\n");
    }
    Taken taken() override {
        is_awaited_ = true;
        boost::system::error_code ignored; // as of the bell
        while (unsent_ > unsent_usual && !abandoned_)
            co_await room_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        co_return !abandoned_;
    }

    void close() {
        closed_ = true;
        bell_.cancel();
    }
    void abandon() {
        abandoned_ = true;
        socket_ = -1;
        parts_.clear();
        room_.cancel();
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
        room_.cancel();
        co_return part;
    }
    [[nodiscard]] int status() const { return status_; }
    [[nodiscard]] std::chrono::seconds patience_of_writes() const {
        return is_awaited_ ? patience_with_readers : patience;
    }
    [[nodiscard]] bool streamed() const { return streamed_; }

private:
    void push(std::string part) {
        if (abandoned_ || closed_) return;
        unsent_ += part.size();
        parts_.push_back(std::move(part));
        bell_.cancel();
    }

    asio::steady_timer bell_;
    asio::steady_timer room_; // for whoever has more to say
    std::deque<std::string> parts_;
    std::size_t unsent_ = 0;
    int status_ = 200;
    bool streamed_ = true;
    bool is_awaited_ = false; // whoever writes waits for the client
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

std::string whole(int status, const std::string& body) {
    const std::string reason(http::obsolete_reason(static_cast<http::status>(status)));
    return "HTTP/1.1 " + std::to_string(status) + " " + reason +
           "\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

// Nothing: it did not come, or is none.
asio::awaitable<std::optional<ControlRequest>> read_request(Channel& channel, std::uint64_t longest_body) {
    const auto deadline = within(patience);
    http::request_parser<http::string_body> parser;
    parser.header_limit(header_limit);
    parser.body_limit(longest_body);
    parser.eager(true);
    std::string unread;
    while (!parser.is_done()) {
        const std::size_t kept = unread.size();
        unread.resize(kept + block);
        const auto got = co_await channel.read(std::span(unread).subspan(kept), deadline);
        if (!got || *got == 0) co_return std::nullopt;
        unread.resize(kept + *got);
        boost::system::error_code error;
        for (std::size_t used = 1; used > 0 && !error && !parser.is_done(); unread.erase(0, used))
            used = parser.put(asio::buffer(unread), error);
        if (error && error != http::error::need_more) co_return std::nullopt;
    }
    auto message = parser.release();
    co_return ControlRequest{std::string(message.method_string()), std::string(message.target()),
                             std::move(message.body())};
}

asio::awaitable<void> send_stream(Channel& channel, Outbox& outbox, std::string first) {
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n"
                             "Connection: close\r\n\r\n";
    Result<> sent = co_await channel.write(head, within(patience));
    for (std::string part = std::move(first); !part.empty() && sent; part = co_await outbox.next()) {
        const std::string framed = chunk(part);
        sent = co_await channel.write(framed, within(outbox.patience_of_writes()));
    }
    if (sent) sent = co_await channel.write(last_chunk, within(patience)); // a client that is gone is no error
}

} // namespace

class ControlServer::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(const asio::any_io_executor& executor, ControlDoor door, ControlHandler handler)
        : acceptor_(acceptor_on(executor, std::move(door.listener))),
          pause_(executor),
          admits_(door.admits ? std::move(door.admits) : is_own_user),
          meet_(std::move(door.meet)),
          only_reads_(door.only_reads),
          handler_(std::move(handler)) {}

    asio::awaitable<void> accept_loop() {
        auto self = shared_from_this();
        while (acceptor_.is_open()) {
            boost::system::error_code error;
            Protocol::socket socket(acceptor_.get_executor());
            co_await acceptor_.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
            if (error == asio::error::operation_aborted) co_return;
            if (error) { // out of descriptors: let some end first
                co_await pause();
                continue;
            }
            if (!admits_(socket.native_handle())) {
                ++turned_away_;
                continue;
            }
            ++clients_;
            asio::co_spawn(acceptor_.get_executor(), serve(Fd(socket.release(error))),
                           [self](const std::exception_ptr&) { --self->clients_; });
            while (clients_ >= client_limit && acceptor_.is_open()) co_await pause();
        }
    }

    [[nodiscard]] int clients() const { return clients_; }
    [[nodiscard]] std::uint64_t turned_away() const { return turned_away_; }

    void stop() {
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        pause_.cancel();
    }

private:
    static Acceptor acceptor_on(const asio::any_io_executor& executor, Fd listener) {
        int family = AF_UNIX;
        socklen_t size = sizeof family;
        (void)::getsockopt(listener.get(), SOL_SOCKET, SO_DOMAIN, &family, &size);
        return {executor, Protocol(family, 0), listener.release()};
    }

    asio::awaitable<void> pause() {
        boost::system::error_code ignored; // it rings, or we are stopped
        pause_.expires_after(std::chrono::milliseconds(50));
        co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }

    asio::awaitable<void> serve(Fd accepted) {
        auto self = shared_from_this();
        Channel channel(acceptor_.get_executor(), std::move(accepted));
        if (meet_) {
            const bool is_known = co_await meet_(channel);
            if (!is_known) ++turned_away_;
            if (!is_known) co_return;
        }
        auto request = co_await read_request(channel, only_reads_ ? 0 : body_limit);
        if (!request) co_return;
        auto outbox = std::make_shared<Outbox>(acceptor_.get_executor());
        outbox->set_socket(channel.socket());
        handle(std::move(*request), outbox);
        std::string first = co_await outbox->next();
        if (outbox->streamed()) {
            co_await send_stream(channel, *outbox, std::move(first));
        } else {
            const std::string answer = whole(outbox->status(), first);
            (void)co_await channel.write(answer, within(patience)); // whoever does not take it is let go
        }
        outbox->abandon();
    }

    void handle(ControlRequest request, const std::shared_ptr<Outbox>& outbox) {
        if (only_reads_ && request.method != "GET")
            return outbox->reply(405, R"({"error":"here is nothing but to be read"})");
        asio::co_spawn(acceptor_.get_executor(), handler_(std::move(request), outbox),
                       [outbox](const std::exception_ptr& thrown) {
                           if (thrown) outbox->reply(500, R"({"error":"internal error, see the supervisor's log"})");
                           outbox->close();
                       });
    }

    Acceptor acceptor_;
    asio::steady_timer pause_;
    std::function<bool(int)> admits_;
    std::function<asio::awaitable<bool>(Channel&)> meet_;
    bool only_reads_;
    ControlHandler handler_;
    int clients_ = 0;
    std::uint64_t turned_away_ = 0;
};

ControlServer::ControlServer(const asio::any_io_executor& executor, ControlDoor door, ControlHandler handler)
    : impl_(std::make_shared<Impl>(executor, std::move(door), std::move(handler))) {
    auto impl = impl_;
    asio::co_spawn(executor, impl->accept_loop(), [impl](const std::exception_ptr&) {});
}

ControlServer::ControlServer(const asio::any_io_executor& executor, Fd listener, ControlHandler handler)
    : ControlServer(executor, ControlDoor{std::move(listener)}, std::move(handler)) {}

ControlServer::~ControlServer() {
    if (impl_) impl_->stop();
}
ControlServer::ControlServer(ControlServer&&) noexcept = default;
ControlServer& ControlServer::operator=(ControlServer&&) noexcept = default;

int ControlServer::clients() const { return impl_->clients(); }

std::uint64_t ControlServer::turned_away() const { return impl_->turned_away(); }

std::string last_of_stream(const std::string& json) { return chunk(json + "\n") + last_chunk; }

} // namespace mpsup

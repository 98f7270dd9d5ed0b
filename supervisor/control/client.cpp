#include "supervisor/control/client.h"

#include "base/listener.h"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <cerrno>
#include <optional>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mpsup {

namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using Clock = std::chrono::steady_clock;

constexpr std::size_t block = 16384;
constexpr std::uint64_t answer_limit = 64 * 1024 * 1024; // a status of a thousand workers is well below

// A blocking stream with a deadline, as Beast's synchronous calls want one (SyncStream). It is all that is needed of
// a socket here, and starts faster than an io_context.
class Connection {
public:
    Connection(Fd fd, std::chrono::milliseconds timeout) : fd_(std::move(fd)) {
        if (timeout.count() > 0) deadline_ = Clock::now() + timeout;
    }

    template <typename Buffers> std::size_t read_some(const Buffers& buffers, boost::system::error_code& error) {
        const boost::asio::mutable_buffer buffer = *boost::asio::buffer_sequence_begin(buffers);
        if (!wait(POLLIN, error)) return 0;
        const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
        if (got > 0) return static_cast<std::size_t>(got);
        error = got == 0 ? boost::asio::error::eof : last_error();
        return 0;
    }
    template <typename Buffers> std::size_t read_some(const Buffers& buffers) {
        boost::system::error_code error;
        return read_some(buffers, error);
    }

    bool write_all(std::string_view bytes, boost::system::error_code& error) {
        while (!bytes.empty()) {
            if (!wait(POLLOUT, error)) return false;
            const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno == EINTR) continue;
            if (sent < 0) {
                error = last_error();
                return false;
            }
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

private:
    static boost::system::error_code last_error() { return {errno, boost::system::system_category()}; }

    bool wait(short events, boost::system::error_code& error) {
        for (;;) {
            int milliseconds = -1;
            if (deadline_) {
                const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - Clock::now());
                milliseconds = static_cast<int>(std::max<std::int64_t>(left.count(), 0));
            }
            pollfd entry{fd_.get(), events, 0};
            const int ready = ::poll(&entry, 1, milliseconds);
            if (ready > 0) return true;
            if (ready < 0 && errno == EINTR) continue;
            error = ready < 0 ? last_error() : boost::system::error_code(ETIMEDOUT, boost::system::system_category());
            return false;
        }
    }

    Fd fd_;
    std::optional<Clock::time_point> deadline_;
};

Error broken(const std::string& socket, const boost::system::error_code& error) {
    const bool has_ended = error == boost::asio::error::eof || error == http::error::end_of_stream ||
                           error == http::error::partial_message || error == boost::system::errc::broken_pipe;
    const std::error_code code = has_ended ? std::make_error_code(std::errc::connection_reset) : std::error_code(error);
    return {"talk to the supervisor at " + socket, code};
}

std::string request_text(std::string_view method, const std::string& path, const std::string& body) {
    std::string text = std::string(method) + " " + path + " HTTP/1.1\r\nHost: mpsup\r\nConnection: close\r\n";
    if (!body.empty())
        text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    return text + "\r\n" + body;
}

// Takes whole lines out of `pending`; false when no more are wanted.
bool deliver_lines(std::string& pending, const OnLine& on_line) {
    for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
        const std::string line = pending.substr(0, end);
        pending.erase(0, end + 1);
        if (!on_line(line)) return false;
    }
    return true;
}

// Reads the body of a reply piece by piece: lines to `on_line` when the reply is a stream, else into the result.
Result<ControlReply> read_reply(Connection& connection, const std::string& socket, const OnLine& on_line) {
    beast::flat_buffer buffer;
    http::response_parser<http::buffer_body> parser;
    if (on_line)
        parser.body_limit(boost::none); // a stream has no end, and its lines are not kept
    else
        parser.body_limit(answer_limit);
    boost::system::error_code error;
    http::read_header(connection, buffer, parser, error);
    if (error) return std::unexpected(broken(socket, error));
    ControlReply reply{static_cast<int>(parser.get().result_int()), {}};
    const bool streamed = on_line && parser.get()[http::field::content_type] == "application/x-ndjson";
    std::string piece(block, '\0');
    while (!parser.is_done()) {
        parser.get().body().data = piece.data();
        parser.get().body().size = piece.size();
        http::read_some(connection, buffer, parser, error);
        if (error == http::error::need_buffer) error = {};
        if (error) return std::unexpected(broken(socket, error));
        reply.body.append(piece.data(), piece.size() - parser.get().body().size);
        if (streamed && !deliver_lines(reply.body, on_line)) return reply;
        if (reply.body.size() > answer_limit) return failure("the supervisor's answer is too long");
    }
    return reply;
}

Result<ControlReply> exchange(const std::string& socket, const std::string& request, std::chrono::milliseconds timeout,
                              const OnLine& on_line) {
    auto fd = connect_unix(socket, SOCK_STREAM);
    if (!fd) return std::unexpected(fd.error());
    Connection connection(std::move(*fd), timeout);
    boost::system::error_code error;
    if (!connection.write_all(request, error)) return std::unexpected(broken(socket, error));
    return read_reply(connection, socket, on_line);
}

} // namespace

Result<> check_control_socket(const std::string& socket) {
    constexpr std::chrono::milliseconds patience{2000};
    const auto answer = control_get(socket, "/v1/version", patience);
    if (!answer && answer.error().code != std::errc::timed_out) return std::unexpected(answer.error());
    return {};
}

Result<ControlReply> control_get(const std::string& socket, const std::string& path,
                                 std::chrono::milliseconds timeout) {
    return exchange(socket, request_text("GET", path, {}), timeout, {});
}

Result<ControlReply> control_stream(const std::string& socket, const std::string& path,
                                    std::chrono::milliseconds timeout, const OnLine& on_line) {
    return exchange(socket, request_text("GET", path, {}), timeout, on_line);
}

Result<ControlReply> control_post(const std::string& socket, const std::string& path, const std::string& json,
                                  std::chrono::milliseconds timeout, const OnLine& on_line) {
    return exchange(socket, request_text("POST", path, json), timeout, on_line);
}

} // namespace mpsup

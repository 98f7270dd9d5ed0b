#include "worker/accelerator/upstream_connection.h"

#include "worker/http/socket_io.h"
#include "worker/http/tls_client.h"
#include "worker/http/tls_stream.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <utility>

namespace asio = boost::asio;

namespace mpsup::accelerator {

namespace {

using http::Task;
using http::TimePoint;
constexpr asio::use_awaitable_t<http::Executor> use_task;

constexpr std::chrono::seconds between_looks{1};

std::error_code from_errno(int error) noexcept { return {error, std::generic_category()}; }

} // namespace

struct UpstreamConnection::Socket {
    Socket(asio::io_context& context, int of) : stream(context), family(of) {}
    asio::basic_stream_socket<asio::generic::stream_protocol, http::Executor> stream;
    std::unique_ptr<http::TlsStream> tls;
    int family;
};

// A wait, known to the connection from its making to its end.
struct UpstreamConnection::Wait {
    Wait(Wait*& place, TimePoint until) noexcept : known(place), deadline(until) { known = this; }
    ~Wait() { known = nullptr; }
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;

    void expire(TimePoint now, bool is_silent) noexcept {
        if (is_silent)
            over = std::errc::host_unreachable;
        else if (deadline <= now)
            over = std::errc::timed_out;
    }
    [[nodiscard]] bool is_over() const noexcept { return over != std::errc{}; }
    // The kernel's own time is up when nobody answers it.
    [[nodiscard]] std::error_code result(const boost::system::error_code& error) const noexcept {
        if (is_over()) return std::make_error_code(over);
        return from_errno(error.value() == ETIMEDOUT ? EHOSTUNREACH : error.value());
    }

    Wait*& known;
    TimePoint deadline;
    std::errc over{}; // why it was ended
};

UpstreamConnection::UpstreamConnection(asio::io_context& context) : context_(context) {}
UpstreamConnection::~UpstreamConnection() = default;

int UpstreamConnection::descriptor() const noexcept { return socket_ ? socket_->stream.native_handle() : -1; }

void UpstreamConnection::close() noexcept { socket_.reset(); }

void UpstreamConnection::end_sending() noexcept {
    if (!socket_) return;
    if (socket_->tls) socket_->tls->end();
    ::shutdown(descriptor(), SHUT_WR);
}

std::string UpstreamConnection::problem() const {
    return socket_ && socket_->tls ? socket_->tls->problem() : std::string();
}

void UpstreamConnection::cancel() noexcept {
    cancelled_ = true;
    boost::system::error_code ignored;
    if (socket_) socket_->stream.cancel(ignored);
}

void UpstreamConnection::expire(TimePoint now) noexcept {
    const bool is_gone = is_silent(now);
    bool is_over = false;
    for (Wait* wait : {reading_, writing_}) {
        if (!wait) continue;
        wait->expire(now, is_gone);
        is_over = is_over || wait->is_over();
    }
    boost::system::error_code ignored;
    if (socket_ && is_over) socket_->stream.cancel(ignored);
}

// Not at each tick: that is a system call for each connection.
bool UpstreamConnection::is_silent(TimePoint now) noexcept {
    if (!socket_ || socket_->family == AF_UNIX || now - looked_at_ < between_looks) return false;
    const bool is_first = std::exchange(looked_at_, now) == TimePoint{}; // nothing is that old yet
    return !is_first && http::has_fallen_silent(descriptor());
}

void UpstreamConnection::hurry(TimePoint until) noexcept {
    if (reading_) reading_->deadline = std::min(reading_->deadline, until);
}

Task<std::error_code> UpstreamConnection::connect(const UpstreamAddress& address, TimePoint deadline) {
    if (cancelled_) co_return std::make_error_code(std::errc::operation_canceled);
    const int family = address.address.ss_family;
    Fd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) co_return from_errno(errno);
    if (!address.is_unix()) {
        const int on = 1;
        ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        http::watch_for_silence(fd.get());
    }
    const int connected = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.address), address.size);
    const int error = connected == 0 ? 0 : errno;
    if (error != 0 && error != EINPROGRESS) co_return from_errno(error);
    if (const auto refused = adopt(std::move(fd), family)) co_return refused;
    if (error == 0) co_return std::error_code{};
    if (const auto failed = co_await wait_writable(deadline)) co_return failed;
    int result = 0;
    socklen_t size = sizeof result;
    if (::getsockopt(descriptor(), SOL_SOCKET, SO_ERROR, &result, &size) != 0) result = errno;
    if (result != 0) co_return from_errno(result);
    // Who has waited for room once is told of it for ever (Asio leaves EPOLLOUT set): an event too many with each answer.
    boost::system::error_code ignored;
    co_return adopt(Fd(socket_->stream.release(ignored)), family);
}

std::error_code UpstreamConnection::adopt(Fd fd, int family) {
    auto socket = std::make_unique<Socket>(context_, family);
    boost::system::error_code refused;
    socket->stream.assign(asio::generic::stream_protocol(family, 0), fd.get(), refused);
    if (refused) return from_errno(refused.value());
    static_cast<void>(fd.release());
    socket_ = std::move(socket);
    return {};
}

Task<std::error_code> UpstreamConnection::secure(const UpstreamAddress& address, TimePoint deadline) {
    socket_->tls = std::make_unique<http::TlsStream>(address.tls->connect(address.ip), descriptor());
    for (;;) {
        const http::IoStatus status = socket_->tls->handshake();
        if (status == http::IoStatus::progress) co_return std::error_code{};
        if (status != http::IoStatus::blocked) co_return std::make_error_code(std::errc::protocol_error);
        if (const auto failed = co_await wait_for_tls(deadline)) co_return failed;
    }
}

Task<std::error_code> UpstreamConnection::wait_for_tls(TimePoint deadline) {
    return socket_->tls->wants_write() ? wait_writable(deadline) : wait_readable(deadline);
}

Task<std::error_code> UpstreamConnection::wait_readable(TimePoint deadline) {
    if (cancelled_) co_return std::make_error_code(std::errc::operation_canceled);
    const Wait wait(reading_, deadline);
    boost::system::error_code error;
    co_await socket_->stream.async_wait(asio::socket_base::wait_read, asio::redirect_error(use_task, error));
    co_return wait.result(error);
}

Task<std::error_code> UpstreamConnection::wait_writable(TimePoint deadline) {
    if (cancelled_) co_return std::make_error_code(std::errc::operation_canceled);
    const Wait wait(writing_, deadline);
    boost::system::error_code error;
    co_await socket_->stream.async_wait(asio::socket_base::wait_write, asio::redirect_error(use_task, error));
    co_return wait.result(error);
}

// Whichever happens first ends both: what can be read wakes the one that waits, and is told apart by poll(2) afterwards.
Task<std::error_code> UpstreamConnection::wait_writable_or_answer(TimePoint deadline) {
    const auto waiting = std::make_shared<bool>(true);
    socket_->stream.async_wait(asio::socket_base::wait_read, [this, waiting](const boost::system::error_code& error) {
        boost::system::error_code ignored;
        if (!error && *waiting) socket_->stream.cancel(ignored);
    });
    const std::error_code failed = co_await wait_writable(deadline);
    *waiting = false;
    boost::system::error_code ignored;
    socket_->stream.cancel(ignored);
    if (failed != std::errc::operation_canceled || cancelled_) co_return failed;
    pollfd state{descriptor(), POLLIN, 0};
    co_return ::poll(&state, 1, 0) > 0 ? std::make_error_code(std::errc::interrupted) : failed;
}

// Reading is begun before the request is sent: Asio tries at once, so whatever is there already shows in the buffer, and
// cannot be taken for the answer. An end shows afterwards only, as an answer without a byte; bytes that begin with a NUL
// are no answer either.
Task<std::error_code> UpstreamConnection::ask(std::string_view head, TimePoint deadline, std::function<void()> sent) {
    if (socket_->tls) co_return co_await ask_by_tls(head, deadline, std::move(sent));
    using Signature = void(boost::system::error_code, std::size_t);
    if (cancelled_) co_return std::make_error_code(std::errc::operation_canceled);
    const Wait wait(reading_, deadline);
    const std::span<char> space = reader_.input_space();
    bool is_sent = false;
    space.front() = '\0';
    boost::system::error_code error;
    asio::use_awaitable_t<http::Executor> task;
    auto token = asio::redirect_error(task, error);
    const auto begin = [&](auto handler) {
        socket_->stream.async_read_some(asio::buffer(space.data(), space.size()), std::move(handler));
        if (space.front() != '\0') return;
        const http::IoResult result = http::send_texts(descriptor(), head, {}, false);
        is_sent = result.status == http::IoStatus::failed || result.count == head.size();
        if (is_sent)
            sent();
        else
            cancel(); // a connection whose buffer has no room for a head is of no use
    };
    const std::size_t count = co_await asio::async_initiate<decltype(token), Signature>(begin, token);
    if (!is_sent) co_return std::make_error_code(std::errc::not_connected);
    if (error && error != asio::error::eof) co_return wait.result(error);
    if (error)
        reader_.received_end();
    else
        reader_.received(count);
    co_return std::error_code{};
}

Task<std::error_code> UpstreamConnection::ask_by_tls(std::string_view head, TimePoint deadline,
                                                     std::function<void()> sent) {
    if (cancelled_) co_return std::make_error_code(std::errc::operation_canceled);
    const http::IoResult before = socket_->tls->receive(reader_.input_space());
    if (before.status != http::IoStatus::blocked) co_return std::make_error_code(std::errc::not_connected);
    const std::error_code failed = co_await send(head, {}, deadline);
    if (failed == std::errc::interrupted) co_return std::error_code{}; // what it says is read next
    if (failed) co_return failed;
    sent();
    co_return co_await receive(deadline);
}

// What is written without waiting; without a text what lies in between.
http::IoResult UpstreamConnection::write(std::string_view first, std::string_view second) {
    const std::string_view texts[] = {first, second};
    if (!socket_->tls) return http::send_texts(descriptor(), texts, false);
    if (first.empty() && second.empty()) return {socket_->tls->flush(), 0};
    return socket_->tls->send(texts, false);
}

// Of what can be read some may be TLS's own.
bool UpstreamConnection::has_answer() {
    if (!socket_->tls) return true;
    const http::IoResult result = socket_->tls->receive(reader_.input_space());
    if (result.status == http::IoStatus::progress) reader_.received(result.count);
    return result.status != http::IoStatus::blocked;
}

Task<std::error_code> UpstreamConnection::send(std::string_view first, std::string_view second, TimePoint deadline) {
    for (bool lies_here = socket_->tls != nullptr; lies_here || !first.empty() || !second.empty();) {
        if (cancelled_) co_return std::make_error_code(std::errc::operation_canceled);
        const bool is_last = first.empty() && second.empty();
        const http::IoResult result = write(first, second);
        if (result.status == http::IoStatus::failed) co_return std::make_error_code(std::errc::interrupted);
        if (is_last && result.status == http::IoStatus::progress) lies_here = false;
        const std::size_t of_first = std::min(result.count, first.size());
        first.remove_prefix(of_first);
        second.remove_prefix(result.count - of_first);
        if (result.status != http::IoStatus::blocked) continue;
        const std::error_code failed = co_await wait_writable_or_answer(deadline);
        if (failed == std::errc::interrupted && !has_answer()) continue;
        if (failed) co_return failed;
    }
    co_return std::error_code{};
}

Task<std::error_code> UpstreamConnection::send_raw(std::string_view bytes, TimePoint deadline) {
    for (bool lies_here = socket_->tls != nullptr; lies_here || !bytes.empty();) {
        const bool is_last = bytes.empty();
        const http::IoResult result = write(bytes, {});
        if (result.status == http::IoStatus::failed) co_return std::make_error_code(std::errc::broken_pipe);
        if (is_last && result.status == http::IoStatus::progress) lies_here = false;
        bytes.remove_prefix(result.count);
        if (result.status != http::IoStatus::blocked) continue;
        if (const auto failed = co_await wait_writable(deadline)) co_return failed;
    }
    co_return std::error_code{};
}

Task<std::expected<std::size_t, std::error_code>> UpstreamConnection::receive_by_tls(std::span<char> space,
                                                                                     TimePoint deadline) {
    for (;;) {
        if (cancelled_) co_return std::unexpected(std::make_error_code(std::errc::operation_canceled));
        const http::IoResult result = socket_->tls->receive(space);
        if (result.status == http::IoStatus::progress) co_return result.count;
        if (result.status == http::IoStatus::ended) co_return std::size_t{0};
        if (result.status == http::IoStatus::failed)
            co_return std::unexpected(std::make_error_code(std::errc::connection_reset));
        if (const auto failed = co_await wait_for_tls(deadline)) co_return std::unexpected(failed);
    }
}

Task<std::error_code> UpstreamConnection::receive(TimePoint deadline) {
    if (cancelled_) co_return std::make_error_code(std::errc::operation_canceled);
    if (socket_->tls) {
        const auto got = co_await receive_by_tls(reader_.input_space(), deadline);
        if (!got) co_return got.error();
        if (*got > 0)
            reader_.received(*got);
        else
            reader_.received_end();
        co_return std::error_code{};
    }
    const Wait wait(reading_, deadline);
    const std::span<char> space = reader_.input_space();
    boost::system::error_code error;
    const std::size_t count = co_await socket_->stream.async_read_some(asio::buffer(space.data(), space.size()),
                                                                       asio::redirect_error(use_task, error));
    if (!error)
        reader_.received(count);
    else if (error == asio::error::eof)
        reader_.received_end();
    else
        co_return wait.result(error);
    co_return std::error_code{};
}

Task<std::expected<std::size_t, std::error_code>> UpstreamConnection::receive_raw(std::span<char> space,
                                                                                  TimePoint deadline) {
    if (socket_->tls) co_return co_await receive_by_tls(space, deadline);
    if (cancelled_) co_return std::unexpected(std::make_error_code(std::errc::operation_canceled));
    const Wait wait(reading_, deadline);
    boost::system::error_code error;
    const std::size_t count = co_await socket_->stream.async_read_some(asio::buffer(space.data(), space.size()),
                                                                       asio::redirect_error(use_task, error));
    if (!error) co_return count;
    if (error == asio::error::eof) co_return std::size_t{0};
    co_return std::unexpected(wait.result(error));
}

} // namespace mpsup::accelerator

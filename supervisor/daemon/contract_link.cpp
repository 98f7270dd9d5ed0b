#include "supervisor/daemon/contract_link.h"

#include "base/fd_passing.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cerrno>
#include <poll.h>
#include <utility>

namespace mpsup {

namespace asio = boost::asio;

namespace {

bool is_readable(int socket) {
    pollfd entry{socket, POLLIN, 0};
    return ::poll(&entry, 1, 0) > 0;
}

} // namespace

ContractLink::ContractLink(const asio::any_io_executor& executor, Fd socket) : socket_(executor, socket.release()) {}

void ContractLink::listen(Listener listener) {
    listener_ = std::move(listener);
    auto self = shared_from_this();
    asio::co_spawn(socket_.get_executor(), read_loop(), [self](const std::exception_ptr&) {});
}

Result<> ContractLink::send(const contract::Message& message, std::span<const int> fds) {
    if (!socket_.is_open()) return system_failure("send to worker", EPIPE);
    return send_packet(socket_.native_handle(), contract::encode(message), fds);
}

void ContractLink::close() {
    listener_ = {};
    boost::system::error_code ignored;
    socket_.close(ignored);
}

asio::awaitable<void> ContractLink::read_loop() {
    const auto self = shared_from_this();
    while (socket_.is_open()) {
        boost::system::error_code error; // no deadline: a worker that is content says nothing for months
        co_await socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                                    asio::redirect_error(asio::use_awaitable, error));
        if (error || !socket_.is_open()) co_return;
        if (take_packets()) continue;
        has_ended_ = true;
        co_return;
    }
}

bool ContractLink::take_packets() {
    constexpr int at_once = 64;
    bool more = take_packet();
    for (int taken = 1; more && taken < at_once && socket_.is_open() && is_readable(socket_.native_handle()); ++taken)
        more = take_packet();
    return more;
}

void ContractLink::read_now() {
    const auto self = shared_from_this();
    while (socket_.is_open() && is_readable(socket_.native_handle()) && take_packet()) {
    }
}

bool ContractLink::take_packet() {
    auto packet = receive_packet(socket_.native_handle());
    if (!packet && packet.error().code.value() == EAGAIN) return true;
    if (!packet && packet.error().code.value() != EMSGSIZE) return false; // its exit is seen by pidfd
    auto message = packet ? contract::decode(packet->bytes) : std::unexpected(packet.error());
    if (!message) {
        if (auto complain = std::exchange(listener_, {}).on_nonsense) complain(message.error().to_string());
        return false;
    }
    if (auto hand_over = listener_.on_message) hand_over(std::move(*message), std::move(packet->fds));
    return true;
}

} // namespace mpsup

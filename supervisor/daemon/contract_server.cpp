#include "supervisor/daemon/contract_server.h"

#include "base/fd_passing.h"
#include "supervisor/daemon/bell.h"
#include "supervisor/daemon/history.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cerrno>
#include <sys/socket.h>

namespace mpsup {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;

namespace {

constexpr auto hello_patience = std::chrono::seconds(10);
constexpr auto pause_without_descriptors = std::chrono::milliseconds(50);

pid_t peer_of(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : -1;
}

// Waits for the first packet; nothing when it does not come, or is no hello.
asio::awaitable<Result<contract::Hello>> receive_hello(Descriptor& socket) {
    asio::steady_timer deadline(socket.get_executor(), hello_patience);
    deadline.async_wait([&socket](const boost::system::error_code& error) {
        if (!error) socket.cancel();
    });
    boost::system::error_code error;
    co_await socket.async_wait(Descriptor::wait_read, asio::redirect_error(asio::use_awaitable, error));
    deadline.cancel();
    if (error) co_return failure("said nothing");
    const auto packet = receive_packet(socket.native_handle());
    if (!packet) co_return std::unexpected(packet.error());
    auto message = contract::decode(packet->bytes);
    if (!message) co_return std::unexpected(message.error());
    auto* hello = std::get_if<contract::Hello>(&*message);
    if (!hello) co_return failure("did not say hello");
    if (hello->contract != contract::version) co_return failure("speaks another version of the contract");
    if (hello->pid != peer_of(socket.native_handle())) co_return failure("is not who it says it is");
    co_return std::move(*hello);
}

} // namespace

class ContractServer::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(const asio::any_io_executor& executor, Fd listener, Greeter greeter)
        : listener_(executor, listener.release()), greeter_(std::move(greeter)) {}

    asio::awaitable<void> accept_loop() {
        const auto self = shared_from_this();
        while (listener_.is_open()) {
            boost::system::error_code error;
            co_await listener_.async_wait(Descriptor::wait_read, asio::redirect_error(asio::use_awaitable, error));
            if (error || !listener_.is_open()) co_return;
            Fd connection(::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
            if (!connection) {
                const bool crowded = errno == EMFILE || errno == ENFILE;
                if (crowded) co_await pause_for(pause_without_descriptors);
                continue;
            }
            asio::co_spawn(listener_.get_executor(), greet(std::move(connection)), [](const std::exception_ptr&) {});
        }
    }

    void close() {
        boost::system::error_code ignored;
        listener_.close(ignored);
        greeter_ = {};
    }

private:
    asio::awaitable<void> greet(Fd connection) {
        const auto self = shared_from_this();
        const pid_t pid = peer_of(connection.get());
        Descriptor socket(listener_.get_executor(), connection.release());
        const auto hello = co_await receive_hello(socket);
        connection = Fd(socket.release());
        std::string why = hello ? "is not expected" : hello.error().to_string();
        if (hello && greeter_ && greeter_(*hello, connection)) co_return;
        log_line("warning", "contract: process " + std::to_string(pid) + " " + why + ": hung up");
    }

    Descriptor listener_;
    Greeter greeter_;
};

ContractServer::ContractServer(const asio::any_io_executor& executor, Fd listener, Greeter greeter)
    : impl_(std::make_shared<Impl>(executor, std::move(listener), std::move(greeter))) {
    asio::co_spawn(executor, impl_->accept_loop(), [impl = impl_](const std::exception_ptr&) {});
}

ContractServer::~ContractServer() { impl_->close(); }

} // namespace mpsup

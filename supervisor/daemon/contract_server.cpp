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
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace mpsup {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;

namespace {

constexpr auto hello_patience = std::chrono::seconds(10);
constexpr auto pause_without_descriptors = std::chrono::milliseconds(50);

struct Greeting {
    contract::Hello hello;
    std::vector<Fd> fds;
};

ucred peer_of(int socket) {
    ucred peer{-1, static_cast<uid_t>(-1), static_cast<gid_t>(-1)};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) peer.pid = -1;
    return peer;
}

// Waits for the first packet; nothing when it does not come, or is no hello.
asio::awaitable<Result<Greeting>> receive_hello(std::shared_ptr<Descriptor> shared) {
    Descriptor& socket = *shared;
    asio::steady_timer deadline(socket.get_executor(), hello_patience);
    deadline.async_wait([shared](const boost::system::error_code& cancelled) { // it may run after we are done
        boost::system::error_code closed;
        if (!cancelled) shared->cancel(closed);
    });
    boost::system::error_code error;
    co_await socket.async_wait(Descriptor::wait_read, asio::redirect_error(asio::use_awaitable, error));
    deadline.cancel();
    if (error) co_return failure("said nothing");
    auto packet = receive_packet(socket.native_handle());
    if (!packet) co_return std::unexpected(packet.error());
    auto message = contract::decode(packet->bytes);
    if (!message) co_return std::unexpected(message.error());
    auto* hello = std::get_if<contract::Hello>(&*message);
    if (!hello) co_return failure("did not say hello");
    if (hello->contract < contract::oldest_version || hello->contract > contract::version)
        co_return failure("speaks version " + std::to_string(hello->contract) + " of the contract, and not " +
                          std::to_string(contract::oldest_version) + " to " + std::to_string(contract::version));
    const ucred peer = peer_of(socket.native_handle());
    if (hello->pid != peer.pid || peer.uid != ::geteuid()) co_return failure("is not who it says it is");
    co_return Greeting{std::move(*hello), std::move(packet->fds)};
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
        const pid_t pid = peer_of(connection.get()).pid;
        const auto socket = std::make_shared<Descriptor>(listener_.get_executor(), connection.release());
        auto greeting = co_await receive_hello(socket);
        connection = Fd(socket->release());
        const std::string why = greeting ? "is not expected" : greeting.error().to_string();
        if (greeting && greeter_ && greeter_(greeting->hello, std::move(greeting->fds), connection)) co_return;
        if (std::exchange(refused_, pid) != pid) // one that comes again and again is told of once
            log_line("warning", "contract: process " + std::to_string(pid) + " " + why + ": hung up");
    }

    Descriptor listener_;
    Greeter greeter_;
    pid_t refused_ = -1; // the latest
};

ContractServer::ContractServer(const asio::any_io_executor& executor, Fd listener, Greeter greeter)
    : impl_(std::make_shared<Impl>(executor, std::move(listener), std::move(greeter))) {
    asio::co_spawn(executor, impl_->accept_loop(), [impl = impl_](const std::exception_ptr&) {});
}

ContractServer::~ContractServer() { impl_->close(); }

} // namespace mpsup

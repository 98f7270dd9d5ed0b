#include "supervisor/transport/channel.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <cerrno>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <utility>
#include <vector>

namespace mpsup {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t block = 16384;

// A peer whose machine is gone sends nothing, and nothing is what a watch waits for most of the time.
void notice_silence(int socket) {
    constexpr int quiet_seconds = 5, between_probes = 3, patience_milliseconds = 14'000, on = 1;
    (void)::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)::setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &quiet_seconds, sizeof quiet_seconds);
    (void)::setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &between_probes, sizeof between_probes);
    (void)::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_milliseconds, sizeof patience_milliseconds);
    (void)::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

} // namespace

// Operations hold it, not the channel.
struct Channel::State : std::enable_shared_from_this<State> {
    explicit State(const asio::any_io_executor& executor) : socket(executor), timer(executor), resolver(executor) {}

    [[nodiscard]] std::unexpected<Error> failed(const char* step, std::error_code code) const {
        if (closed) code = std::make_error_code(std::errc::operation_canceled);
        return std::unexpected(Error{step, code});
    }
    [[nodiscard]] std::unexpected<Error> late(const char* step) const {
        return failed(step, std::make_error_code(std::errc::timed_out));
    }
    void close() {
        closed = true;
        error_code ignored;
        socket.close(ignored);
        timer.cancel();
    }

    asio::awaitable<Result<>> wait(Tcp::socket::wait_type what, const char* step, Deadline deadline);
    asio::awaitable<Result<std::vector<Tcp::endpoint>>> look_up(std::string host, std::uint16_t port,
                                                                Deadline deadline);
    asio::awaitable<Result<>> connect(Tcp::endpoint endpoint, std::string from, Deadline deadline);
    asio::awaitable<Result<std::size_t>> receive(std::span<char> space, Deadline deadline);
    asio::awaitable<Result<>> send(std::string_view bytes, Deadline deadline);
    asio::awaitable<Result<>> send_output(Deadline deadline);
    asio::awaitable<Result<>> get_input(Deadline deadline);

    Tcp::socket socket;
    asio::steady_timer timer; // of the operation that waits
    Tcp::resolver resolver;
    std::unique_ptr<tls::Session> session{};
    std::uint64_t turn = 0; // of the operation that waits: what an earlier one left behind does not touch it
    bool closed = false;
};

namespace {

// While it lives, what waits at the socket is cut off at the deadline.
template <typename State> class Alarm {
public:
    Alarm(std::shared_ptr<State> state, Channel::Deadline deadline) : state_(std::move(state)) {
        const std::uint64_t turn = ++state_->turn;
        if (deadline == Channel::whenever) return;
        state_->timer.expires_at(deadline);
        state_->timer.async_wait([state = state_, turn, rang = rang_](const error_code& error) {
            if (error || state->turn != turn) return;
            *rang = true;
            error_code ignored;
            state->socket.cancel(ignored);
        });
    }
    ~Alarm() {
        ++state_->turn;
        state_->timer.cancel();
    }
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;
    [[nodiscard]] bool rang() const { return *rang_; }

private:
    std::shared_ptr<State> state_;
    std::shared_ptr<bool> rang_ = std::make_shared<bool>(false);
};

} // namespace

asio::awaitable<Result<>> Channel::State::wait(Tcp::socket::wait_type what, const char* step, Deadline deadline) {
    if (closed || Clock::now() >= deadline) co_return late(step);
    const Alarm alarm(shared_from_this(), deadline);
    error_code error;
    co_await socket.async_wait(what, asio::redirect_error(asio::use_awaitable, error));
    if (alarm.rang()) co_return late(step);
    if (error || closed) co_return failed(step, std::error_code(error));
    co_return Result<>();
}

// A name is looked up in a thread of Asio's, and nobody can interrupt that: a late answer is for nobody.
asio::awaitable<Result<std::vector<Tcp::endpoint>>> Channel::State::look_up(std::string host, std::uint16_t port,
                                                                            Deadline deadline) {
    error_code error;
    if (const auto address = asio::ip::make_address(host, error); !error)
        co_return std::vector{Tcp::endpoint(address, port)};
    struct Answer {
        bool came = false;
        error_code error{};
        std::vector<Tcp::endpoint> found{};
    };
    const auto answer = std::make_shared<Answer>();
    const std::uint64_t current = ++turn;
    timer.expires_at(deadline);
    resolver.async_resolve(host, std::to_string(port), Tcp::resolver::numeric_service,
                           [self = shared_from_this(), answer, current](const error_code& why, const auto& results) {
                               *answer = {true, why, {results.begin(), results.end()}};
                               if (self->turn == current) self->timer.cancel();
                           });
    error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    ++turn;
    if (closed || !answer->came) co_return late("look up the host");
    if (answer->error) co_return failed("look up the host", std::error_code(answer->error));
    co_return std::move(answer->found);
}

asio::awaitable<Result<>> Channel::State::connect(Tcp::endpoint endpoint, std::string from, Deadline deadline) {
    error_code error;
    socket.close(error);
    socket.open(endpoint.protocol(), error);
    if (error) co_return failed("connect", std::error_code(error));
    if (!from.empty()) {
        const auto own = asio::ip::make_address(from, error);
        if (!error && own.is_v6() == endpoint.address().is_v6()) socket.bind({own, 0}, error);
        if (error) co_return failed("come from our own address", std::error_code(error));
    }
    const Alarm alarm(shared_from_this(), deadline);
    co_await socket.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
    if (alarm.rang()) co_return late("connect");
    if (error || closed) co_return failed("connect", std::error_code(error));
    notice_silence(socket.native_handle());
    co_return Result<>();
}

asio::awaitable<Result<std::size_t>> Channel::State::receive(std::span<char> space, Deadline deadline) {
    for (;;) {
        if (closed || Clock::now() >= deadline) co_return late("receive");
        const ssize_t got = ::recv(socket.native_handle(), space.data(), space.size(), MSG_DONTWAIT);
        if (got >= 0) co_return static_cast<std::size_t>(got);
        if (errno == EINTR) continue;
        if (errno != EAGAIN) co_return failed("receive", std::error_code(errno, std::generic_category()));
        const auto ready = co_await wait(Tcp::socket::wait_read, "receive", deadline);
        if (!ready) co_return std::unexpected(ready.error());
    }
}

asio::awaitable<Result<>> Channel::State::send(std::string_view bytes, Deadline deadline) {
    while (!bytes.empty()) {
        if (closed || Clock::now() >= deadline) co_return late("send");
        const ssize_t sent = ::send(socket.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN) co_return failed("send", std::error_code(errno, std::generic_category()));
        const auto ready = co_await wait(Tcp::socket::wait_write, "send", deadline);
        if (!ready) co_return ready;
    }
    co_return Result<>();
}

asio::awaitable<Result<>> Channel::State::send_output(Deadline deadline) {
    const std::string output = session->take_output();
    const auto sent = co_await send(output, deadline);
    co_return sent;
}

asio::awaitable<Result<>> Channel::State::get_input(Deadline deadline) {
    std::array<char, block> space; // NOLINT: filled by what follows
    const auto got = co_await receive(space, deadline);
    if (!got) co_return std::unexpected(got.error());
    if (*got == 0) co_return failed("receive", std::make_error_code(std::errc::connection_reset));
    session->give_input({space.data(), *got});
    co_return Result<>();
}

Channel::Channel(const asio::any_io_executor& executor) : state_(std::make_shared<State>(executor)) {}

Channel::Channel(const asio::any_io_executor& executor, Fd connected) : Channel(executor) {
    int domain = 0;
    socklen_t size = sizeof domain;
    (void)::getsockopt(connected.get(), SOL_SOCKET, SO_DOMAIN, &domain, &size);
    error_code error;
    state_->socket.assign(domain == AF_INET6 ? Tcp::v6() : Tcp::v4(), connected.get(), error);
    if (error)
        state_->close();
    else
        (void)connected.release(); // with what its listener has set
}

Channel::~Channel() { state_->close(); }

void Channel::close() { state_->close(); }

bool Channel::is_quiet() const {
    char byte = 0;
    return !state_->closed && ::recv(state_->socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           errno == EAGAIN;
}

int Channel::socket() const { return state_->socket.native_handle(); }

asio::awaitable<Result<>> Channel::connect(std::string host, std::uint16_t port, Deadline deadline, std::string from) {
    const auto state = state_;
    const auto found = co_await state->look_up(std::move(host), port, deadline);
    if (!found) co_return std::unexpected(found.error());
    Result<> connected = state->failed("connect", std::make_error_code(std::errc::address_not_available));
    for (std::size_t i = 0; i < found->size(); ++i) {
        // One that is silent leaves time for those that follow.
        Deadline until = deadline;
        if (i + 1 < found->size() && deadline != whenever) {
            const auto now = Clock::now();
            until = now + (deadline - now) / static_cast<Clock::rep>(found->size() - i);
        }
        connected = co_await state->connect((*found)[i], from, until);
        if (connected || state->closed || Clock::now() >= deadline) break;
    }
    co_return connected;
}

asio::awaitable<Result<>> Channel::secure(std::unique_ptr<tls::Session> session, Deadline deadline) {
    const auto state = state_;
    state->session = std::move(session);
    for (;;) {
        const tls::Step step = state->session->handshake();
        const auto sent = co_await state->send_output(deadline); // of a failed one the alert
        if (step == tls::Step::failed || step == tls::Step::ended) co_return failure("TLS: " + state->session->why());
        if (!sent || step == tls::Step::done) co_return sent;
        const auto input = co_await state->get_input(deadline);
        if (!input) co_return input;
    }
}

asio::awaitable<Result<std::size_t>> Channel::read(std::span<char> space, Deadline deadline) {
    const auto state = state_;
    if (!state->session) {
        const auto got = co_await state->receive(space, deadline);
        co_return got;
    }
    for (;;) {
        std::size_t got = 0;
        const tls::Step step = state->session->read(space, got);
        if (step == tls::Step::failed) co_return failure("TLS: " + state->session->why());
        if (step != tls::Step::wants_input) co_return got; // 0: ended
        const auto sent = co_await state->send_output(deadline);
        if (!sent) co_return std::unexpected(sent.error());
        const auto input = co_await state->get_input(deadline);
        if (!input) co_return std::unexpected(input.error());
    }
}

asio::awaitable<Result<>> Channel::write(std::string_view bytes, Deadline deadline) {
    const auto state = state_;
    Result<> sent;
    if (!state->session) {
        sent = co_await state->send(bytes, deadline);
        co_return sent;
    }
    for (; sent && !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), block))) {
        if (state->session->write(bytes.substr(0, block)) != tls::Step::done)
            co_return failure("TLS: " + state->session->why());
        sent = co_await state->send_output(deadline);
    }
    co_return sent;
}

} // namespace mpsup

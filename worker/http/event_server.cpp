#include "worker/http/event_server.h"

#include "worker/contract/scoreboard.h"
#include "worker/http/error_log.h"
#include "worker/http/session.h"
#include "worker/http/socket_io.h"

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <csignal>
#include <list>
#include <poll.h>
#include <sys/socket.h>
#include <vector>

namespace asio = boost::asio;

namespace mpsup::http {

namespace {

using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
using Timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;
constexpr asio::use_awaitable_t<Executor> use_task;

constexpr int accepts_a_turn = 32;
constexpr std::chrono::milliseconds accept_pause{50};

// Its coroutines can be destroyed while what they refer to is still there.
class Context : public asio::io_context {
public:
    using asio::io_context::io_context;
    void destroy_coroutines() { shutdown(); }
};

} // namespace

class EventServer::Loop {
public:
    Loop(const Options& options, Handler& handler, AccessLog& log, contract::ScoreboardWriter& scoreboard)
        : options_(options), parts_{io_, options_.connection, handler, log, scoreboard}, ticker_(io_), signals_(io_) {}
    ~Loop() {
        parts_.handler.detach();
        io_.destroy_coroutines();
    }

    Result<> listen(Fd listener);
    void watch(int fd, std::function<bool()> readable);
    void post(std::function<void()> work) { asio::post(io_, std::move(work)); }
    void on_terminate(std::function<void()> callback);
    void drain(std::chrono::milliseconds grace);
    void run();
    [[nodiscard]] std::size_t connections() const noexcept { return sessions_.size(); }

private:
    using Sessions = std::list<Session>; // each until its coroutine has ended

    Task<> accept_on(std::size_t index);
    bool accept_some(int listener);
    void start(Fd connected, const sockaddr_storage& from);
    void start_ticking();
    Task<> tick();
    void look_after(TimePoint now);
    void check_drained();
    Task<> watch_loop(std::shared_ptr<Descriptor> descriptor, std::function<bool()> readable);

    const Options options_;
    Context io_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
    LoopParts parts_;
    Sessions sessions_;
    std::vector<std::unique_ptr<Descriptor>> listeners_;
    std::vector<std::weak_ptr<Descriptor>> watched_;
    Timer ticker_;
    asio::basic_signal_set<Executor> signals_;
    std::vector<Session*> watched_sessions_; // and their sockets, while one call to the system looks at all of them
    std::vector<pollfd> polled_;
    bool ticking_ = false;
    bool draining_ = false;
    TimePoint drain_end_ = TimePoint::max();
    TimePoint last_complaint_{};
};

Result<> EventServer::Loop::listen(Fd listener) {
    auto descriptor = std::make_unique<Descriptor>(io_);
    boost::system::error_code error;
    descriptor->assign(listener.get(), error);
    if (error) return std::unexpected(Error{"watch a listener", error});
    static_cast<void>(listener.release());
    listeners_.push_back(std::move(descriptor));
    asio::co_spawn(io_, accept_on(listeners_.size() - 1), asio::detached);
    return {};
}

Task<> EventServer::Loop::accept_on(std::size_t index) {
    Descriptor& listener = *listeners_[index];
    Timer pause(io_);
    while (!draining_) {
        boost::system::error_code error;
        co_await listener.async_wait(Descriptor::wait_read, asio::redirect_error(use_task, error));
        if (draining_) co_return;
        if (!error && accept_some(listener.native_handle())) continue;
        pause.expires_after(accept_pause);
        co_await pause.async_wait(asio::redirect_error(use_task, error));
    }
}

// False when the process has run out of something and should pause.
bool EventServer::Loop::accept_some(int listener) {
    for (int i = 0; i < accepts_a_turn; ++i) {
        Accepted accepted = accept_connection(listener);
        if (accepted.socket) {
            start(std::move(accepted.socket), accepted.from);
            continue;
        }
        if (accepted.error == EAGAIN) return true;
        const TimePoint now = Clock::now();
        if (now - last_complaint_ >= std::chrono::seconds(1)) {
            last_complaint_ = now;
            log_error(Severity::error, system_failure("accept", accepted.error).error().to_string());
        }
        return false;
    }
    return true;
}

void EventServer::Loop::start(Fd connected, const sockaddr_storage& from) {
    Socket socket(io_);
    boost::system::error_code error;
    socket.assign(asio::generic::stream_protocol(from.ss_family, 0), connected.get(), error);
    if (error) return log_error(Severity::error, "watch a connection: " + error.message());
    static_cast<void>(connected.release());
    Client client{.address = remote_text(from), .port = port_of(from), .local_address = {}};
    const auto position =
        sessions_.emplace(sessions_.end(), parts_, Stream(std::move(socket)), std::move(client), Clock::now());
    if (draining_) position->drain();
    start_ticking();
    asio::co_spawn(io_, position->run(), [this, position](const std::exception_ptr& failed) {
        // Out of memory is all that can have been thrown: it costs this one connection.
        if (failed) log_error(Severity::error, "a connection was given up for want of memory");
        sessions_.erase(position);
        check_drained();
    });
}

void EventServer::Loop::start_ticking() {
    if (!std::exchange(ticking_, true)) asio::co_spawn(io_, tick(), asio::detached);
}

// Runs while there is something to time: an idle worker sleeps.
Task<> EventServer::Loop::tick() {
    while (!sessions_.empty() || parts_.log.pending() || (draining_ && !io_.stopped())) {
        ticker_.expires_after(options_.tick);
        boost::system::error_code error;
        co_await ticker_.async_wait(asio::redirect_error(use_task, error));
        parts_.log.flush();
        look_after(Clock::now());
        check_drained();
    }
    ticking_ = false;
}

// Deadlines, buffers, and clients that hang up while their request waits for others.
void EventServer::Loop::look_after(TimePoint now) {
    watched_sessions_.clear();
    polled_.clear();
    for (Session& session : sessions_) {
        session.tick(now);
        if (!session.watched()) continue;
        watched_sessions_.push_back(&session);
        polled_.push_back({session.fd(), POLLRDHUP, 0});
    }
    if (polled_.empty() || ::poll(polled_.data(), polled_.size(), 0) <= 0) return;
    for (std::size_t i = 0; i < polled_.size(); ++i)
        if (polled_[i].revents != 0) watched_sessions_[i]->client_gone();
}

void EventServer::Loop::drain(std::chrono::milliseconds grace) {
    drain_end_ = std::min(drain_end_, Clock::now() + grace);
    if (std::exchange(draining_, true)) return;
    boost::system::error_code ignored;
    for (const auto& listener : listeners_) listener->close(ignored);
    for (Session& session : sessions_) session.drain();
    start_ticking();
    asio::post(io_, [this] { check_drained(); });
}

void EventServer::Loop::check_drained() {
    if (!draining_ || io_.stopped() || (!sessions_.empty() && Clock::now() < drain_end_)) return;
    for (Session& session : sessions_) session.abandon();
    io_.stop();
}

void EventServer::Loop::watch(int fd, std::function<bool()> readable) {
    auto descriptor = std::make_shared<Descriptor>(io_, fd);
    watched_.push_back(descriptor);
    asio::co_spawn(io_, watch_loop(std::move(descriptor), std::move(readable)), asio::detached);
}

Task<> EventServer::Loop::watch_loop(std::shared_ptr<Descriptor> descriptor, std::function<bool()> readable) {
    for (;;) {
        boost::system::error_code error;
        co_await descriptor->async_wait(Descriptor::wait_read, asio::redirect_error(use_task, error));
        if (error || !readable()) break;
    }
    static_cast<void>(descriptor->release());
}

void EventServer::Loop::on_terminate(std::function<void()> callback) {
    boost::system::error_code error;
    signals_.add(SIGTERM, error);
    signals_.async_wait([callback = std::move(callback)](const boost::system::error_code& failed, int) {
        if (!failed) callback();
    });
}

void EventServer::Loop::run() {
    parts_.handler.attach(io_);
    parts_.scoreboard.set(contract::Activity::waiting);
    io_.run();
    parts_.log.flush();
    // The descriptors that are only watched are not ours to close.
    for (const auto& watched : watched_)
        if (const auto descriptor = watched.lock(); descriptor && descriptor->is_open())
            static_cast<void>(descriptor->release());
}

EventServer::EventServer(const Options& options, Handler& handler, AccessLog& log,
                         contract::ScoreboardWriter& scoreboard)
    : loop_(std::make_unique<Loop>(options, handler, log, scoreboard)) {}
EventServer::~EventServer() = default;
Result<> EventServer::listen(Fd listener) { return loop_->listen(std::move(listener)); }
void EventServer::watch(int fd, std::function<bool()> readable) { loop_->watch(fd, std::move(readable)); }
void EventServer::on_terminate(std::function<void()> callback) { loop_->on_terminate(std::move(callback)); }
void EventServer::post(std::function<void()> work) { loop_->post(std::move(work)); }
void EventServer::drain(std::chrono::milliseconds grace) { loop_->drain(grace); }
void EventServer::run() { loop_->run(); }
std::size_t EventServer::connections() const noexcept { return loop_->connections(); }

} // namespace mpsup::http

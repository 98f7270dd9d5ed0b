#include "worker/http/event_loop.h"

#include "worker/contract/scoreboard.h"
#include "worker/http/error_log.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace asio = boost::asio;

namespace mpsup::http {

EventLoop::EventLoop(ServerParts& server, Handler& handler, AccessLog log)
    : server_(server), parts_{io_, server, handler, std::move(log)}, ticker_(io_) {}

EventLoop::~EventLoop() { io_.destroy_coroutines(); }

void EventLoop::run() {
    parts_.handler.attach(io_);
    io_.run();
    parts_.log.flush();
    parts_.handler.detach();
}

void EventLoop::stop() {
    if (io_.stopped()) return;
    for (Session& session : sessions_) session.abandon();
    io_.stop();
}

void EventLoop::post(std::function<void()> work) { asio::post(io_, std::move(work)); }

// The promise of expect() is kept, or taken back.
void EventLoop::adopt(Arrival arrival) {
    Socket socket(io_);
    boost::system::error_code error;
    socket.assign(asio::generic::stream_protocol(arrival.from.ss_family, 0), arrival.socket.get(), error);
    if (error) {
        load_.fetch_sub(1, std::memory_order_relaxed);
        return log_error(Severity::error, "watch a connection: " + error.message());
    }
    static_cast<void>(arrival.socket.release());
    Client client{.address = remote_text(arrival.from), .port = port_of(arrival.from), .local_address = {}};
    const auto position = sessions_.emplace(sessions_.end(), parts_, *arrival.listener, Stream(std::move(socket)),
                                            std::move(client), Clock::now());
    if (draining_) position->drain();
    start_ticking();
    asio::co_spawn(io_, position->run(), [this, position](const std::exception_ptr& failed) {
        // Out of memory is all that can have been thrown: it costs this one connection.
        if (failed) log_error(Severity::error, "a connection was given up for want of memory");
        sessions_.erase(position);
        load_.fetch_sub(1, std::memory_order_relaxed);
        tell_when_empty();
    });
}

void EventLoop::drain(std::chrono::milliseconds grace, std::function<void()> emptied) {
    drain_end_ = std::min(drain_end_, Clock::now() + grace);
    emptied_ = std::move(emptied);
    draining_ = true;
    for (Session& session : sessions_) session.drain();
    start_ticking();
    asio::post(io_, [this] { tell_when_empty(); });
}

void EventLoop::tell_when_empty() {
    if (draining_ && (load() == 0 || Clock::now() >= drain_end_)) emptied_();
}

std::size_t EventLoop::close_idle(std::size_t count) {
    std::vector<std::pair<TimePoint, Session*>> idle;
    for (Session& session : sessions_)
        if (const auto since = session.idle_since()) idle.emplace_back(*since, &session);
    count = std::min(count, idle.size());
    std::ranges::nth_element(idle, idle.begin() + static_cast<std::ptrdiff_t>(count));
    for (std::size_t i = 0; i < count; ++i) idle[i].second->give_up();
    return count;
}

void EventLoop::start_ticking() {
    if (!std::exchange(ticking_, true)) asio::co_spawn(io_, tick(), asio::detached);
}

// Runs while there is something to time: an idle worker sleeps.
Task<> EventLoop::tick() {
    while (!sessions_.empty() || parts_.log.pending() || draining_) {
        ticker_.expires_after(server_.options.tick);
        boost::system::error_code error;
        co_await ticker_.async_wait(asio::redirect_error(asio::use_awaitable_t<Executor>(), error));
        parts_.log.flush();
        look_after(Clock::now());
        tell_when_empty();
    }
    ticking_ = false;
}

// Deadlines, buffers, and clients that hang up while their request waits for others.
void EventLoop::look_after(TimePoint now) {
    watched_.clear();
    polled_.clear();
    for (Session& session : sessions_) {
        session.tick(now);
        if (!session.watched()) continue;
        watched_.push_back(&session);
        polled_.push_back({session.fd(), POLLRDHUP, 0});
    }
    if (polled_.empty() || ::poll(polled_.data(), polled_.size(), 0) <= 0) return;
    for (std::size_t i = 0; i < polled_.size(); ++i)
        if (polled_[i].revents != 0) watched_[i]->client_gone();
}

} // namespace mpsup::http

// One thread of a server: its connections, its deadlines, its handler.
#pragma once

#include "worker/http/session.h"

#include <atomic>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <list>
#include <poll.h>
#include <vector>

namespace mpsup::http {

using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

/// A connection that was accepted.
struct Arrival {
    Fd socket;
    sockaddr_storage from{};
    const ListenerOptions* listener = nullptr; // outlives the server's loops
};

/// Everything belongs to the thread that calls run() but what says otherwise.
class EventLoop {
public:
    EventLoop(ServerParts& server, Handler& handler, AccessLog log);
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    /// Until stop().
    void run();
    /// From now on run() returns; what is in hand has its line in the log.
    void stop();

    void adopt(Arrival arrival);
    void reopen_log(Fd file) noexcept { parts_.log.reopen(std::move(file)); }
    /// As EventServer::drain(). `emptied` is called when the last connection has gone or the grace is over, once or more.
    void drain(std::chrono::milliseconds grace, std::function<void()> emptied);
    /// Closes up to `count` connections that are idle, those that have been for longest first; how many it were.
    std::size_t close_idle(std::size_t count);

    /// After run(): destroys the coroutines that are left, while all that they refer to is still there.
    void destroy_coroutines() { io_.destroy_coroutines(); }

    /// Any thread: calls `work` in this one's.
    void post(std::function<void()> work);
    /// Any thread: connections here, or promised to come here by expect().
    [[nodiscard]] std::size_t load() const noexcept { return load_.load(std::memory_order_relaxed); }
    void expect() noexcept { load_.fetch_add(1, std::memory_order_relaxed); }

    [[nodiscard]] boost::asio::io_context& context() noexcept { return io_; }

private:
    class Context : public boost::asio::io_context {
    public:
        using io_context::io_context;
        void destroy_coroutines() { shutdown(); }
    };

    void start_ticking();
    [[nodiscard]] Task<> tick();
    void look_after(TimePoint now);
    void tell_when_empty();

    ServerParts& server_;
    Context io_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
    boost::asio::executor_work_guard<Executor> work_{io_.get_executor()};
    LoopParts parts_;
    std::list<Session> sessions_; // each until its coroutine has ended
    std::atomic<std::size_t> load_{0};
    Timer ticker_;
    std::vector<Session*> watched_; // and their sockets, while one call to the system looks at all of them
    std::vector<pollfd> polled_;
    std::function<void()> emptied_;
    bool ticking_ = false;
    bool draining_ = false;
    TimePoint drain_end_ = TimePoint::max();
};

} // namespace mpsup::http

#include "worker/http/event_server.h"

#include "worker/contract/scoreboard.h"
#include "worker/http/acceptor.h"
#include "worker/http/event_loop.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <sys/resource.h>
#include <thread>
#include <vector>

namespace asio = boost::asio;

namespace mpsup::http {

namespace {

using Descriptor = asio::posix::basic_stream_descriptor<Executor>;

// The lines of each loop are gathered apart, and go to the same file.
AccessLog log_of(const Fd& file, bool json) {
    if (!file) return {};
    auto own = file.duplicate();
    return own ? AccessLog(std::move(*own), json) : AccessLog();
}

Task<> watch_loop(std::shared_ptr<Descriptor> descriptor, std::function<bool()> readable) {
    for (;;) {
        boost::system::error_code error;
        co_await descriptor->async_wait(Descriptor::wait_read,
                                        asio::redirect_error(asio::use_awaitable_t<Executor>(), error));
        if (error || !readable()) break;
    }
    static_cast<void>(descriptor->release());
}

} // namespace

class EventServer::Parts {
public:
    Parts(const Options& options, std::span<Handler* const> handlers, Fd access_log,
          contract::ScoreboardWriter& scoreboard)
        : server{options, scoreboard} {
        for (Handler* handler : handlers)
            loops.push_back(std::make_unique<EventLoop>(server, *handler, log_of(access_log, options.json_log)));
        acceptor = std::make_unique<Acceptor>(loops, server.options);
        signals.emplace(loops.front()->context());
    }
    ~Parts() {
        // The descriptors that are only watched are not ours to close.
        for (const auto& weak : watched)
            if (const auto descriptor = weak.lock(); descriptor && descriptor->is_open())
                static_cast<void>(descriptor->release());
        for (const auto& loop : loops) loop->destroy_coroutines();
        signals.reset();
        acceptor.reset();
    }

    void drain(std::chrono::milliseconds grace) {
        drain_end = std::min(drain_end, Clock::now() + grace);
        acceptor->close();
        for (std::size_t i = 1; i < loops.size(); ++i)
            loops[i]->post([this, grace, &loop = *loops[i]] {
                loop.drain(grace, [this] { loops.front()->post([this] { stop_when_drained(); }); });
            });
        loops.front()->drain(grace, [this] { stop_when_drained(); });
    }

    void stop_when_drained() {
        if (connections() != 0 && Clock::now() < drain_end) return;
        for (const auto& loop : loops) loop->post([&ending = *loop] { ending.stop(); });
    }

    void run() {
        server.scoreboard.set(contract::Activity::waiting);
        std::vector<std::jthread> threads;
        for (std::size_t i = 1; i < loops.size(); ++i) threads.emplace_back([&loop = *loops[i]] { loop.run(); });
        loops.front()->run();
    }

    [[nodiscard]] std::size_t connections() const noexcept {
        std::size_t sum = 0;
        for (const auto& loop : loops) sum += loop->load();
        return sum;
    }

    ServerParts server;
    std::vector<std::unique_ptr<EventLoop>> loops;
    std::unique_ptr<Acceptor> acceptor; // in the first of them, as what follows
    std::optional<asio::basic_signal_set<Executor>> signals;
    std::vector<std::weak_ptr<Descriptor>> watched;
    TimePoint drain_end = TimePoint::max();
};

EventServer::EventServer(const Options& options, std::span<Handler* const> handlers, Fd access_log,
                         contract::ScoreboardWriter& scoreboard)
    : parts_(std::make_unique<Parts>(options, handlers, std::move(access_log), scoreboard)) {}

EventServer::EventServer(const Options& options, Handler& handler, Fd access_log,
                         contract::ScoreboardWriter& scoreboard) {
    Handler* const only = &handler;
    parts_ = std::make_unique<Parts>(options, std::span(&only, 1), std::move(access_log), scoreboard);
}

EventServer::~EventServer() = default;

Result<> EventServer::listen(Fd listener, ListenerOptions options) {
    return parts_->acceptor->listen(std::move(listener), std::move(options));
}

void EventServer::watch(int fd, std::function<bool()> readable) {
    auto& context = parts_->loops.front()->context();
    auto descriptor = std::make_shared<Descriptor>(context, fd);
    parts_->watched.push_back(descriptor);
    asio::co_spawn(context, watch_loop(std::move(descriptor), std::move(readable)), asio::detached);
}

void EventServer::post(std::function<void()> work) { parts_->loops.front()->post(std::move(work)); }

void EventServer::on_terminate(std::function<void()> callback) {
    boost::system::error_code error;
    parts_->signals->add(SIGTERM, error);
    parts_->signals->async_wait([callback = std::move(callback)](const boost::system::error_code& failed, int) {
        if (!failed) callback();
    });
}

void EventServer::reopen_log(Fd file) {
    for (const auto& loop : parts_->loops) {
        auto own = file.duplicate();
        if (!own) continue; // it writes on to the old one
        const auto shared = std::make_shared<Fd>(std::move(*own));
        loop->post([&writer = *loop, shared] { writer.reopen_log(std::move(*shared)); });
    }
}

void EventServer::drain(std::chrono::milliseconds grace) { parts_->drain(grace); }
void EventServer::run() { parts_->run(); }
std::size_t EventServer::connections() const noexcept { return parts_->connections(); }

std::uint64_t EventServer::busy() const noexcept {
    return static_cast<std::uint64_t>(std::max(parts_->server.busy.load(std::memory_order_relaxed), 0));
}

} // namespace mpsup::http

#include "worker/http/acceptor.h"

#include "worker/http/error_log.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <limits>
#include <sys/resource.h>

namespace asio = boost::asio;

namespace mpsup::http {

namespace {

constexpr asio::use_awaitable_t<Executor> use_task;
constexpr int accepts_a_turn = 32;
constexpr std::size_t closed_at_once = 32;
constexpr std::chrono::milliseconds accept_pause{50};

std::size_t connection_limit(std::size_t wanted) {
    rlimit descriptors{};
    if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0 || descriptors.rlim_cur == RLIM_INFINITY)
        return wanted != 0 ? wanted : std::numeric_limits<std::size_t>::max();
    const std::size_t possible = std::max<std::size_t>(descriptors.rlim_cur - descriptors.rlim_cur / 4, 1);
    return wanted != 0 ? std::min(wanted, possible) : possible;
}

} // namespace

Acceptor::Acceptor(std::vector<std::unique_ptr<EventLoop>>& loops, const ServerOptions& options)
    : loops_(loops), limit_(connection_limit(options.connections)), leaving_(loops.size()) {}

Result<> Acceptor::listen(Fd listener, ListenerOptions options) {
    auto added = std::make_unique<Listener>(Listener{Descriptor(loops_.front()->context()), std::move(options)});
    boost::system::error_code error;
    added->descriptor.assign(listener.get(), error);
    if (error) return std::unexpected(Error{"watch a listener", error});
    static_cast<void>(listener.release());
    listeners_.push_back(std::move(added));
    asio::co_spawn(loops_.front()->context(), accept_on(*listeners_.back()), asio::detached);
    return {};
}

void Acceptor::close() {
    closed_ = true;
    boost::system::error_code ignored;
    for (const auto& listener : listeners_) listener->descriptor.close(ignored);
}

Task<> Acceptor::accept_on(Listener& listener) {
    Timer pause(loops_.front()->context());
    while (!closed_) {
        boost::system::error_code error;
        co_await listener.descriptor.async_wait(Descriptor::wait_read, asio::redirect_error(use_task, error));
        if (closed_) co_return;
        const bool fine = !error && accept_some(listener);
        hand_over();
        if (fine) continue;
        pause.expires_after(accept_pause);
        co_await pause.async_wait(asio::redirect_error(use_task, error));
    }
}

// False when there is no room and accepting should pause.
bool Acceptor::accept_some(Listener& listener) {
    for (int i = 0; i < accepts_a_turn; ++i) {
        if (listener.options.guarded && !make_room()) return complain("there are too many connections"), false;
        Accepted accepted = accept_connection(listener.descriptor.native_handle());
        if (accepted.socket) {
            limit_unsent(accepted.socket.get());
            EventLoop& loop = emptiest();
            loop.expect();
            const auto at = std::ranges::find(loops_, &loop, &std::unique_ptr<EventLoop>::get) - loops_.begin();
            leaving_[static_cast<std::size_t>(at)].push_back(
                {std::move(accepted.socket), accepted.from, &listener.options});
            continue;
        }
        if (accepted.error == EAGAIN) return true;
        complain(system_failure("accept", accepted.error).error().to_string());
        if (out_of_resources(accepted.error))
            for (const auto& loop : loops_) loop->post([&idle = *loop] { idle.close_idle(closed_at_once); });
        return false;
    }
    return true;
}

void Acceptor::hand_over() {
    for (std::size_t i = 0; i < leaving_.size(); ++i) {
        if (leaving_[i].empty()) continue;
        if (i == 0) {
            for (Arrival& arrival : leaving_[i]) loops_[i]->adopt(std::move(arrival));
            leaving_[i].clear();
            continue;
        }
        auto arrivals = std::make_shared<std::vector<Arrival>>(std::exchange(leaving_[i], {}));
        loops_[i]->post([&loop = *loops_[i], arrivals] {
            for (Arrival& arrival : *arrivals) loop.adopt(std::move(arrival));
        });
    }
}

EventLoop& Acceptor::emptiest() const noexcept {
    return **std::ranges::min_element(loops_, {}, [](const auto& loop) { return loop->load(); });
}

// Near the limit idle connections make room for new ones.
bool Acceptor::make_room() {
    std::size_t sum = 0;
    for (const auto& loop : loops_) sum += loop->load();
    if (sum < limit_) return true;
    for (const auto& loop : loops_) loop->post([&idle = *loop] { idle.close_idle(closed_at_once); });
    return false;
}

void Acceptor::complain(const std::string& what) {
    const TimePoint now = Clock::now();
    if (now - last_complaint_ < std::chrono::seconds(1)) return;
    last_complaint_ = now;
    log_error(Severity::error, what);
}

} // namespace mpsup::http

#include "worker/accelerator/tunnel.h"

#include "worker/accelerator/signal.h"

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <optional>

namespace asio = boost::asio;

namespace mpsup::accelerator {

namespace {

using http::Clock;
using http::Task;
using http::TimePoint;

constexpr std::size_t piece_size = 16384;

struct Tunnel {
    Tunnel(http::Exchange& client, UpstreamConnection& server, std::chrono::milliseconds idle_time)
        : exchange(client), upstream(server), idle(idle_time), over(client.context()) {}

    http::Exchange& exchange;
    UpstreamConnection& upstream;
    const std::chrono::milliseconds idle;
    TimePoint last = Clock::now(); // something came, from either side
    Signal over;                   // of the other coroutine
    bool up_running = true;

    Task<> up();
    Task<> down();
    Task<bool> to_client(std::string_view bytes);
    void break_off() {
        upstream.cancel();
        exchange.end_raw(true);
    }
};

// From the client to the upstream.
Task<> Tunnel::up() {
    std::array<char, piece_size> space;
    for (;;) {
        const std::size_t count = co_await exchange.read_raw(std::span(space));
        if (count == 0) break;
        last = Clock::now();
        if (co_await upstream.send_raw(std::string_view(space.data(), count), last + idle)) {
            break_off();
            break;
        }
    }
    upstream.end_sending();
    up_running = false;
    over.tell();
}

Task<bool> Tunnel::to_client(std::string_view bytes) {
    last = Clock::now();
    co_return co_await exchange.write_raw(bytes);
}

// From the upstream to the client. Its deadline is that of both: it is set anew when the client has said something.
Task<> Tunnel::down() {
    std::array<char, piece_size> space;
    const std::string_view here = upstream.reader().unread();
    bool open = here.empty() || co_await to_client(here);
    while (open) {
        const auto got = co_await upstream.receive_raw(std::span(space), last + idle);
        if (got) {
            if (*got == 0) break;
            open = co_await to_client(std::string_view(space.data(), *got));
        } else if (got.error() == std::errc::timed_out && Clock::now() < last + idle) {
            continue;
        } else {
            open = false;
        }
    }
    if (open)
        exchange.end_raw(false);
    else
        break_off();
}

} // namespace

Task<> tunnel(http::Exchange& exchange, UpstreamConnection& upstream, std::chrono::milliseconds idle) {
    Tunnel both(exchange, upstream, idle);
    asio::co_spawn(exchange.context(), both.up(), asio::detached);
    co_await both.down();
    // The upstream has ended; what the client still says may take as long as it is not idle.
    while (both.up_running) {
        if (co_await both.over.wait(both.last + idle)) break;
        if (Clock::now() >= both.last + idle) both.break_off();
    }
    while (both.up_running) static_cast<void>(co_await both.over.wait());
}

} // namespace mpsup::accelerator

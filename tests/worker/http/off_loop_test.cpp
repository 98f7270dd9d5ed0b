#include "worker/http/off_loop.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <thread>

namespace mpsup::http {
namespace {

namespace asio = boost::asio;

TEST(OffLoop, RunsAJobInAnotherThread) {
    asio::io_context io;
    OffLoop threads(io, {.threads = 1});
    std::thread::id who;
    std::optional<bool> done;
    const auto ask = [&]() -> Task<> {
        std::function<void()> job = [&who] { who = std::this_thread::get_id(); };
        const bool ran = co_await threads.run(std::move(job));
        done = ran;
    };
    asio::co_spawn(io, ask(), asio::detached);
    io.run();
    EXPECT_EQ(done, true);
    EXPECT_NE(who, std::thread::id());
    EXPECT_NE(who, std::this_thread::get_id());
}

TEST(OffLoop, RefusesWhatIsTooMuch) {
    asio::io_context io;
    OffLoop threads(io, {.threads = 1, .waiting = 0});
    bool called = false;
    std::optional<bool> done;
    const auto ask = [&]() -> Task<> {
        std::function<void()> job = [&called] { called = true; };
        const bool ran = co_await threads.run(std::move(job));
        done = ran;
    };
    asio::co_spawn(io, ask(), asio::detached);
    io.run();
    EXPECT_EQ(done, false);
    EXPECT_FALSE(called);
}

TEST(OffLoop, WakesNobodyOnceTheLoopIsGone) {
    for (int i = 0; i < 50; ++i) {
        std::optional<asio::io_context> io(std::in_place);
        std::optional<OffLoop> threads(std::in_place, *io, Background::Options{.threads = 1});
        auto owned = std::make_shared<int>(i);
        asio::co_spawn(*io, threads->run([owned] { std::this_thread::yield(); }), asio::detached);
        io->poll();
        threads.reset();
        io.reset();
    }
}

} // namespace
} // namespace mpsup::http

#include "base/background.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <future>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

namespace mpsup {
namespace {

using namespace std::chrono_literals;

bool comes(std::future<void> future) { return future.wait_for(10s) == std::future_status::ready; }

TEST(Background, RunsEveryJobOnce) {
    Background threads({.threads = 3, .waiting = 1000});
    std::promise<void> all;
    std::atomic<int> left = 1000;
    for (int i = 0; i < 1000; ++i)
        ASSERT_TRUE(threads.run([&] {
            if (--left == 0) all.set_value();
        }));
    EXPECT_TRUE(comes(all.get_future()));
}

TEST(Background, RunsAsManyAtATimeAsItHasThreads) {
    Background threads({.threads = 3});
    std::promise<void> go;
    std::shared_future<void> may_go = go.get_future().share();
    std::promise<void> together;
    std::atomic<int> running = 0;
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(threads.run([&, may_go] {
            if (++running == 3) together.set_value();
            may_go.wait();
        }));
    EXPECT_TRUE(comes(together.get_future()));
    go.set_value();
}

TEST(Background, RefusesWhatIsTooMuch) {
    std::promise<void> go;
    std::promise<void> begun;
    const std::shared_future<void> may_go = go.get_future().share();
    Background threads({.threads = 1, .waiting = 2});
    ASSERT_TRUE(threads.run([&begun, may_go] {
        begun.set_value();
        may_go.wait();
    }));
    ASSERT_TRUE(comes(begun.get_future()));
    EXPECT_TRUE(threads.run([] {}));
    EXPECT_TRUE(threads.run([] {}));
    EXPECT_FALSE(threads.run([] {}));
    go.set_value();
    Background none({.threads = 0});
    EXPECT_FALSE(none.run([] {}));
}

TEST(Background, DropsWhatWaitsWhenItEnds) {
    struct Shared {
        std::promise<void> go, begun, gone;
        std::atomic<int> ran = 0;
    };
    const auto shared = std::make_shared<Shared>();
    std::weak_ptr<int> left_over;
    {
        Background threads({.threads = 1});
        ASSERT_TRUE(threads.run([shared] {
            shared->begun.set_value();
            shared->go.get_future().wait();
            ++shared->ran;
            shared->gone.set_value();
        }));
        ASSERT_TRUE(comes(shared->begun.get_future()));
        auto owned = std::make_shared<int>(1);
        left_over = owned;
        ASSERT_TRUE(threads.run([shared, owned] { ++shared->ran; }));
    }
    EXPECT_TRUE(left_over.expired()) << "what it owned is gone with it";
    shared->go.set_value();
    EXPECT_TRUE(comes(shared->gone.get_future()));
    EXPECT_EQ(shared->ran, 1);
}

TEST(Background, LeavesSignalsAloneAndIsAsNiceAsItWasTold) {
    Background threads({.threads = 1, .waiting = 1, .nice = 7});
    sigset_t blocked{};
    int nice = 0;
    std::promise<void> done;
    ASSERT_TRUE(threads.run([&] {
        ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
        nice = ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()));
        done.set_value();
    }));
    ASSERT_TRUE(comes(done.get_future()));
    EXPECT_EQ(::sigismember(&blocked, SIGTERM), 1);
    EXPECT_EQ(nice, 7 + ::getpriority(PRIO_PROCESS, 0));
}

} // namespace
} // namespace mpsup

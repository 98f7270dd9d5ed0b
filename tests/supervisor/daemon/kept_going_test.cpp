#include "supervisor/daemon/kept_going.h"

#include "supervisor/daemon/bell.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <stdexcept>

namespace mpsup {
namespace {

namespace asio = boost::asio;

class KeptGoingTest : public testing::Test {
protected:
    // Ends by an exception at first, so many times.
    asio::awaitable<void> work() {
        ++begun_;
        co_await pause_for(std::chrono::milliseconds(0));
        if (begun_ <= failing_) throw std::runtime_error("no memory");
    }
    void run() {
        KeptGoing what{"the work", [this] { return work(); }, [this] { return begun_ >= most_; },
                       std::chrono::milliseconds(1)};
        asio::co_spawn(context_, keep_going(std::move(what)),
                       [](const std::exception_ptr& thrown) { EXPECT_FALSE(thrown); });
        context_.run();
    }

    asio::io_context context_;
    int begun_ = 0, failing_ = 0, most_ = 100;
};

TEST_F(KeptGoingTest, IsBegunAgainAfterAnException) {
    failing_ = 2;
    testing::internal::CaptureStdout();
    run();
    EXPECT_EQ(begun_, 3);
    const std::string log = testing::internal::GetCapturedStdout();
    EXPECT_TRUE(log.contains("the work ended by an exception (no memory), and is begun again")) << log;
}

TEST_F(KeptGoingTest, EndsWithItsWork) {
    run();
    EXPECT_EQ(begun_, 1);
}

TEST_F(KeptGoingTest, IsNotBegunAgainWhenItIsOver) {
    failing_ = 1000;
    most_ = 4;
    run();
    EXPECT_EQ(begun_, 4);
}

} // namespace
} // namespace mpsup

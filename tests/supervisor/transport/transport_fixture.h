// Coroutines with a channel, and a peer that is a blocking socket.
#pragma once

#include "base/listener.h"
#include "supervisor/transport/channel.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <array>
#include <exception>
#include <fcntl.h>
#include <optional>
#include <sys/socket.h>

namespace mpsup {

class TransportFixture : public testing::Test {
protected:
    using Clock = Channel::Clock;

    /// The result of what is asked, when it is over.
    template <typename Value> Value run(boost::asio::awaitable<Value> asked) {
        std::optional<Value> result;
        spawn(std::move(asked), result);
        run_all();
        return std::move(result).value();
    }
    template <typename Value> void spawn(boost::asio::awaitable<Value> asked, std::optional<Value>& result) {
        boost::asio::co_spawn(context_, std::move(asked), [&](const std::exception_ptr& thrown, Value value) {
            EXPECT_FALSE(thrown);
            result = std::move(value);
        });
    }
    void run_all() {
        context_.restart();
        context_.run();
    }
    [[nodiscard]] std::uint16_t port() const { return listening_address(listener_.get())->port; }
    /// Connects, and takes the other end.
    void connect() {
        const auto connected = run(channel_.connect("127.0.0.1", port(), Clock::now() + std::chrono::seconds(20)));
        ASSERT_TRUE(connected) << connected.error().to_string();
        peer_.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        ASSERT_TRUE(peer_);
    }
    void say(std::string_view text) const {
        ASSERT_EQ(::send(peer_.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    }

    boost::asio::io_context context_;
    Fd listener_ = listen_tcp({"127.0.0.1", 0}).value();
    Channel channel_{context_.get_executor()};
    Fd peer_;
};

} // namespace mpsup

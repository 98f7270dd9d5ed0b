// Asks with an EtcdClient and waits for the answer.
#pragma once

#include "supervisor/cluster/etcd_client.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <exception>
#include <optional>

namespace mpsup::cluster {

class EtcdFixture : public testing::Test {
protected:
    /// The result of what is asked, when it is over.
    template <typename Value> Value run(boost::asio::awaitable<Value> asked) {
        std::optional<Value> result;
        spawn(std::move(asked), result);
        run_all();
        return std::move(result).value();
    }
    /// Until nothing is left to do.
    void run_all() {
        context_.restart();
        context_.run();
    }
    template <typename Value> void spawn(boost::asio::awaitable<Value> asked, std::optional<Value>& result) {
        boost::asio::co_spawn(context_, std::move(asked), [&](const std::exception_ptr& thrown, Value value) {
            EXPECT_FALSE(thrown);
            result = std::move(value);
        });
    }

    boost::asio::io_context context_;
};

} // namespace mpsup::cluster

// The connections to etcd's members: which are open, and whom to ask first.
#pragma once

#include "base/error.h"
#include "supervisor/cluster/etcd_client.h"
#include "supervisor/transport/channel.h"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mpsup::cluster {

/// What all operations of a client share. One event loop. Endpoints are named by their place in the options.
class EtcdConnections {
public:
    struct Connection {
        std::shared_ptr<Channel> channel{};
        bool used_before = false; // its other end may be gone without a word
    };

    enum class Use { question, watch };

    explicit EtcdConnections(EtcdOptions options) : options_(std::move(options)) {}

    [[nodiscard]] const EtcdOptions& options() const { return options_; }
    [[nodiscard]] const EtcdEndpoint& at(std::size_t endpoint) const { return options_.endpoints[endpoint]; }
    /// The one that answered last, then those that follow it.
    [[nodiscard]] std::vector<std::size_t> order() const;
    /// One that was given back, or a new one.
    [[nodiscard]] boost::asio::awaitable<Result<Connection>> take(std::size_t endpoint, Channel::Deadline deadline);
    /// A new one.
    [[nodiscard]] boost::asio::awaitable<Result<std::shared_ptr<Channel>>>
    open(std::size_t endpoint, Channel::Deadline deadline, Use use = Use::watch);
    /// After an answer that leaves it open.
    void give_back(std::size_t endpoint, std::shared_ptr<Channel> channel);

    void answered(std::size_t endpoint) { first_ = endpoint; }
    /// None of its connections is used for another question; watches over them end.
    void failed(std::size_t endpoint);
    void end_watches();
    /// Watches that begin belong to this; they are ended when it is another's turn.
    [[nodiscard]] unsigned watch_turn() const { return watch_turn_; }
    void cancel();
    [[nodiscard]] bool cancelled() const { return cancelled_; }

    /// Of the user of the options; empty: to log in first.
    std::string token{};

private:
    struct Open {
        std::size_t endpoint;
        Use use;
        std::weak_ptr<Channel> channel;
    };
    struct Idle {
        std::size_t endpoint;
        std::shared_ptr<Channel> channel;
    };
    void close_watches(std::optional<std::size_t> endpoint) const; // nullopt: at any
    boost::asio::awaitable<Result<>> secure(std::shared_ptr<Channel> channel, const EtcdEndpoint& endpoint,
                                            Channel::Deadline deadline) const;

    EtcdOptions options_;
    std::size_t first_ = 0;
    std::vector<Open> open_{};
    std::vector<Idle> idle_{};
    unsigned watch_turn_ = 0;
    bool cancelled_ = false;
};

} // namespace mpsup::cluster

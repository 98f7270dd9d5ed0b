// One question to etcd and its answer.
#pragma once

#include "base/error.h"
#include "supervisor/cluster/etcd_connections.h"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mpsup::cluster {

using Connections = std::shared_ptr<EtcdConnections>;

struct Question {
    const char* path;
    std::string body;                   // JSON
    std::chrono::milliseconds patience; // with one endpoint
    bool repeatable = true;             // it may be done twice
    bool needs_login = true;            // false: where there is a user it is asked without one, unless etcd wants one
};

/// Looks at an answer of status 200; an error is one that is none of etcd's.
using ReadAnswer = std::function<Result<>(const std::string& text)>;

/// Asks one endpoint after the other until there is an answer or a refusal, as etcd_client.h says.
[[nodiscard]] boost::asio::awaitable<Result<>> ask(Connections connections, Question question, ReadAnswer read);

// What a watch needs of it.

constexpr std::size_t answer_limit = 8 * 1024 * 1024;

[[nodiscard]] std::string request_text(const EtcdEndpoint& endpoint, const Question& question,
                                       const std::string& token);
/// Fills the token of `connections`, if there is a user and it is not there yet.
[[nodiscard]] boost::asio::awaitable<Result<>> log_in(Connections connections, std::size_t endpoint);
/// In etcd's words: the token is none of its (any longer), or there was none.
[[nodiscard]] bool wants_login(std::string_view words);
/// `of_others`: why those that were asked before did not answer.
[[nodiscard]] Error at_endpoint(const EtcdEndpoint& endpoint, const Error& error, const std::string& of_others);
[[nodiscard]] Error cancelled_error();

} // namespace mpsup::cluster

// Telling a web server that something happened.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace mpsup {

struct WebhookTarget {
    std::string host; // a name or a numeric address
    std::uint16_t port = 80;
    std::string authority; // the Host header
    std::string target;    // path and query
};

/// POST of a JSON document over a connection of its own. Empty: it was answered with 200 to 299; else what was wrong. Never throws,
/// never takes longer than the timeout. Of the reply the head is looked at only, 16 KiB at most. One event loop.
[[nodiscard]] boost::asio::awaitable<std::string> post_webhook(WebhookTarget target, std::string json,
                                                               std::chrono::milliseconds timeout);

} // namespace mpsup

// Coroutines that an exception does not end for good.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <string>

namespace mpsup {

struct KeptGoing {
    std::string name;                                   // "the watch of etcd"
    std::function<boost::asio::awaitable<void>()> work; // begins it, at first and again
    std::function<bool()> is_over;                      // it is not begun again
    std::chrono::milliseconds pause{1'000};
};

/// Until the work ends by itself. What it throws is in the log, and after the pause it is begun again. Never throws.
[[nodiscard]] boost::asio::awaitable<void> keep_going(KeptGoing what);

} // namespace mpsup

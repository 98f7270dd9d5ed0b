// Lines of several machines as one answer of the API.
#pragma once

#include "base/error.h"
#include "supervisor/control/server.h"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mpsup {

/// Takes a line; an empty one says that there was none for a while. False: no more is wanted.
using OnLineOfMachine = std::function<boost::asio::awaitable<bool>(std::string line)>;

/// Hands on all lines there are, JSON objects with `at_ms`, oldest first. `since_ms`: not those that were asked for,
/// but all from then on.
using ReadLines =
    std::function<boost::asio::awaitable<Result<>>(std::optional<std::int64_t> since_ms, OnLineOfMachine on_line)>;

/// Where the lines of one machine come from.
struct LinesOfMachine {
    std::string machine;
    ReadLines read;
};

struct LinesManner {
    bool follow = false;               // a machine that ends is asked again, from where it ended
    std::optional<std::size_t> last{}; // of what was there at the beginning so many alone, of all machines
};

/// Every line gets `machine`. What was there at the beginning is in the order of time. Other lines that come:
/// {"type":"trouble","machine":"app1","why":"no answer in time"}, of one that does not answer (any more), and
/// {"type":"nothing","why":"there is no log of app"} when every machine says that. Empty lines come while nothing does.
/// Ends when all have ended, or the client is gone. One event loop.
[[nodiscard]] boost::asio::awaitable<void> answer_lines(std::vector<LinesOfMachine> machines, LinesManner manner,
                                                        std::shared_ptr<ControlAnswer> answer);

} // namespace mpsup

// A file that is written without the event loop waiting for the disk.
#pragma once

#include "base/background.h"
#include "base/error.h"
#include "supervisor/daemon/bell.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace mpsup {

/// Whole or not at all (base/whole_file.h), by a thread that is started when there is first something to write. What waits to be
/// written is replaced by what comes later, so the last text is the one that stays. One event loop.
class BackgroundFile {
public:
    /// `on_failure`: on the event loop.
    BackgroundFile(const boost::asio::any_io_executor& executor, std::string path,
                   std::function<void(Error)> on_failure);
    /// As close().
    ~BackgroundFile();
    BackgroundFile(const BackgroundFile&) = delete;
    BackgroundFile& operator=(const BackgroundFile&) = delete;

    void write(std::string text);
    /// Until all of it is on the disk, or cannot be, or the deadline.
    [[nodiscard]] boost::asio::awaitable<void> wait_until_written(std::chrono::steady_clock::time_point deadline);
    /// The same, and the event loop waits: before this process becomes another program.
    void flush();
    /// flush(); of failures nothing is heard any more. While the executor's loop still exists.
    void close();

private:
    struct Loop;
    struct State;
    std::shared_ptr<Loop> loop_;
    std::shared_ptr<State> state_;
    Background thread_{Background::Options{}};
};

} // namespace mpsup

// Work that threads do for an event loop while that does something else.
#pragma once

#include "base/background.h"
#include "worker/http/task.h"

#include <functional>
#include <memory>

namespace mpsup::http {

/// Of one loop, in its thread. The threads are there once there was work.
class OffLoop {
public:
    OffLoop(boost::asio::io_context& io, const Background::Options& options);
    ~OffLoop();
    OffLoop(const OffLoop&) = delete;
    OffLoop& operator=(const OffLoop&) = delete;

    /// Returns when `job` was done in one of the threads. false, and at once: it was not, because too much waits already or no
    /// thread could be had. There is no deadline. The loop may end before the job does, which owns what it touches (Background).
    [[nodiscard]] Task<bool> run(std::function<void()> job);

private:
    struct Mailbox;
    boost::asio::io_context& io_;
    std::shared_ptr<Mailbox> mailbox_;
    Background threads_;
};

} // namespace mpsup::http

// Takes connections from listeners and hands them to the loops of a server.
#pragma once

#include "worker/http/event_loop.h"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <memory>
#include <vector>

namespace mpsup::http {

/// Lives in the thread of the first loop, which accepts for all: a connection goes where there are fewest, so that they
/// spread evenly whatever the kernel's order, and no new one wakes more than one thread. When the connections that are
/// allowed, or descriptors, run out, idle ones are closed; when there are none, accepting pauses for 50 ms, which the
/// log says once a second at most.
class Acceptor {
public:
    /// `loops`, and `options`, outlive it.
    Acceptor(std::vector<std::unique_ptr<EventLoop>>& loops, const ServerOptions& options);

    [[nodiscard]] Result<> listen(Fd listener, ListenerOptions options);
    /// Accepts nothing more.
    void close();

private:
    using Descriptor = boost::asio::posix::basic_stream_descriptor<Executor>;
    struct Listener {
        Descriptor descriptor;
        ListenerOptions options;
    };

    [[nodiscard]] Task<> accept_on(Listener& listener);
    [[nodiscard]] bool accept_some(Listener& listener);
    void hand_over();
    [[nodiscard]] EventLoop& emptiest() const noexcept;
    [[nodiscard]] bool make_room();
    void complain(const std::string& what);

    std::vector<std::unique_ptr<EventLoop>>& loops_;
    const std::size_t limit_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::vector<std::vector<Arrival>> leaving_; // of this turn, for each loop
    bool closed_ = false;
    TimePoint last_complaint_{};
};

} // namespace mpsup::http

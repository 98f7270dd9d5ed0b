// The listeners of a child, and when it accepts from them.
#pragma once

#include "base/fd.h"
#include "worker/dynamic/client.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

namespace mpsup::dynamic {

/// Watches them in the child's epoll, each with EPOLLEXCLUSIVE. Owns no descriptor. Used from one thread.
class Doors {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    Doors(int epoll, std::vector<int> public_listeners, std::vector<int> private_listeners, int handed_on);

    [[nodiscard]] bool is_public(int fd) const { return contains(public_, fd); }
    [[nodiscard]] bool is_private(int fd) const { return contains(private_, fd); }
    [[nodiscard]] const std::vector<int>& public_listeners() const { return public_; }
    /// Public ones that were opened: where clients may wait whom another child has left.
    [[nodiscard]] const std::vector<int>& opened() const { return opened_; }
    /// Who comes through this one.
    [[nodiscard]] Peer peer_of(int listener) const;

    void open_private();
    void open_public();
    /// Nobody comes in any more, for good.
    void close();
    /// Nothing: another child was faster, that client is gone, or we are out of descriptors; then all doors are shut for a while.
    [[nodiscard]] Fd accept(int listener, TimePoint now);
    /// When those are to be opened again, if they are.
    [[nodiscard]] const std::optional<TimePoint>& next_look() const { return open_again_at_; }
    void open_again(TimePoint now);

    /// The kernel wakes the idle process that came to a listener first, again and again, so that the others grow cold. One
    /// that waits for a client's request goes to the end of that queue, or more of them would gather with it, and wait for
    /// each other while others are idle.
    void queue_up_again();

private:
    static bool contains(const std::vector<int>& fds, int fd) { return std::ranges::find(fds, fd) != fds.end(); }
    void watch(int listener);
    void unwatch(const std::vector<int>& listeners);
    void shut_for_a_while(TimePoint now);

    int epoll_;
    std::vector<int> public_;
    std::vector<int> private_;
    int handed_on_;           // see PoolBoard
    std::vector<int> opened_; // public ones
    std::optional<TimePoint> open_again_at_;
    bool is_pool_socket_;
    bool closed_ = false;
};

} // namespace mpsup::dynamic

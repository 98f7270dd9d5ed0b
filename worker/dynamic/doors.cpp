#include "worker/dynamic/doors.h"

#include "base/listener.h"

#include <cerrno>
#include <cstdio>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <utility>

namespace mpsup::dynamic {

namespace {

constexpr auto accept_pause = std::chrono::milliseconds(20); // out of descriptors: let some client leave first

// A pool without an address has one listener, and that is a socket file.
bool is_socket_file(const std::vector<int>& listeners) {
    return !listeners.empty() && listening_path(listeners.front()).has_value();
}

} // namespace

Doors::Doors(int epoll, std::vector<int> public_listeners, std::vector<int> private_listeners, int handed_on)
    : epoll_(epoll),
      public_(std::move(public_listeners)),
      private_(std::move(private_listeners)),
      handed_on_(handed_on),
      is_pool_socket_(is_socket_file(public_)) {}

Peer Doors::peer_of(int listener) const {
    if (is_private(listener)) return Peer::supervisor;
    return is_pool_socket_ ? Peer::accelerator : Peer::client;
}

void Doors::open_private() {
    for (const int listener : private_) watch(listener);
}

void Doors::open_public() {
    if (closed_) return;
    for (const int listener : public_) watch(listener);
    opened_ = public_;
    watch(handed_on_);
}

void Doors::close() {
    closed_ = true;
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, handed_on_, nullptr);
    unwatch(public_);
    unwatch(private_);
}

Fd Doors::accept(int listener, TimePoint now) {
    Fd socket(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) shut_for_a_while(now);
    return socket;
}

void Doors::shut_for_a_while(TimePoint now) {
    if (!open_again_at_) std::fprintf(stderr, "mpsup: out of descriptors, pausing before the next client\n");
    open_again_at_ = now + accept_pause;
    unwatch(opened_);
    unwatch(private_);
}

void Doors::open_again(TimePoint now) {
    if (!open_again_at_ || now < *open_again_at_) return;
    open_again_at_.reset();
    if (closed_) return;
    for (const int listener : opened_) watch(listener);
    open_private();
}

void Doors::queue_up_again() {
    if (closed_ || open_again_at_) return;
    unwatch(opened_);
    for (const int listener : opened_) watch(listener);
}

void Doors::watch(int listener) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLEXCLUSIVE;
    event.data.fd = listener;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, listener, &event);
}

void Doors::unwatch(const std::vector<int>& listeners) {
    for (const int listener : listeners) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, listener, nullptr);
}

} // namespace mpsup::dynamic

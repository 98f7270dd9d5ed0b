#include "worker/dynamic/supervisor_link.h"

#include "base/earlier.h"

#include <cerrno>
#include <cstdio>
#include <poll.h>

namespace mpsup::dynamic {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto speak_again = std::chrono::milliseconds(50);
constexpr auto parting = std::chrono::seconds(1); // for what waits to be said at the end

} // namespace

short SupervisorLink::events() const noexcept {
    const bool speaks = session_ && session_->has_waiting() && !speak_at_;
    return speaks ? POLLIN | POLLOUT : POLLIN;
}

void SupervisorLink::say(const contract::Message& message, std::span<const int> fds) {
    if (!session_) return;
    const auto sent = session_->send(message, fds);
    if (sent || sent.error().code.value() == EPIPE || sent.error().code.value() == ECONNRESET) return; // it is gone
    std::fprintf(stderr, "mpsup: cannot tell the supervisor: %s\n", sent.error().to_string().c_str());
    lose(Clock::now());
}

std::optional<contract::Received> SupervisorLink::hear() {
    if (!session_) return std::nullopt;
    auto received = session_->receive();
    if (received) return std::move(*received);
    if (received.error().code.value() != EAGAIN) lose(Clock::now());
    return std::nullopt;
}

// A socket that is writable and takes nothing is tried again later: too many descriptors of our user are on their way.
void SupervisorLink::speak(bool is_writable, TimePoint now) {
    if (speak_at_ && now < *speak_at_) return;
    speak_at_.reset();
    if (is_writable && session_ && session_->has_waiting() && !session_->flush()) speak_at_ = now + speak_again;
}

void SupervisorLink::say_the_rest() {
    const auto end = Clock::now() + parting;
    while (session_ && session_->has_waiting() && Clock::now() < end) {
        pollfd entry{session_->fd(), POLLOUT, 0};
        if (::poll(&entry, 1, 10) > 0 && !session_->flush()) ::poll(nullptr, 0, 10);
    }
}

bool SupervisorLink::search(const contract::Return& with, TimePoint now) {
    search_at_ = now + contract::search_interval;
    if (!command_line_) return false;
    auto session = contract::Session::come_back(*command_line_, contract::Role::master, with);
    if (!session) return false;
    session_.emplace(std::move(*session));
    search_at_.reset();
    return true;
}

std::optional<SupervisorLink::TimePoint> SupervisorLink::next_look() const { return earlier(search_at_, speak_at_); }

void SupervisorLink::take(std::optional<contract::Session> session, TimePoint now) {
    session_ = std::move(session);
    search_at_.reset();
    speak_at_.reset();
    if (!session_) search_at_ = now; // lost meanwhile
}

void SupervisorLink::lose(TimePoint now) {
    session_.reset();
    search_at_ = now + contract::search_interval;
}

} // namespace mpsup::dynamic

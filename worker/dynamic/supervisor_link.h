// What a pool master says to its supervisor, who may be gone, or may never have been.
#pragma once

#include "worker/contract/session.h"

#include <chrono>
#include <optional>
#include <span>

namespace mpsup::dynamic {

/// Owns the connection. Never blocks, but in say_the_rest(). Who does not hear all of it is left, found again like another
/// one, and told everything anew. Used from one thread.
class SupervisorLink {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    /// Without `command_line` nobody is looked for.
    SupervisorLink(std::optional<contract::Session> session, std::optional<contract::CommandLine> command_line)
        : session_(std::move(session)), command_line_(std::move(command_line)) {}

    [[nodiscard]] bool is_there() const noexcept { return session_.has_value(); }
    [[nodiscard]] const std::optional<contract::CommandLine>& command_line() const noexcept { return command_line_; }
    /// For poll: -1 when there is nobody, and what to wait for.
    [[nodiscard]] int fd() const noexcept { return session_ ? session_->fd() : -1; }
    [[nodiscard]] short events() const noexcept;

    /// To nobody, if nobody is there. The descriptors stay the caller's. Too much of it for one who does not read: he is lost.
    void say(const contract::Message& message, std::span<const int> fds = {});
    /// What he says; nothing: that was all, or he is gone.
    [[nodiscard]] std::optional<contract::Received> hear();
    /// Says what waits, if the socket is writable or it is time to try again.
    void speak(bool is_writable, TimePoint now);
    /// The last of it, to one who reads: one second at most.
    void say_the_rest();

    /// Looks for another one if that is due.
    [[nodiscard]] bool search_is_due(TimePoint now) const { return search_at_ && now >= *search_at_; }
    /// True: somebody is there, and knows no more than `with` says.
    [[nodiscard]] bool search(const contract::Return& with, TimePoint now);
    /// When to speak or search next, if ever.
    [[nodiscard]] std::optional<TimePoint> next_look() const;

    /// Another process's connection is ours; without one somebody is looked for from now on.
    void take(std::optional<contract::Session> session, TimePoint now);
    /// It belongs to another process.
    void drop() noexcept { session_.reset(); }

private:
    void lose(TimePoint now);

    std::optional<contract::Session> session_;
    std::optional<contract::CommandLine> command_line_;
    std::optional<TimePoint> search_at_; // nothing: somebody is there, or never was
    std::optional<TimePoint> speak_at_;  // when to try again to say what waits
};

} // namespace mpsup::dynamic

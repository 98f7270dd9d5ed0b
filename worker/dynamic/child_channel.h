// What a pool master and one of its children say to each other.
#pragma once

#include "base/fd.h"

#include <chrono>
#include <optional>
#include <utility>

namespace mpsup::dynamic {

enum class ChannelWord : char {
    // to a child
    serve = 'S',   // accept clients
    drain = 'D',   // finish
    release = 'P', // finish, and then speak for yourself: you may become a master
    output = 'O',  // what descriptors 1 and 2 lead to was moved away: this is the new file
    access = 'A',  // the access log, as `output`
    ping = 'p',    // are you there? Said to idle ones only
    // to the master
    pong = 'o',     // I am
    ready = 'R',    // I answer
    slow = 'L',     // the request in hand is slow: its stack is in my scoreboard
    harakiri = 'h', // the application wants me to end: I am leaving
    refork = 'F',   // I have served enough to be a master
    worn_requests = 'q',
    worn_rss = 'm',
    worn_unshared = 'u',
    worn_age = 'a',
    worn_idle = 'i', // for one of these I should be replaced
};

/// Why a child is to go that says this; for people, lives for ever. Empty for other words.
[[nodiscard]] const char* reason_of(ChannelWord word) noexcept;

/// One end of a socketpair, owned. Nobody ever blocks on it.
class ChildChannel {
public:
    struct Pair;
    [[nodiscard]] static Result<Pair> make();

    [[nodiscard]] int fd() const noexcept { return socket_.get(); }
    /// False: the other end is gone.
    bool say(ChannelWord word) noexcept;
    /// A descriptor with it, which stays the caller's. False also when the other side has not listened for very long.
    bool pass(ChannelWord word, int fd) noexcept;

    void close() noexcept { socket_.reset(); }

    enum class Heard { word, nothing, end };
    /// What has been said; `word` is set when the answer is Heard::word.
    /// `passed`: the descriptor that came with it, if any.
    [[nodiscard]] Heard hear(ChannelWord& word, Fd& passed) noexcept;
    [[nodiscard]] Heard hear(ChannelWord& word) noexcept {
        Fd passed;
        return hear(word, passed);
    }

private:
    explicit ChildChannel(Fd socket) noexcept : socket_(std::move(socket)) {}
    Fd socket_;
};

struct ChildChannel::Pair {
    ChildChannel master;
    ChildChannel child;
};

} // namespace mpsup::dynamic

// What a pool master and one of its children say to each other.
#pragma once

#include "base/fd.h"

#include <chrono>
#include <optional>
#include <utility>

namespace mpsup::dynamic {

/// To a child: serve clients; finish. To the master: I answer.
enum class ChannelWord : char { serve = 'S', drain = 'D', ready = 'R' };

/// One end of a socketpair, owned. Nobody ever blocks on it.
class ChildChannel {
public:
    struct Pair;
    [[nodiscard]] static Result<Pair> make();

    [[nodiscard]] int fd() const noexcept { return socket_.get(); }
    /// False: the other end is gone.
    bool say(ChannelWord word) noexcept;

    void close() noexcept { socket_.reset(); }

    enum class Heard { word, nothing, end };
    /// What has been said; `word` is set when the answer is Heard::word.
    [[nodiscard]] Heard hear(ChannelWord& word) noexcept;

private:
    explicit ChildChannel(Fd socket) noexcept : socket_(std::move(socket)) {}
    Fd socket_;
};

struct ChildChannel::Pair {
    ChildChannel master;
    ChildChannel child;
};

} // namespace mpsup::dynamic

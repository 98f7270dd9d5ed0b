#include "worker/dynamic/child_channel.h"

#include <array>
#include <cerrno>
#include <sys/socket.h>

namespace mpsup::dynamic {

Result<ChildChannel::Pair> ChildChannel::make() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0)
        return system_failure("make channel");
    return Pair{ChildChannel(Fd(ends[0])), ChildChannel(Fd(ends[1]))};
}

bool ChildChannel::say(ChannelWord word) noexcept {
    const char byte = static_cast<char>(word);
    ssize_t sent;
    do sent = ::send(socket_.get(), &byte, 1, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == 1;
}

ChildChannel::Heard ChildChannel::hear(ChannelWord& word) noexcept {
    char byte = 0;
    ssize_t got;
    do got = ::recv(socket_.get(), &byte, 1, 0);
    while (got < 0 && errno == EINTR);
    if (got == 1) {
        word = static_cast<ChannelWord>(byte);
        return Heard::word;
    }
    return got < 0 && errno == EAGAIN ? Heard::nothing : Heard::end;
}

} // namespace mpsup::dynamic

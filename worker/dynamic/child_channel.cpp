#include "worker/dynamic/child_channel.h"

#include "base/fd_passing.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
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

bool ChildChannel::pass(ChannelWord word, int fd) noexcept {
    const char byte = static_cast<char>(word);
    return send_packet(socket_.get(), {&byte, 1}, std::span(&fd, 1)).has_value();
}

ChildChannel::Heard ChildChannel::hear(ChannelWord& word, Fd& passed) noexcept {
    char byte = 0;
    iovec data{&byte, 1};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t got;
    do got = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < 0) return errno == EAGAIN ? Heard::nothing : Heard::end;
    passed.reset();
    if (const cmsghdr* header = CMSG_FIRSTHDR(&message);
        header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
        passed.reset(fd);
    }
    if (got == 0) return Heard::end;
    word = static_cast<ChannelWord>(byte);
    return Heard::word;
}

const char* reason_of(ChannelWord word) noexcept {
    switch (word) {
    case ChannelWord::worn_requests: return "recycled: it had served its requests";
    case ChannelWord::worn_rss: return "recycled: its resident memory";
    case ChannelWord::worn_unshared: return "recycled: its unshared memory";
    case ChannelWord::worn_age: return "recycled: its age";
    case ChannelWord::worn_idle: return "recycled: idle for long";
    case ChannelWord::harakiri: return "psgix.harakiri: the application wanted it to end";
    default: return "";
    }
}

} // namespace mpsup::dynamic

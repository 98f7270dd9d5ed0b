// What a Client writes.
#include "worker/dynamic/client.h"
#include "worker/http/socket_io.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace mpsup::dynamic {

using http::Clock;

http::TimePoint Client::coarse_now() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return http::TimePoint(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

perl::Reply::Started Client::start(int status, std::span<const http::Field> fields, std::optional<std::uint64_t> length,
                                   bool close) {
    http::ResponseHead head;
    head.status = status;
    head.fields = peer_ == Peer::accelerator ? with_child(fields) : fields;
    head.length = length;
    head.close = close || taken_;
    status_ = status;
    failure_.clear();
    written_ = 0;
    pace_ = {};
    switch (connection_.respond(head, framing_, coarse_now())) {
    case http::HeadProblem::none: return Started::ok;
    case http::HeadProblem::bad_status: return Started::bad_status;
    case http::HeadProblem::bad_field_name: return Started::bad_field_name;
    case http::HeadProblem::bad_field_value: return Started::bad_field_value;
    }
    return Started::bad_status;
}

bool Client::write(std::string_view bytes) {
    if (client_gone_) return false;
    constexpr std::size_t told_of_failure = 200;
    if (status_ >= 500 && failure_.empty()) failure_ = bytes.substr(0, told_of_failure);
    http::ChunkSpace space{};
    std::array<std::string_view, 4> parts{connection_.output()};
    std::size_t count = 1;
    if (framing_ == http::BodyFraming::none) {
        bytes = {};
    } else if (framing_ == http::BodyFraming::chunked) {
        parts[count++] = http::chunk_start(space, bytes.size());
        parts[count++] = bytes;
        parts[count++] = http::chunk_end;
    } else {
        parts[count++] = bytes;
    }
    client_gone_ = !write_parts(std::span(parts).first(count));
    connection_.consume_output(connection_.output().size());
    if (!client_gone_) sent_ += bytes.size();
    return !client_gone_;
}

bool Client::send_file(int fd, std::uint64_t offset, std::uint64_t count) {
    if (client_gone_) return false;
    std::string_view head = connection_.output();
    http::ChunkSpace space{};
    std::string start(head);
    const bool is_chunked = framing_ == http::BodyFraming::chunked;
    if (is_chunked) start += http::chunk_start(space, count);
    client_gone_ = !write_out(start);
    connection_.consume_output(head.size());
    if (framing_ == http::BodyFraming::none) return !client_gone_;
    auto position = static_cast<off_t>(offset);
    while (count > 0 && !client_gone_) {
        constexpr std::uint64_t at_once = 1 << 20;
        const ssize_t sent = ::sendfile(socket_.get(), fd, &position, std::min(count, at_once));
        if (sent > 0) {
            count -= static_cast<std::uint64_t>(sent);
            sent_ += static_cast<std::uint64_t>(sent);
            written_ += static_cast<std::uint64_t>(sent);
            connection_.write_progress(coarse_now());
        } else if (sent < 0 && errno == EINTR) {
            continue;
        } else { // 0: the file became shorter than it was said to be
            client_gone_ = sent == 0 || errno != EAGAIN || !wait_writable();
        }
    }
    if (is_chunked && !client_gone_) client_gone_ = !write_out(http::chunk_end);
    return !client_gone_;
}

perl::Reply::Started Client::inform(int status, std::span<const http::Field> fields) {
    switch (connection_.inform(status, fields)) {
    case http::HeadProblem::none: break;
    case http::HeadProblem::bad_status: return Started::bad_status;
    case http::HeadProblem::bad_field_name: return Started::bad_field_name;
    case http::HeadProblem::bad_field_value: return Started::bad_field_value;
    }
    if (!client_gone_ && !connection_.output().empty()) client_gone_ = !write_out(connection_.output());
    connection_.consume_output(connection_.output().size());
    return Started::ok;
}

perl::Reply::Connection Client::take_connection() {
    taken_ = true;
    return {socket_.get(), connection_.unread()};
}

bool Client::write_out(std::string_view bytes) { return write_parts(std::span(&bytes, 1)); }

bool Client::write_parts(std::span<const std::string_view> parts) {
    std::array<iovec, 4> vectors{};
    std::size_t count = 0;
    std::size_t left = 0;
    for (const std::string_view part : parts) {
        if (part.empty()) continue;
        vectors[count++] = {const_cast<char*>(part.data()), part.size()};
        left += part.size();
    }
    iovec* first = vectors.data();
    while (left > 0) {
        msghdr message{};
        message.msg_iov = first;
        message.msg_iovlen = count;
        const ssize_t sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && (errno != EAGAIN || !wait_writable())) return false;
        if (sent < 0) continue;
        left -= static_cast<std::size_t>(sent);
        written_ += static_cast<std::uint64_t>(sent);
        connection_.write_progress(coarse_now());
        for (auto rest = static_cast<std::size_t>(sent); rest > 0;) {
            const std::size_t step = std::min(rest, first->iov_len);
            first->iov_base = static_cast<char*>(first->iov_base) + step;
            first->iov_len -= step;
            rest -= step;
            if (first->iov_len == 0 && count > 1) {
                ++first;
                --count;
            }
        }
    }
    return true;
}

// Of what was written, what has reached the client.
std::uint64_t Client::taken() const noexcept {
    return written_ - std::min(written_, http::unacknowledged(socket_.get()));
}

// Until the client takes more, or its time is over.
bool Client::wait_writable() {
    constexpr std::chrono::milliseconds look_again{1'000};
    const http::Deadlines& deadlines = (peer_ == Peer::accelerator ? context_.trusted : context_.options).deadlines;
    pace_.begin(taken(), Clock::now());
    for (;;) {
        const auto now = Clock::now();
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(pace_.look(taken(), now, deadlines) - now);
        if (left.count() <= 0) return false;
        pollfd entry{socket_.get(), POLLOUT, 0};
        const int ready = ::poll(&entry, 1, static_cast<int>(std::min(left, look_again).count()));
        if (ready < 0 && errno != EINTR) return false;
        if (ready <= 0) continue;
        pace_.end(Clock::now());
        return (entry.revents & POLLOUT) != 0;
    }
}

} // namespace mpsup::dynamic

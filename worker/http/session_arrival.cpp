// What comes before the first request of a Session: PROXY header, limits, TLS.
#include "worker/http/error_log.h"
#include "worker/http/proxy_protocol.h"
#include "worker/http/session.h"
#include "worker/http/tls_keeper.h"

#include <array>
#include <cerrno>
#include <poll.h>
#include <sys/socket.h>

namespace mpsup::http {

namespace {

constexpr std::string_view too_many = "HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain\r\nRetry-After: 1\r\n"
                                      "Content-Length: 22\r\nConnection: close\r\n\r\n429 Too Many Requests\n";

// The kernel wakes us when so many bytes are there (TCP): what is only looked at would wake us again and again.
bool wake_at(int socket, std::size_t bytes) {
    const int count = static_cast<int>(bytes);
    return ::setsockopt(socket, SOL_SOCKET, SO_RCVLOWAT, &count, sizeof count) == 0;
}

} // namespace

// False: the connection ends without a word, or after one.
Task<bool> Session::arrive() {
    bool good = true;
    if (listener_.proxy_protocol) good = co_await read_proxy_header();
    good = good && admit();
    if (good && listener_.tls) good = co_await shake_hands();
    co_return good;
}

Task<bool> Session::read_proxy_header() {
    const TimePoint until = read_until_ = Clock::now() + loop_.server.options.connection.deadlines.handshake;
    std::array<char, max_proxy_header> bytes; // NOLINT: filled by recv
    std::size_t seen = 0;
    for (;;) {
        const ssize_t count = ::recv(stream_.fd(), bytes.data(), bytes.size(), MSG_PEEK | MSG_DONTWAIT);
        if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) co_return false;
        const auto have = static_cast<std::size_t>(count < 0 ? 0 : count);
        ProxyHeader header = parse_proxy_header({bytes.data(), have});
        if (header.status == ProxyHeader::Status::bad) co_return false;
        if (header.status == ProxyHeader::Status::complete) {
            read_until_ = TimePoint::max();
            if (!wake_at(stream_.fd(), 1)) co_return false;
            if (::recv(stream_.fd(), bytes.data(), header.size, MSG_DONTWAIT) < 0) co_return false;
            if (!header.told) co_return true;
            client_.address = std::move(header.address);
            client_.port = header.port;
            client_.local_address = std::move(header.local_address);
            client_.local_port = header.local_port;
            co_return true;
        }
        // What is only looked at stays readable when the client has ended its side: nothing more will come then.
        pollfd end{stream_.fd(), POLLRDHUP, 0};
        if (Clock::now() >= until || (::poll(&end, 1, 0) > 0 && have == seen)) co_return false;
        seen = have;
        if (have == bytes.size() || !wake_at(stream_.fd(), have + 1)) co_return false;
        boost::system::error_code error;
        co_await wait_readable(error);
        if (error) co_return false;
    }
}

Task<bool> Session::shake_hands() {
    stream_.secure(listener_.tls->connect());
    read_until_ = Clock::now() + loop_.server.options.connection.deadlines.handshake;
    for (;;) {
        const IoStatus status = stream_.handshake();
        if (status == IoStatus::progress) break;
        if (status != IoStatus::blocked) co_return false;
        boost::system::error_code error;
        co_await wait_readable(error);
        if (error) co_return false;
    }
    read_until_ = TimePoint::max();
    client_.tls = true;
    http_.begin(Clock::now());
    co_return true;
}

// Is there room for one more of its address?
bool Session::admit() {
    if (!listener_.guarded || !loop_.server.options.guards.any()) return true;
    guard_ = GuardKey::of(client_.address);
    if (!guard_) return true;
    const Guards::Admission admission = loop_.server.guards.enter(*guard_, Clock::now());
    counted_ = admission == Guards::Admission::counted;
    if (admission != Guards::Admission::refused) return true;
    const std::string_view text[] = {too_many};
    if (!listener_.tls) static_cast<void>(stream_.send(text, false));
    stream_.end();
    return false;
}

void Session::name_local_end() {
    if (!client_.local_address.empty()) return;
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(stream_.fd(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return;
    client_.local_address = remote_text(address);
    client_.local_port = port_of(address);
}

} // namespace mpsup::http

#include "worker/link_check/page_client.h"

#include "worker/accelerator/response_reader.h"
#include "worker/http/request.h"
#include "worker/http/socket_io.h"
#include "worker/http/tls_stream.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <optional>
#include <poll.h>
#include <sys/socket.h>

namespace mpsup::link_check {

namespace {

using accelerator::ResponseReader;
using http::IoResult;
using http::IoStatus;

Result<> wait_for(int socket, short events, http::TimePoint deadline) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - http::Clock::now()).count();
        pollfd entry{socket, events, 0};
        const int ready = left > 0 ? ::poll(&entry, 1, static_cast<int>(left)) : 0;
        if (ready > 0) return {};
        if (ready == 0) return failure("no answer in time");
        if (errno != EINTR) return system_failure("wait for a connection");
    }
}

Result<Fd> connect_to(const Address& address, http::TimePoint deadline) {
    sockaddr_storage storage{};
    socklen_t size = 0;
    if (address.is_ipv6()) {
        auto& six = reinterpret_cast<sockaddr_in6&>(storage); // NOLINT: as connect(2) wants it
        six.sin6_family = AF_INET6;
        six.sin6_port = htons(address.port);
        ::inet_pton(AF_INET6, address.ip.c_str(), &six.sin6_addr);
        size = sizeof six;
    } else {
        auto& four = reinterpret_cast<sockaddr_in&>(storage); // NOLINT: as connect(2) wants it
        four.sin_family = AF_INET;
        four.sin_port = htons(address.port);
        ::inet_pton(AF_INET, address.ip.c_str(), &four.sin_addr);
        size = sizeof four;
    }
    Fd socket(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return system_failure("make a socket");
    const auto* const name = reinterpret_cast<const sockaddr*>(&storage); // NOLINT: as connect(2) wants it
    if (::connect(socket.get(), name, size) == 0) return socket;
    if (errno != EINPROGRESS) return system_failure("connect to " + address.to_string());
    if (auto ready = wait_for(socket.get(), POLLOUT, deadline); !ready) return std::unexpected(ready.error());
    int error = 0;
    socklen_t length = sizeof error;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
    if (error != 0) return system_failure("connect to " + address.to_string(), error);
    return socket;
}

// The bytes of one connection, plain or TLS, with waiting.
class Bytes {
public:
    Bytes(Fd socket, http::TimePoint deadline) : socket_(std::move(socket)), deadline_(deadline) {}

    Result<> secure(http::TlsConnection connection) {
        tls_.emplace(std::move(connection), socket_.get());
        for (;;) {
            const IoStatus status = tls_->handshake();
            if (status == IoStatus::progress) return {};
            if (status != IoStatus::blocked) return failure("the TLS handshake failed");
            if (auto ready = wait(); !ready) return ready;
        }
    }

    Result<> send(std::string_view text) {
        while (!text.empty()) {
            const IoResult sent =
                tls_ ? tls_->send({&text, 1}, false) : http::send_texts(socket_.get(), {&text, 1}, false);
            if (sent.status == IoStatus::failed) return failure("the connection ended");
            text.remove_prefix(sent.count);
            if (sent.status == IoStatus::blocked)
                if (auto ready = wait(POLLOUT); !ready) return ready;
        }
        while (tls_ && tls_->flush() == IoStatus::blocked)
            if (auto ready = wait(POLLOUT); !ready) return ready;
        return {};
    }

    /// 0: the end.
    Result<std::size_t> receive(std::span<char> space) {
        for (;;) {
            const IoResult got = tls_ ? tls_->receive(space) : http::receive(socket_.get(), space);
            if (got.status == IoStatus::progress) return got.count;
            if (got.status == IoStatus::ended) return 0;
            if (got.status == IoStatus::failed) return failure("the connection ended");
            if (auto ready = wait(); !ready) return std::unexpected(ready.error());
        }
    }

private:
    Result<> wait(short events = POLLIN) {
        return wait_for(socket_.get(), tls_ && tls_->wants_write() ? POLLOUT : events, deadline_);
    }

    Fd socket_;
    std::optional<http::TlsStream> tls_;
    http::TimePoint deadline_;
};

PageReply head_of(const accelerator::UpstreamHead& head) {
    PageReply reply{.status = head.status};
    for (const http::Field& field : head.fields) reply.fields.emplace_back(field.name, field.value);
    return reply;
}

Result<PageReply> read_reply(Bytes& bytes, std::size_t most) {
    ResponseReader reader;
    reader.start({});
    PageReply reply;
    for (;;) {
        const auto event = reader.next();
        if (event == ResponseReader::Event::failed) return failure(std::string("no good reply: ") + reader.problem());
        if (event == ResponseReader::Event::end) return reply;
        if (event == ResponseReader::Event::head) reply = head_of(reader.head());
        if (event == ResponseReader::Event::piece) {
            const std::size_t room = most - reply.body.size();
            reply.body.append(reader.piece().substr(0, room));
            reply.is_cut = reader.piece().size() > room;
            if (reply.is_cut) return reply;
        }
        if (event != ResponseReader::Event::need_input) continue;
        const auto got = bytes.receive(reader.input_space());
        if (!got) return std::unexpected(got.error());
        if (*got == 0) reader.received_end();
        if (*got > 0) reader.received(*got);
    }
}

// "shop.example" of "shop.example:8443"; empty for an IP address, which TLS has no name for.
std::string name_of(const std::string& authority) {
    if (authority.starts_with('[')) return {};
    std::string name = authority.substr(0, authority.find(':'));
    return Address::parse(name + ":1") ? std::string() : name;
}

} // namespace

std::string_view PageReply::find(std::string_view name) const noexcept {
    for (const auto& [each, value] : fields)
        if (http::equals_ignoring_case(each, name)) return value;
    return {};
}

PageClient::PageClient() = default;
PageClient::~PageClient() = default;
void PageClient::ContextDeleter::operator()(ssl_ctx_st* context) const noexcept { ::SSL_CTX_free(context); }

Result<PageReply> PageClient::get(const PageRequest& request, std::size_t most, http::TimePoint deadline) {
    auto socket = connect_to(request.address, deadline);
    if (!socket) return std::unexpected(socket.error());
    Bytes bytes(std::move(*socket), deadline);
    if (request.tls) {
        if (!context_) context_.reset(::SSL_CTX_new(::TLS_client_method()));
        http::TlsConnection connection(context_ ? ::SSL_new(context_.get()) : nullptr);
        if (!connection) return failure("cannot start TLS");
        ::SSL_set_connect_state(connection.get());
        std::string name = name_of(request.authority);
        // SSL_set_tlsext_host_name without the cast in that macro
        if (!name.empty() &&
            ::SSL_ctrl(connection.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) != 1)
            return failure("TLS takes no name " + name);
        if (auto secured = bytes.secure(std::move(connection)); !secured) return std::unexpected(secured.error());
    }
    const std::string head = "GET " + request.target + " HTTP/1.1\r\nHost: " + request.authority +
                             "\r\nUser-Agent: mpsup-links\r\nAccept: */*\r\nConnection: close\r\n\r\n";
    if (auto sent = bytes.send(head); !sent) return std::unexpected(sent.error());
    return read_reply(bytes, most);
}

} // namespace mpsup::link_check

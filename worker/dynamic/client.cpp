#include "worker/dynamic/client.h"

#include "worker/dynamic/forwarded.h"
#include "worker/http/percent.h"
#include "worker/http/socket_io.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstdio>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mpsup::dynamic {

namespace {

using http::Clock;

// Text of an address and port; false for a unix socket.
bool describe(const sockaddr_storage& address, std::string& ip, std::string& port) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.ss_family == AF_INET) {
        const auto& in = reinterpret_cast<const sockaddr_in&>(address);
        ip = ::inet_ntop(AF_INET, &in.sin_addr, text.data(), text.size());
        port = std::to_string(ntohs(in.sin_port));
        return true;
    }
    if (address.ss_family == AF_INET6) {
        const auto& in = reinterpret_cast<const sockaddr_in6&>(address);
        ip = ::inet_ntop(AF_INET6, &in.sin6_addr, text.data(), text.size());
        port = std::to_string(ntohs(in.sin6_port));
        return true;
    }
    return false;
}

void log_error(std::string_view request_line, const std::string& error) {
    std::fprintf(stderr, "mpsup: \"%.*s\": %s%s", static_cast<int>(std::min<std::size_t>(request_line.size(), 200)),
                 request_line.data(), error.c_str(), error.ends_with('\n') ? "" : "\n");
}

} // namespace

Client::Client(ClientContext& context, Fd socket, Peer peer_kind, http::TimePoint now)
    : context_(context),
      socket_(std::move(socket)),
      peer_(peer_kind),
      connection_(peer_ == Peer::accelerator ? context.trusted : context.options, now) {
    if (peer_ == Peer::accelerator) return; // it says on whose behalf it asks
    sockaddr_storage peer{};
    sockaddr_storage own{};
    socklen_t peer_size = sizeof peer;
    socklen_t own_size = sizeof own;
    if (::getpeername(socket_.get(), reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0)
        describe(peer, remote_address_, remote_port_);
    if (::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&own), &own_size) == 0 &&
        describe(own, server_name_, server_port_)) {
        const int on = 1;
        ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
}

Client::Turn Client::advance(http::TimePoint now) {
    using Event = http::Connection::Event;
    if (taken_) return Turn::closed;
    for (;;) {
        switch (connection_.next(now)) {
        case Event::linger:
            if (!std::exchange(lingering_, true)) ::shutdown(socket_.get(), SHUT_WR);
            if (!read_some(now)) return Turn::waiting;
            break;
        case Event::need_input:
            if (!connection_.output().empty() && !write_out(connection_.output())) connection_.received_end();
            connection_.consume_output(connection_.output().size());
            if (!read_some(now)) return Turn::waiting;
            break;
        case Event::head:
            body_.clear();
            if (connection_.request().framing != http::Framing::none) connection_.want_body();
            break;
        case Event::body:
            if (!take_body()) answer_error(503);
            break;
        case Event::body_end:
            if (peer_ == Peer::accelerator && is_abandoned()) return Turn::closed;
            if (peer_ == Peer::accelerator) heed_accelerator();
            return Turn::request;
        case Event::replied: write_own_reply(); break;
        case Event::close:
            if (connection_.must_reset()) {
                const linger now_and_hard{1, 0};
                ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &now_and_hard, sizeof now_and_hard);
            }
            return Turn::closed;
        }
    }
}

void Client::expired(http::TimePoint now) {
    may_read_ = true;
    if (!connection_.quiet_since() || !read_some(now)) connection_.expired();
}

bool Client::read_some(http::TimePoint now) {
    if (!may_read_) return false;
    const auto space = connection_.input_space();
    ssize_t got;
    do got = ::recv(socket_.get(), space.data(), space.size(), 0);
    while (got < 0 && errno == EINTR);
    may_read_ = got == static_cast<ssize_t>(space.size()); // what comes after less than that, the kernel tells
    if (got < 0 && errno == EAGAIN) return false;
    if (got <= 0)
        connection_.received_end();
    else
        connection_.received(static_cast<std::size_t>(got), now);
    return true;
}

// Whoever gave up while this waited in the queue wants no answer any more, and nothing to be done.
bool Client::is_abandoned() const noexcept {
    pollfd entry{socket_.get(), 0, 0};
    return ::poll(&entry, 1, 0) > 0 && (entry.revents & (POLLHUP | POLLERR)) != 0;
}

void Client::heed_accelerator() {
    const Forwarded forwarded = forwarded_of(connection_.request());
    remote_address_ = forwarded.remote_address;
    remote_port_ = forwarded.remote_port;
    server_name_ = forwarded.server_name;
    server_port_ = forwarded.server_port;
    is_secure_ = forwarded.is_secure;
    served_since_ = Clock::now();
}

// What an accelerator is told with each reply, and no application can say: who answered, and how long it took.
std::span<const http::Field> Client::with_child(std::span<const http::Field> fields) {
    constexpr std::string_view name = "Mpsup-Child";
    fields_.clear();
    for (const http::Field& field : fields)
        if (!http::equals_ignoring_case(field.name, name)) fields_.push_back(field);
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - served_since_).count();
    child_ = context_.child + " " + std::to_string(took);
    fields_.push_back({name, child_});
    return fields_;
}

// The application gave no answer.
void Client::fail(int status) {
    if (peer_ != Peer::accelerator) return connection_.refuse({status, "the application failed"}, coarse_now());
    const std::string text = std::to_string(status) + " " + std::string(http::reason_phrase(status)) + "\n";
    const http::Field fields[] = {{"Content-Type", "text/plain; charset=utf-8"}};
    const bool whole = start(status, fields, text.size(), true) == Started::ok && write(text);
    finish_reply(whole);
}

bool Client::take_body() {
    const auto stored = body_.append(connection_.body_piece());
    if (!stored) log_error(connection_.request_line(), stored.error().to_string());
    return stored.has_value();
}

void Client::write_own_reply() {
    const http::Refusal reply = connection_.own_reply();
    const bool whole = write_out(connection_.output());
    connection_.consume_output(connection_.output().size());
    log_reply(reply.status, 0);
    connection_.finish_response(whole, coarse_now());
}

void Client::answer_error(int status) { connection_.refuse({status, "the request cannot be stored"}, coarse_now()); }

bool Client::wants_file() const {
    if (!context_.files) return false;
    const auto path = http::decode_path(connection_.request().path);
    return path && context_.files->serves(*path);
}

bool Client::serve_without_application() {
    http::Reply& reply = context_.reply; // clear: send() leaves it so
    const http::Request& request = connection_.request();
    if (peer_ != Peer::client || !context_.links.redirect(request, reply)) {
        if (!wants_file()) return false;
        context_.files->answer(request, reply);
    }
    send(reply);
    return true;
}

void Client::send(http::Reply& reply) {
    status_ = 0;
    sent_ = 0;
    client_gone_ = false;
    bool whole = start(reply.status, reply.fields(), reply.length(), reply.close) == Started::ok;
    if (whole && !reply.parts.empty())
        whole = send_parts(reply);
    else if (whole && reply.source() >= 0)
        whole = send_file(reply.source(), reply.offset, reply.file_size);
    else if (whole && reply.length() > 0)
        whole = write(reply.lent.empty() ? reply.text : reply.lent);
    reply.clear();
    body_.clear();
    finish_reply(whole);
}

bool Client::send_parts(const http::Reply& reply) {
    const bool sent = std::ranges::all_of(reply.parts, [&](const http::FilePart& part) {
        return write(part.head) && send_file(reply.source(), part.offset, part.size);
    });
    return sent && write(reply.text);
}

void Client::serve(perl::Engine& engine) {
    const http::Request& request = connection_.request();
    const auto path = http::decode_path(request.path);
    if (!path) return status_ = 400, connection_.refuse({400, "bad escape in the path"}, coarse_now());
    status_ = 0;
    sent_ = 0;
    client_gone_ = taken_ = false;
    framing_ = http::BodyFraming::none;
    PageFilter* const filter = peer_ == Peer::client && context_.filter ? &*context_.filter : nullptr;
    const http::Request& seen = filter ? filter->begin(request, *this) : request;
    const perl::RequestInput input{seen,         *path,           body_.memory(), body_.file(),
                                   body_.size(), remote_address_, remote_port_,   server_name_,
                                   server_port_, is_secure_};
    const perl::CallOutcome outcome = filter ? engine.call(input, *filter) : engine.call(input, *this);
    body_.clear();
    if (!outcome.error.empty()) log_error(request.line, outcome.error);
    if (!outcome.started) {
        status_ = outcome.status;
        if (!taken_) fail(outcome.status);
        return;
    }
    bool whole = outcome.whole && !client_gone_;
    if (filter) whole = filter->finish(whole) && !client_gone_;
    if (whole && framing_ == http::BodyFraming::chunked) { // its head may still be here, when nothing was written
        const std::array<std::string_view, 2> end{connection_.output(), http::last_chunk};
        whole = write_parts(end);
        connection_.consume_output(connection_.output().size());
    }
    finish_reply(whole);
}

void Client::finish_reply(bool whole) {
    if (whole && !connection_.output().empty()) { // a head without content
        whole = write_out(connection_.output());
        connection_.consume_output(connection_.output().size());
    }
    log_reply(status_, sent_);
    connection_.finish_response(whole, coarse_now());
}

void Client::log_reply(int status, std::uint64_t bytes) {
    if (peer_ == Peer::supervisor) return;
    http::AccessRecord record;
    record.remote = remote_address_;
    record.request_line = connection_.request_line();
    record.status = status;
    record.bytes = bytes;
    const http::Request& request = connection_.request();
    record.referer = request.find("referer").value_or("");
    record.user_agent = request.find("user-agent").value_or("");
    context_.access_log.add(record);
}

} // namespace mpsup::dynamic

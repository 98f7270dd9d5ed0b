// One client of a child: the socket around an http::Connection.
#pragma once

#include "base/fd.h"
#include "worker/dynamic/body_store.h"
#include "worker/dynamic/page_filter.h"
#include "worker/http/access_log.h"
#include "worker/http/connection.h"
#include "worker/http/reply.h"
#include "worker/http/write_pace.h"
#include "worker/links/site_links.h"
#include "worker/perl/engine.h"
#include "worker/static/static_files.h"

#include <string>
#include <utility>
#include <vector>

namespace mpsup::dynamic {

/// Where a connection comes from.
enum class Peer {
    client,      // anybody
    supervisor,  // its own listener; not logged
    accelerator, // the socket of the pool: one request a connection, on behalf of a client
};

/// What clients of one child share.
struct ClientContext {
    http::Connection::Options options;
    http::AccessLog& access_log;
    http::Connection::Options trusted;          // of accelerators, which have looked at what they send
    std::string child;                          // "PID GENERATION", for accelerators
    static_files::StaticFiles* files = nullptr; // of a worker that serves files too
    links::SiteLinks links;
    std::optional<PageFilter> filter; // where links are rewritten
    http::Reply reply;                // without the application; its memory is used again
};

/// Reads without ever blocking, writes until the client has it all or its deadline passes: while a request is answered,
/// the child does nothing else. One thread.
class Client final : private perl::Reply {
public:
    Client(ClientContext& context, Fd socket, Peer peer, http::TimePoint now);

    enum class Turn {
        waiting, // for the socket to be readable, or the deadline
        request, // a request is whole: call serve()
        closed,  // nothing more will come of it
    };
    /// The socket may have something for us: without that word advance() reads what it has read already.
    void readable() noexcept { may_read_ = true; }
    /// Reads and obeys the engine until one of these.
    [[nodiscard]] Turn advance(http::TimePoint now);
    /// Its deadline has passed. A request that came in the last moment counts still (RFC 9112 section 9.6).
    void expired(http::TimePoint now);

    /// Answers the request in hand without the application, when it is for a file or for another server. Else false.
    [[nodiscard]] bool serve_without_application();
    /// Answers the request in hand by the application. Errors of the application go to stderr.
    void serve(perl::Engine& engine);

    /// Of the reply to it, once it was answered.
    [[nodiscard]] int status() const noexcept { return status_; }
    /// How the content of that reply began, if it is a 5xx of the application that said something.
    [[nodiscard]] std::string_view failure() const noexcept { return failure_; }
    [[nodiscard]] int fd() const noexcept { return socket_.get(); }
    [[nodiscard]] bool is_private() const noexcept { return peer_ == Peer::supervisor; }
    /// To be asked when it lets us wait: is it for the first time?
    [[nodiscard]] bool is_first_wait() noexcept { return !std::exchange(has_waited_, true); }
    [[nodiscard]] std::optional<http::TimePoint> deadline() const { return connection_.deadline(); }
    void drain() noexcept { connection_.drain(); }
    [[nodiscard]] const http::Request& request() const noexcept { return connection_.request(); }

private:
    [[nodiscard]] bool read_some(http::TimePoint now);
    [[nodiscard]] bool is_abandoned() const noexcept;
    void heed_accelerator();
    void fail(int status);
    [[nodiscard]] std::span<const http::Field> with_child(std::span<const http::Field> fields);
    [[nodiscard]] bool take_body();
    [[nodiscard]] bool write_out(std::string_view bytes);
    [[nodiscard]] bool write_parts(std::span<const std::string_view> parts);
    [[nodiscard]] bool wait_writable();
    [[nodiscard]] std::uint64_t taken() const noexcept;
    /// For deadlines of seconds: behind by the kernel's tick at most, and cheaper than the exact time.
    [[nodiscard]] static http::TimePoint coarse_now() noexcept;
    [[nodiscard]] bool send_parts(const http::Reply& reply);
    [[nodiscard]] bool wants_file() const;
    void send(http::Reply& reply);
    void write_own_reply();
    void answer_error(int status);
    void finish_reply(bool whole);
    void log_reply(int status, std::uint64_t bytes);

    // perl::Reply
    Started start(int status, std::span<const http::Field> fields, std::optional<std::uint64_t> length,
                  bool close) override;
    bool write(std::string_view bytes) override;
    bool send_file(int fd, std::uint64_t offset, std::uint64_t count) override;
    Started inform(int status, std::span<const http::Field> fields) override;
    Connection take_connection() override;

    ClientContext& context_;
    Fd socket_;
    Peer peer_;
    http::Connection connection_;
    BodyStore body_;
    std::string remote_address_ = "127.0.0.1";
    std::string remote_port_; // empty: of a unix socket, or not known
    std::string server_name_ = "localhost";
    std::string server_port_ = "80";
    bool is_secure_ = false;
    http::TimePoint served_since_{};  // of an accelerator's request
    std::vector<http::Field> fields_; // of the reply to an accelerator
    std::string child_;               // one of them
    http::BodyFraming framing_ = http::BodyFraming::none;
    int status_ = 0;
    std::uint64_t sent_ = 0;    // content bytes of the reply in hand
    std::uint64_t written_ = 0; // all bytes of it
    http::WritePace pace_;
    std::string failure_; // how its content began
    bool has_waited_ = false;
    bool may_read_ = true;
    bool lingering_ = false;
    bool client_gone_ = false;
    bool taken_ = false; // the application has the connection
};

} // namespace mpsup::dynamic

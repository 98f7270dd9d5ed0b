#include "worker/http/event_server.h"

#include "worker/contract/scoreboard.h"
#include "worker/http/error_log.h"
#include "worker/http/socket_io.h"

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <csignal>
#include <list>
#include <sys/socket.h>
#include <vector>

namespace asio = boost::asio;

namespace mpsup::http {

namespace {

using Socket = asio::basic_stream_socket<asio::generic::stream_protocol, Executor>;
using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
using Timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;
constexpr asio::use_awaitable_t<Executor> use_task;

constexpr std::size_t inline_file = 16384;                   // up to here one read and one send beat sendfile(2)
constexpr std::size_t sendfile_turn = std::size_t{1} << 20U; // then the other connections have theirs
constexpr int accepts_a_turn = 32;
constexpr std::chrono::milliseconds accept_pause{50};

} // namespace

class EventServer::Loop {
public:
    Loop(const Options& options, Handler& handler, AccessLog& log, contract::ScoreboardWriter& scoreboard)
        : options_(options), handler_(handler), log_(log), scoreboard_(scoreboard), ticker_(io_), signals_(io_) {}

    Result<> listen(Fd listener);
    void watch(int fd, std::function<bool()> readable);
    void on_terminate(std::function<void()> callback);
    void drain(std::chrono::milliseconds grace);
    void run();
    [[nodiscard]] std::size_t connections() const noexcept { return sessions_.size(); }

private:
    // One connection. Lives in sessions_ until its coroutine has ended.
    struct Session {
        Session(Loop& loop, Socket connected, std::string from, TimePoint now)
            : socket(std::move(connected)), remote(std::move(from)), http(loop.options_.connection, now) {}
        Socket socket;
        std::string remote;
        Connection http;
        Reply reply;
        std::optional<TimePoint> deadline; // of the wait in hand
        bool timed_out = false;
    };
    using Sessions = std::list<Session>;

    Task<> accept_on(std::size_t index);
    bool accept_some(int listener);
    void start(Fd connected, const sockaddr_storage& from);
    Task<> serve(Sessions::iterator position);
    Task<> read_more(Session& session);
    Task<> answer(Session& session, bool& open);
    Task<> send_head(Session& session, std::string_view content, bool more_follows, std::uint64_t& sent, bool& open);
    Task<> send_file(Session& session, std::uint64_t start, std::uint64_t size, std::uint64_t& sent, bool& open);
    Task<> send_parts(Session& session, std::uint64_t& sent, bool& open);
    Task<> wait_writable(Session& session, bool& open);
    void record(Session& session, int status, std::uint64_t bytes);
    void start_ticking();
    Task<> tick();
    void expire(TimePoint now);
    void check_drained();
    Task<> watch_loop(std::shared_ptr<Descriptor> descriptor, std::function<bool()> readable);

    const Options options_;
    Handler& handler_;
    AccessLog& log_;
    contract::ScoreboardWriter& scoreboard_;
    asio::io_context io_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
    std::vector<std::unique_ptr<Descriptor>> listeners_;
    std::vector<std::weak_ptr<Descriptor>> watched_;
    Sessions sessions_;
    Timer ticker_;
    asio::basic_signal_set<Executor> signals_;
    Client client_;
    LogNotes notes_;
    bool ticking_ = false;
    bool draining_ = false;
    TimePoint drain_end_ = TimePoint::max();
    TimePoint last_complaint_{};
};

Result<> EventServer::Loop::listen(Fd listener) {
    auto descriptor = std::make_unique<Descriptor>(io_);
    boost::system::error_code error;
    descriptor->assign(listener.get(), error);
    if (error) return std::unexpected(Error{"watch a listener", error});
    static_cast<void>(listener.release());
    listeners_.push_back(std::move(descriptor));
    asio::co_spawn(io_, accept_on(listeners_.size() - 1), asio::detached);
    return {};
}

Task<> EventServer::Loop::accept_on(std::size_t index) {
    Descriptor& listener = *listeners_[index];
    Timer pause(io_);
    while (!draining_) {
        boost::system::error_code error;
        co_await listener.async_wait(Descriptor::wait_read, asio::redirect_error(use_task, error));
        if (draining_) co_return;
        if (!error && accept_some(listener.native_handle())) continue;
        pause.expires_after(accept_pause);
        co_await pause.async_wait(asio::redirect_error(use_task, error));
    }
}

// False when the process has run out of something and should pause.
bool EventServer::Loop::accept_some(int listener) {
    for (int i = 0; i < accepts_a_turn; ++i) {
        Accepted accepted = accept_connection(listener);
        if (accepted.socket) {
            start(std::move(accepted.socket), accepted.from);
            continue;
        }
        if (accepted.error == EAGAIN) return true;
        const TimePoint now = Clock::now();
        if (now - last_complaint_ >= std::chrono::seconds(1)) {
            last_complaint_ = now;
            log_error(Severity::error, system_failure("accept", accepted.error).error().to_string());
        }
        return false;
    }
    return true;
}

void EventServer::Loop::start(Fd connected, const sockaddr_storage& from) {
    Socket socket(io_);
    boost::system::error_code error;
    socket.assign(asio::generic::stream_protocol(from.ss_family, 0), connected.get(), error);
    if (error) return log_error(Severity::error, "watch a connection: " + error.message());
    static_cast<void>(connected.release());
    const auto remote = log_.enabled() ? remote_text(from) : std::string();
    const auto position = sessions_.emplace(sessions_.end(), *this, std::move(socket), remote, Clock::now());
    start_ticking();
    asio::co_spawn(io_, serve(position), [this, position](const std::exception_ptr& failed) {
        // Out of memory is all that can have been thrown: it costs this one connection.
        if (failed) log_error(Severity::error, "a connection was given up for want of memory");
        sessions_.erase(position);
        check_drained();
    });
}

Task<> EventServer::Loop::serve(Sessions::iterator position) {
    Session& session = *position;
    Connection& http = session.http;
    bool open = true;
    bool pending = false; // a request whose body is being read
    while (open) {
        const auto event = http.next(Clock::now());
        switch (event) {
        case Connection::Event::need_input:
            // Whatever of the body is not here yet is not worth waiting for: no handler of an event loop reads it.
            if (std::exchange(pending, false))
                co_await answer(session, open);
            else
                co_await read_more(session);
            break;
        case Connection::Event::head: pending = true; break;
        case Connection::Event::body: break;
        case Connection::Event::body_end:
            pending = false;
            co_await answer(session, open);
            break;
        case Connection::Event::replied: {
            std::uint64_t sent = 0;
            pending = false;
            const int status = http.own_reply().status;
            co_await send_head(session, {}, false, sent, open);
            record(session, status, 0);
            if (open) http.finish_response(true, Clock::now());
            break;
        }
        case Connection::Event::linger: ::shutdown(session.socket.native_handle(), SHUT_WR); break;
        case Connection::Event::close: open = false; break;
        }
    }
    if (http.must_reset()) {
        const linger reset{1, 0};
        ::setsockopt(session.socket.native_handle(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    }
}

Task<> EventServer::Loop::read_more(Session& session) {
    const std::span<char> space = session.http.input_space();
    session.deadline = session.http.deadline();
    boost::system::error_code error;
    const std::size_t count = co_await session.socket.async_read_some(asio::buffer(space.data(), space.size()),
                                                                      asio::redirect_error(use_task, error));
    session.deadline.reset();
    const bool timed_out = std::exchange(session.timed_out, false);
    if (!error)
        session.http.received(count, Clock::now());
    else if (timed_out)
        session.http.expired();
    else
        session.http.received_end(); // the end of the stream, a reset: nothing more will come
}

Task<> EventServer::Loop::answer(Session& session, bool& open) {
    Connection& http = session.http;
    Reply& reply = session.reply;
    reply.clear();
    scoreboard_.set(contract::Activity::sending);
    static_cast<void>(handler_.begin(http.request(), client_, notes_, reply));
    BodyFraming framing{};
    const ResponseHead head{reply.status, reply.fields(), reply.length(), reply.close};
    if (http.respond(head, framing, Clock::now()) != HeadProblem::none) {
        http.refuse({500, "the handler's fields are bad"}, Clock::now());
        co_return;
    }
    std::uint64_t sent = 0;
    bool whole = true;
    if (framing == BodyFraming::none) {
        co_await send_head(session, {}, false, sent, open);
    } else if (!reply.parts.empty()) {
        co_await send_parts(session, sent, open);
        whole = sent == reply.length();
    } else if (reply.source() < 0) {
        co_await send_head(session, reply.lent.empty() ? reply.text : reply.lent, false, sent, open);
    } else if (reply.file_size <= inline_file) {
        // A small file goes out with the head in one call.
        whole = read_part(reply.source(), reply.offset, reply.file_size, reply.text);
        co_await send_head(session, reply.text, false, sent, open);
    } else {
        co_await send_head(session, {}, true, sent, open);
        if (open) co_await send_file(session, reply.offset, reply.file_size, sent, open);
        whole = sent == reply.file_size;
    }
    record(session, reply.status, sent);
    scoreboard_.end_request(0);
    reply.clear();
    if (open) http.finish_response(whole, Clock::now());
}

// Writes output() and `content`; `sent` counts the content only.
Task<> EventServer::Loop::send_head(Session& session, std::string_view content, bool more_follows, std::uint64_t& sent,
                                    bool& open) {
    Connection& http = session.http;
    while (open && (!http.output().empty() || !content.empty())) {
        const std::string_view head = http.output();
        const IoResult result = send_texts(session.socket.native_handle(), head, content, more_follows);
        if (result.status == IoStatus::progress) {
            const std::size_t of_head = std::min(result.count, head.size());
            http.consume_output(of_head);
            content.remove_prefix(result.count - of_head);
            sent += result.count - of_head;
        } else if (result.status == IoStatus::blocked) {
            co_await wait_writable(session, open);
        } else {
            open = false;
        }
    }
}

// Each with what goes before it; the end of it all is text.
Task<> EventServer::Loop::send_parts(Session& session, std::uint64_t& sent, bool& open) {
    const Reply& reply = session.reply;
    for (const FilePart& part : reply.parts) {
        co_await send_head(session, part.head, true, sent, open);
        const std::uint64_t before = sent;
        if (open) co_await send_file(session, part.offset, part.size, sent, open);
        if (!open || sent - before < part.size) co_return;
    }
    co_await send_head(session, reply.text, false, sent, open);
}

// Less than `size` when the file has become shorter.
Task<> EventServer::Loop::send_file(Session& session, std::uint64_t start, std::uint64_t size, std::uint64_t& sent,
                                    bool& open) {
    auto offset = static_cast<off_t>(start);
    const std::uint64_t end = sent + size;
    while (open && sent < end) {
        const std::uint64_t wanted = std::min<std::uint64_t>(end - sent, sendfile_turn);
        const IoResult result =
            send_file_part(session.socket.native_handle(), session.reply.source(), offset, wanted);
        if (result.status == IoStatus::ended) co_return;
        if (result.status == IoStatus::failed) {
            open = false;
            co_return;
        }
        sent += result.count;
        if (result.count > 0) session.http.write_progress(Clock::now());
        if (sent < end && (result.status == IoStatus::blocked || result.count == sendfile_turn))
            co_await wait_writable(session, open);
    }
}

Task<> EventServer::Loop::wait_writable(Session& session, bool& open) {
    session.deadline = session.http.deadline();
    boost::system::error_code error;
    co_await session.socket.async_wait(Socket::wait_write, asio::redirect_error(use_task, error));
    session.deadline.reset();
    session.timed_out = false;
    if (error)
        open = false;
    else
        session.http.write_progress(Clock::now());
}

void EventServer::Loop::record(Session& session, int status, std::uint64_t bytes) {
    if (!log_.enabled()) return;
    const Request& request = session.http.request();
    AccessRecord line;
    line.remote = session.remote;
    line.request_line = session.http.request_line();
    line.status = status;
    line.bytes = bytes;
    if (!line.request_line.empty() && line.request_line.data() == request.line.data()) {
        line.referer = request.find("Referer").value_or("");
        line.user_agent = request.find("User-Agent").value_or("");
    }
    log_.add(line);
    start_ticking();
}

void EventServer::Loop::start_ticking() {
    if (!std::exchange(ticking_, true)) asio::co_spawn(io_, tick(), asio::detached);
}

// Runs while there is something to time: an idle worker sleeps.
Task<> EventServer::Loop::tick() {
    while (!sessions_.empty() || log_.pending() || (draining_ && !io_.stopped())) {
        ticker_.expires_after(options_.tick);
        boost::system::error_code error;
        co_await ticker_.async_wait(asio::redirect_error(use_task, error));
        log_.flush();
        expire(Clock::now());
        check_drained();
    }
    ticking_ = false;
}

void EventServer::Loop::expire(TimePoint now) {
    for (Session& session : sessions_) {
        if (!session.deadline || *session.deadline > now) continue;
        session.timed_out = true;
        session.deadline.reset();
        boost::system::error_code ignored;
        session.socket.cancel(ignored);
    }
}

void EventServer::Loop::drain(std::chrono::milliseconds grace) {
    drain_end_ = std::min(drain_end_, Clock::now() + grace);
    if (std::exchange(draining_, true)) return;
    boost::system::error_code ignored;
    for (const auto& listener : listeners_) listener->close(ignored);
    for (Session& session : sessions_) session.http.drain();
    start_ticking();
    asio::post(io_, [this] { check_drained(); });
}

void EventServer::Loop::check_drained() {
    if (draining_ && (sessions_.empty() || Clock::now() >= drain_end_)) io_.stop();
}

void EventServer::Loop::watch(int fd, std::function<bool()> readable) {
    auto descriptor = std::make_shared<Descriptor>(io_, fd);
    watched_.push_back(descriptor);
    asio::co_spawn(io_, watch_loop(std::move(descriptor), std::move(readable)), asio::detached);
}

Task<> EventServer::Loop::watch_loop(std::shared_ptr<Descriptor> descriptor, std::function<bool()> readable) {
    for (;;) {
        boost::system::error_code error;
        co_await descriptor->async_wait(Descriptor::wait_read, asio::redirect_error(use_task, error));
        if (error || !readable()) break;
    }
    static_cast<void>(descriptor->release());
}

void EventServer::Loop::on_terminate(std::function<void()> callback) {
    boost::system::error_code error;
    signals_.add(SIGTERM, error);
    signals_.async_wait([callback = std::move(callback)](const boost::system::error_code& failed, int) {
        if (!failed) callback();
    });
}

void EventServer::Loop::run() {
    scoreboard_.set(contract::Activity::waiting);
    io_.run();
    log_.flush();
    // The descriptors that are only watched are not ours to close.
    for (const auto& watched : watched_)
        if (const auto descriptor = watched.lock(); descriptor && descriptor->is_open())
            static_cast<void>(descriptor->release());
}

EventServer::EventServer(const Options& options, Handler& handler, AccessLog& log,
                         contract::ScoreboardWriter& scoreboard)
    : loop_(std::make_unique<Loop>(options, handler, log, scoreboard)) {}
EventServer::~EventServer() = default;
Result<> EventServer::listen(Fd listener) { return loop_->listen(std::move(listener)); }
void EventServer::watch(int fd, std::function<bool()> readable) { loop_->watch(fd, std::move(readable)); }
void EventServer::on_terminate(std::function<void()> callback) { loop_->on_terminate(std::move(callback)); }
void EventServer::drain(std::chrono::milliseconds grace) { loop_->drain(grace); }
void EventServer::run() { loop_->run(); }
std::size_t EventServer::connections() const noexcept { return loop_->connections(); }

} // namespace mpsup::http

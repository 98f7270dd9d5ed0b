#include "worker/http/session.h"

#include "worker/contract/scoreboard.h"
#include "worker/http/error_log.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

namespace asio = boost::asio;

namespace mpsup::http {

namespace {

constexpr asio::use_awaitable_t<Executor> use_task;
constexpr std::chrono::milliseconds rest_after{1'000};
constexpr std::size_t sendfile_turn = std::size_t{1} << 20U; // then the other connections have theirs

std::int64_t milliseconds_of(TimePoint time) noexcept {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

bool fits_memory(const Reply& reply) noexcept {
    constexpr std::size_t inline_file = 16384; // up to here one read and one send beat sendfile(2)
    return reply.parts.empty() && (reply.source() < 0 || reply.file_size <= inline_file);
}

// An answer that waits for something shows in the scoreboard.
class Busy {
public:
    explicit Busy(LoopParts& loop) noexcept : loop_(loop) {
        if (loop_.server.busy++ == 0) loop_.server.scoreboard.set(contract::Activity::sending);
    }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;
    ~Busy() {
        if (--loop_.server.busy == 0) loop_.server.scoreboard.set(contract::Activity::waiting);
    }

private:
    LoopParts& loop_;
};

} // namespace

Session::Session(LoopParts& loop, const ListenerOptions& listener, Stream stream, Client client, TimePoint now)
    : loop_(loop),
      listener_(listener),
      stream_(std::move(stream)),
      client_(std::move(client)),
      http_(loop.server.options.connection, now),
      now_(now) {
    client_.trusted = listener.trusted;
}

Session::~Session() {
    if (guard_ && counted_) loop_.server.guards.leave(*guard_);
}

Task<> Session::run() {
    arriving_ = listener_.proxy_protocol || listener_.tls;
    if (arriving_)
        open_ = co_await arrive();
    else
        open_ = admit();
    if (std::exchange(arriving_, false)) now_ = Clock::now();
    while (open_) {
        switch (http_.next(now_)) {
        case Connection::Event::need_input:
            if (!turn_) {
                co_await read_more();
                break;
            }
            // Whatever of the content is not here yet is not worth waiting for.
            [[fallthrough]];
        case Connection::Event::body_end:
            if (!answer_at_once()) co_await answer_slowly(turn_->reply);
            break;
        case Connection::Event::head:
            if (!begin_request()) co_await serve();
            break;
        case Connection::Event::body: break;
        case Connection::Event::replied: co_await send_own_reply(); break;
        case Connection::Event::linger: stream_.end(); break;
        case Connection::Event::close: open_ = false; break;
        }
    }
    if (cut_ || http_.must_reset())
        stream_.make_reset();
    else if (stream_.is_secure())
        stream_.end(); // with a close_notify the client knows that nothing was cut
}

Task<> Session::read_more() {
    read_until_ = http_.deadline().value_or(TimePoint::max());
    boost::system::error_code error;
    const std::span<char> space = http_.input_space();
    std::size_t count = 0;
    if (!stream_.is_secure()) {
        count = co_await stream_.socket().async_read_some(asio::buffer(space.data(), space.size()),
                                                          asio::redirect_error(use_task, error));
    } else {
        const IoResult result = stream_.receive(space);
        count = result.count;
        if (result.status == IoStatus::blocked)
            co_await wait_readable(error);
        else if (result.status != IoStatus::progress)
            error = asio::error::eof;
    }
    if (resting_ && !timed_out_ && error == asio::error::operation_aborted) {
        http_.rest();
        stream_.rest();
        co_await wait_readable(error);
    }
    resting_ = false;
    read_until_ = TimePoint::max();
    now_ = Clock::now();
    const bool timed_out = std::exchange(timed_out_, false);
    // What came in the last moment is a request, and closing over it would lose it (RFC 9112 section 9.6).
    if (error && timed_out && http_.quiet_since()) count = stream_.receive(http_.input_space()).count;
    if (count > 0) error.clear();
    if (!error && count == 0) co_return; // there is something to be read now
    if (!error)
        http_.received(count, now_);
    else if (timed_out)
        http_.expired();
    else
        http_.received_end(); // the end of the stream, a reset: nothing more will come
}

Task<> Session::wait_readable(boost::system::error_code& error) {
    co_await stream_.socket().async_wait(stream_.wait_type(), asio::redirect_error(use_task, error));
}

void Session::interrupt() noexcept {
    boost::system::error_code ignored;
    stream_.socket().cancel(ignored);
}

void Session::tick(TimePoint now) {
    if (turn_ && turn_->status == 101 && read_until_ <= now)
        read_until_ = http_.deadline().value_or(TimePoint::max()); // the other way was in use
    if (write_until_ != TimePoint::max() && is_paced())
        write_until_ = turn_->pace.look(taken(), now, loop_.server.options.connection.deadlines);
    if (std::min(read_until_, write_until_) <= now) {
        read_until_ = write_until_ = TimePoint::max();
        timed_out_ = true;
        interrupt();
    } else if (const auto since = http_.quiet_since(); !resting_ && !timed_out_ && !arriving_ &&
                                                       read_until_ != TimePoint::max() && since &&
                                                       now - *since >= rest_after) {
        resting_ = true;
        interrupt();
    }
}

bool Session::watched() const noexcept {
    return turn_ && turn_->gone && std::min(read_until_, write_until_) == TimePoint::max();
}

void Session::give_up() noexcept {
    timed_out_ = true;
    interrupt();
}

void Session::client_gone() {
    open_ = false;
    std::exchange(turn_->gone, nullptr)();
}

void Session::abandon() {
    if (!turn_) return;
    if (turn_->touched && turn_->framing == BodyFraming::until_close) stream_.make_reset();
    now_ = Clock::now();
    record(turn_->status != 0 ? turn_->status : 503);
}

// False: the handler will serve it later.
bool Session::begin_request() {
    turn_ = loop_.turns.take();
    turn_->start = now_;
    if (guard_ && over_rate(*guard_)) return true;
    return loop_.handler.begin(http_.request(), client_, turn_->notes, turn_->reply) == Handler::Verdict::answered;
}

// RFC 6585 section 4.
bool Session::over_rate(const GuardKey& client) {
    const auto wait = loop_.server.guards.charge(client, now_);
    if (!wait) return false;
    Reply& reply = turn_->reply;
    reply.status = 429;
    reply.add("Content-Type", "text/plain; charset=utf-8");
    reply.add("Retry-After", std::to_string(wait->count()));
    reply.text = "429 Too Many Requests\n";
    if (auto page = loop_.handler.refusal_page(reply.status, &http_.request())) reply.set_page(std::move(page));
    return true;
}

Task<> Session::serve() {
    const Busy busy(loop_);
    name_local_end();
    try {
        co_await loop_.handler.serve(*this);
    } catch (const std::exception& failed) {
        log_error(Severity::error, std::string("a request was given up: ") + failed.what());
    }
    turn_->gone = nullptr;
    now_ = Clock::now();
    if (turn_->refused && open_) co_return; // next() says replied
    if (turn_->status == 101) open_ = false;
    if (turn_->status != 0 || !open_)
        end_answer(turn_->whole);
    else
        http_.refuse({502, "the handler gave no answer"}, now_);
}

Task<> Session::send_own_reply() {
    const int status = http_.own_reply().status;
    if (turn_) turn_->status = status;
    if (status >= 400)
        if (const auto page = loop_.handler.refusal_page(status, http_.refused_request())) http_.dress_own_reply(*page);
    co_await send_output();
    now_ = Clock::now();
    record(status);
    if (open_) http_.finish_response(true, now_);
    if (turn_) loop_.turns.give(std::move(turn_));
}

// False: the fields are bad, and next() will say replied.
bool Session::respond(Reply& reply) {
    BodyFraming framing{};
    const ResponseHead head{reply.status, reply.fields(), reply.length(), reply.close};
    if (http_.respond(head, framing, now_) != HeadProblem::none) {
        http_.refuse({500, "the handler's fields are bad"}, now_);
        return false;
    }
    turn_->status = reply.status;
    turn_->framing = framing;
    turn_->left = framing == BodyFraming::none ? 0 : reply.length();
    if (turn_->left == 0 || !fits_memory(reply)) return true;
    if (reply.source() >= 0) static_cast<void>(read_part(reply.source(), reply.offset, reply.file_size, reply.text));
    turn_->content = reply.lent.empty() ? std::string_view(reply.text) : reply.lent;
    return true;
}

// The whole of it in one call to the system, as nearly always. False: answer_slowly() goes on.
bool Session::answer_at_once() {
    Reply& reply = turn_->reply;
    if (!respond(reply)) return true;
    if (turn_->left > 0 && !fits_memory(reply)) return false;
    const IoStatus status = push(turn_->content, {}, false);
    if (status == IoStatus::blocked) return false;
    open_ = status == IoStatus::progress;
    now_ = Clock::now();
    end_answer(turn_->sent == turn_->left);
    return true;
}

Task<> Session::answer_slowly(Reply& reply) {
    const Busy busy(loop_);
    const bool from_file = turn_->left > 0 && !fits_memory(reply);
    co_await send_all(turn_->content, from_file);
    if (from_file && !reply.parts.empty())
        co_await send_parts(reply);
    else if (from_file && open_)
        co_await send_file(reply.source(), reply.offset, reply.file_size);
    if (from_file && open_ && turn_->sent == turn_->left) co_await send_output(); // TLS may hold back a last record
    turn_->whole = open_ && turn_->sent == turn_->left;
    now_ = Clock::now();
    if (&reply == &turn_->reply) end_answer(turn_->whole);
}

void Session::end_answer(bool whole) {
    // As others say it: the client left before there was an answer.
    record(open_ || turn_->touched ? turn_->status : 499);
    loop_.server.scoreboard.count_request(milliseconds_of(now_));
    // The end of the connection would look like the end of the content.
    cut_ = !whole && turn_->touched && turn_->framing == BodyFraming::until_close;
    if (open_) http_.finish_response(whole, now_);
    loop_.turns.give(std::move(turn_));
}

void Session::record(int status) {
    if (!loop_.log.enabled()) return;
    const Request& request = http_.request();
    AccessRecord line;
    line.remote = client_.address;
    if (turn_ && (loop_.log.wants_all() || !turn_->notes.empty())) {
        line.notes = &turn_->notes;
        line.took = std::chrono::duration_cast<std::chrono::microseconds>(now_ - turn_->start);
        line.bytes_in = http_.body_received();
    }
    line.request_line = http_.request_line();
    line.status = status;
    line.bytes = turn_ ? turn_->sent : 0;
    if (!line.request_line.empty() && line.request_line.data() == request.line.data()) {
        line.referer = request.find("Referer").value_or("");
        line.user_agent = request.find("User-Agent").value_or("");
    }
    loop_.log.add(line);
}

// Output, `content` and what comes after that, as far as the client takes it at once. What is left of `content` stays, of
// `after` it goes to the output.
IoStatus Session::push(std::string_view& content, std::string_view after, bool more_follows) {
    for (;;) {
        const std::string_view head = http_.output();
        if (head.empty() && content.empty()) return more_follows ? IoStatus::progress : stream_.flush();
        const std::string_view texts[] = {head, content, after};
        const IoResult result = stream_.send(texts, more_follows);
        if (result.status != IoStatus::progress) return result.status;
        const std::size_t of_head = std::min(result.count, head.size());
        const std::size_t of_content = std::min(result.count - of_head, content.size());
        const std::size_t of_after = result.count - of_head - of_content;
        http_.consume_output(of_head);
        content.remove_prefix(of_content);
        if (content.empty()) http_.queue(std::exchange(after, {}).substr(of_after));
        if (!turn_) continue;
        turn_->sent += of_content;
        turn_->touched |= turn_->status != 0;
    }
}

Task<> Session::send_all(std::string_view content, bool more_follows) {
    while (open_) {
        const IoStatus status = push(content, {}, more_follows);
        if (status == IoStatus::progress) co_return;
        if (status == IoStatus::blocked)
            co_await wait_writable();
        else
            open_ = false;
    }
}

// Each with what goes before it; the end of it all is text.
Task<> Session::send_parts(const Reply& reply) {
    for (const FilePart& part : reply.parts) {
        co_await send_all(part.head, true);
        const std::uint64_t before = turn_->sent;
        if (open_) co_await send_file(reply.source(), part.offset, part.size);
        if (!open_ || turn_->sent - before < part.size) co_return;
    }
    co_await send_all(reply.text, false);
}

// Less than `size` when the file has become shorter.
Task<> Session::send_file(int file, std::uint64_t start, std::uint64_t size) {
    auto offset = static_cast<off_t>(start);
    std::uint64_t there = start; // up to here the file is in memory
    const std::uint64_t end = turn_->sent + size;
    while (open_ && turn_->sent < end) {
        const auto from = static_cast<std::uint64_t>(offset);
        if (from == there) {
            there += std::min<std::uint64_t>(end - turn_->sent, sendfile_turn);
            if (!in_page_cache(file, from, there - from)) co_await loop_.cold_files.read(file, from, there - from);
        }
        const std::uint64_t wanted = there - from;
        const IoResult result = stream_.send_file(file, offset, wanted);
        if (result.status == IoStatus::ended) co_return;
        if (result.status == IoStatus::failed) {
            open_ = false;
            co_return;
        }
        turn_->sent += result.count;
        if (turn_->sent < end && (result.status == IoStatus::blocked || result.count == sendfile_turn))
            co_await wait_writable();
    }
}

// Of the content, what has reached the client.
std::uint64_t Session::taken() noexcept { return turn_->sent - std::min(turn_->sent, unacknowledged(stream_.fd())); }

Task<> Session::wait_writable() {
    const TimePoint start = Clock::now();
    write_until_ = start + loop_.server.options.connection.deadlines.write_stall;
    if (is_paced()) turn_->pace.begin(taken(), start);
    boost::system::error_code error;
    co_await stream_.socket().async_wait(Socket::wait_write, asio::redirect_error(use_task, error));
    write_until_ = TimePoint::max();
    timed_out_ = false;
    const TimePoint now = Clock::now();
    if (is_paced()) turn_->pace.end(now);
    if (error)
        open_ = false;
    else
        http_.write_progress(now);
}

} // namespace mpsup::http

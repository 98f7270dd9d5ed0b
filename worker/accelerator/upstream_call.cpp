#include "worker/accelerator/upstream_call.h"

#include "worker/http/error_log.h"

namespace mpsup::accelerator {

namespace {

using http::Clock;
using http::Task;
using http::TimePoint;
using std::chrono::milliseconds;

bool is_overloaded(int status) noexcept { return status == 502 || status == 503 || status == 504; }

} // namespace

UpstreamCall::~UpstreamCall() {
    place_.leave();
    settle(Outcome::neutral);
}

UpstreamCall::Attempt UpstreamCall::give_up(int status, std::string reason, bool retry_after) {
    failure_ = CallFailure{status, std::move(reason), retry_after};
    return Attempt::over;
}

// The backend that the request goes to; false: there is none.
bool UpstreamCall::choose(TimePoint now) {
    backend_ = destination_.is_pool() ? std::optional<std::size_t>(0) : destination_.backends().choose(now, failed_);
    return backend_.has_value();
}

void UpstreamCall::settle(Outcome outcome) noexcept {
    if (!backend_) return;
    if (!destination_.is_pool()) destination_.backends().done(*backend_, outcome, Clock::now());
    if (outcome == Outcome::bad) failed_ = backend_;
    backend_.reset();
}

Task<std::optional<CallFailure>> UpstreamCall::begin() {
    bool kept = !destination_.is_pool() && request_.safe;
    for (bool tried = false;;) {
        if (!choose(Clock::now())) co_return CallFailure{503, "all backends are down", true};
        const Attempt result = co_await attempt(destination_.addresses()[*backend_], kept);
        if (result == Attempt::answered) co_return std::nullopt;
        connection_.end();
        settle(result == Attempt::stale || cancelled_ ? Outcome::neutral : Outcome::bad);
        if (cancelled_) co_return CallFailure{503, "nobody waits for the answer", false};
        if (result == Attempt::over) co_return failure_;
        if (result == Attempt::stale) {
            kept = false;
            continue;
        }
        const bool again = result == Attempt::unsent ? destination_.addresses().size() > 1
                                                     : request_.safe && destination_.route().retry;
        if (!again || std::exchange(tried, true)) co_return failure_;
    }
}

Task<UpstreamCall::Attempt> UpstreamCall::attempt(const UpstreamAddress& address, bool kept) {
    if (destination_.is_pool() && destination_.queue().full())
        co_return give_up(503, "the queue of the pool is full", true);
    connection_ = upstreams_.take(address, kept);
    const bool used = connection_.is_used();
    if (!used) {
        const Attempt connected = co_await connect(address);
        if (connected != Attempt::answered) co_return connected;
    }
    connection_->reader().start({request_.is_head, request_.upgrade});
    // A pool has taken the connection into its queue: how long that lasts is not the application's fault.
    const auto& route = destination_.route();
    const TimePoint start = Clock::now();
    if (destination_.is_pool()) place_ = destination_.queue().enter(connection_->descriptor(), start);
    const milliseconds queued = destination_.is_pool() ? route.queue.timeout : milliseconds(0);
    // Nearly always all of it fits into the socket.
    const std::ptrdiff_t at_once = request_.content ? 0 : connection_->try_send(request_.head, {});
    const bool sent = at_once == static_cast<std::ptrdiff_t>(request_.head.size());
    early_ = at_once < 0;
    if (const auto failed = sent || early_ ? std::error_code{}
                                           : co_await send(static_cast<std::size_t>(at_once),
                                                           start + queued + route.timeouts.response)) {
        if (failed == std::errc::timed_out && destination_.is_pool() && is_unread(connection_->descriptor()))
            co_return give_up(503, "no child was free in time", true);
        if (failed == std::errc::timed_out) co_return give_up(504, "the request was not taken in time");
        if (failed != std::errc::interrupted) co_return give_up(502, "sending: " + failed.message());
        early_ = true;
    }
    const Attempt result = co_await await_head(start);
    if (result == Attempt::unanswered && used) co_return Attempt::stale;
    co_return result;
}

// `answered`: by the kernel, the connection is there.
Task<UpstreamCall::Attempt> UpstreamCall::connect(const UpstreamAddress& address) {
    const auto failed = co_await connection_->connect(address, Clock::now() + destination_.route().timeouts.connect);
    if (!failed) co_return Attempt::answered;
    const std::string reason = "connect to " + address.text + ": " + failed.message();
    if (destination_.is_pool()) co_return give_up(503, reason, true);
    static_cast<void>(give_up(failed == std::errc::timed_out ? 504 : 502, reason));
    co_return failed == std::errc::operation_canceled ? Attempt::over : Attempt::unsent;
}

Task<std::error_code> UpstreamCall::send(std::size_t done, TimePoint deadline) {
    std::string_view head = request_.head.substr(done);
    const std::uint64_t size = request_.content ? request_.content->size() : 0;
    std::uint64_t sent = 0;
    do {
        std::string_view piece;
        if (sent < size) {
            const auto got = request_.content->at(sent);
            if (!got) {
                http::log_error(http::Severity::error, got.error().to_string());
                co_return std::make_error_code(std::errc::io_error);
            }
            piece = *got;
        }
        if (const auto failed = co_await connection_->send(head, piece, deadline)) co_return failed;
        head = {};
        sent += piece.size();
    } while (sent < size);
    co_return std::error_code{};
}

Task<UpstreamCall::Attempt> UpstreamCall::await_head(TimePoint sent) {
    const auto& route = destination_.route();
    TimePoint deadline = sent + route.timeouts.response;
    if (destination_.is_pool()) deadline = std::min(deadline, sent + route.queue.timeout);
    for (;;) {
        switch (connection_->reader().next()) {
        case ResponseReader::Event::head:
            place_.leave();
            waited_ = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - sent);
            co_return Attempt::answered;
        case ResponseReader::Event::interim:
            if (interim_) interim_(connection_->reader().head());
            continue;
        case ResponseReader::Event::need_input: break;
        default: co_return judge_silence(connection_->reader().problem());
        }
        const auto failed = co_await connection_->receive(deadline);
        if (failed == std::errc::timed_out) {
            if (judge_late(sent, deadline) == Attempt::over) co_return Attempt::over;
        } else if (failed == std::errc::operation_canceled) {
            co_return give_up(503, "nobody waits for the answer");
        } else if (failed) {
            co_return judge_silence("the connection was reset");
        }
    }
}

// Time is up: of the queue, or of the answer. `answered`: there is another deadline.
UpstreamCall::Attempt UpstreamCall::judge_late(TimePoint sent, TimePoint& deadline) {
    const TimePoint end = sent + destination_.route().timeouts.response;
    if (destination_.is_pool() && is_unread(connection_->descriptor()))
        return give_up(503, "no child was free in time", true);
    if (deadline < end) {
        deadline = end;
        return Attempt::answered;
    }
    return give_up(504, "no answer in time");
}

// It has ended, or said what is no response.
UpstreamCall::Attempt UpstreamCall::judge_silence(const char* problem) {
    place_.leave();
    static_cast<void>(give_up(502, problem));
    if (connection_->reader().begun()) return Attempt::over;
    if (destination_.is_pool()) child_died();
    return Attempt::unanswered;
}

void UpstreamCall::child_died() {
    if (poison_.died(std::string(request_.name), Clock::now()))
        http::log_error(http::Severity::error,
                        "quarantined, for it killed one child after the other: " + std::string(request_.name));
}

ResponseReader::Event UpstreamCall::next() {
    if (finished_) return ResponseReader::Event::end;
    const auto event = connection_->reader().next();
    if (event == ResponseReader::Event::end) finish();
    return event;
}

// A child is free from here on, a backend's connection too.
void UpstreamCall::finish() {
    finished_ = true;
    if (destination_.is_pool()) connection_->close();
    if (poison_.anything_known()) poison_.served(std::string(request_.name));
    settle(is_overloaded(head().status) ? Outcome::bad : Outcome::good);
}

Task<std::optional<CallFailure>> UpstreamCall::wait() {
    const auto failed = co_await connection_->receive(Clock::now() + destination_.route().timeouts.idle);
    if (!failed) co_return std::nullopt;
    settle(failed == std::errc::operation_canceled ? Outcome::neutral : Outcome::bad);
    if (failed == std::errc::timed_out) co_return CallFailure{504, "the answer stopped in its midst", false};
    co_return CallFailure{502, "the connection was reset in the midst of the answer", false};
}

void UpstreamCall::release() {
    if (!connection_) return;
    if (!destination_.is_pool() && !early_ && !cancelled_ && connection_->reader().reusable())
        connection_.keep();
    else
        connection_.end();
}

void UpstreamCall::drop() {
    if (next() == ResponseReader::Event::end) return release();
    settle(Outcome::good);
    connection_.end();
}

const char* UpstreamCall::problem() const noexcept { return connection_->reader().problem(); }

void UpstreamCall::cancel() noexcept {
    cancelled_ = true;
    if (connection_) connection_->cancel();
}

} // namespace mpsup::accelerator

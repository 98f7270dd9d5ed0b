#include "worker/accelerator/upstream_call.h"

#include "base/process_identity.h"
#include "worker/accelerator/reply_fields.h"
#include "worker/http/error_log.h"

#include <algorithm>
#include <utility>

namespace mpsup::accelerator {

namespace {

using http::Clock;
using http::Task;
using http::TimePoint;
using std::chrono::milliseconds;

constexpr std::string_view silence = "its machine has fallen silent: it is off, or the link to it is cut";

void report_ejection(const std::string& address, milliseconds time) {
    http::log_error(http::Severity::warning, "backend " + address + " is ejected for " +
                                                 std::to_string(std::chrono::ceil<std::chrono::seconds>(time).count()) +
                                                 " s, for its requests failed one after the other; then it is probed");
}

bool is_overloaded(int status) noexcept { return status == 502 || status == 503 || status == 504; }

} // namespace

UpstreamCall::UpstreamCall(UpstreamCall&& other, const CallRequest& request) noexcept
    : upstreams_(other.upstreams_),
      destination_(other.destination_),
      poison_(other.poison_),
      request_(request),
      connection_(std::move(other.connection_)),
      place_(std::move(other.place_)),
      backend_(std::exchange(other.backend_, std::nullopt)),
      waited_(other.waited_),
      answered_at_(other.answered_at_),
      finished_at_(other.finished_at_),
      limit_(other.limit_),
      pool_(other.pool_),
      early_(other.early_),
      finished_(other.finished_),
      cut_(other.cut_),
      cancelled_(other.cancelled_) {}

UpstreamCall::~UpstreamCall() {
    place_.leave();
    if (backend_) settle(Outcome::neutral, Clock::now());
}

UpstreamCall::Attempt UpstreamCall::give_up(int status, std::string reason, bool retry_after) {
    failure_ = CallFailure{status, std::move(reason), retry_after};
    return Attempt::over;
}

UpstreamCall::Attempt UpstreamCall::crowded(std::string reason) {
    static_cast<void>(give_up(503, std::move(reason), true));
    return Attempt::crowded;
}

// The backend that the request goes to, or none.
void UpstreamCall::choose(TimePoint now) {
    backend_ = destination_.choose(now, failed_);
    if (backend_) pool_ = destination_.is_pool(*backend_);
}

void UpstreamCall::settle(Outcome outcome, TimePoint now) noexcept {
    if (!backend_) return;
    if (const auto ejected = destination_.settle(*backend_, outcome, now))
        report_ejection(destination_.addresses()[*backend_].text, *ejected);
    if (outcome == Outcome::bad) failed_ = backend_;
    backend_.reset();
}

Task<std::optional<CallFailure>> UpstreamCall::begin(TimePoint now) {
    bool kept = request_.safe && !request_.content;
    for (bool tried = false;; now = Clock::now()) {
        choose(now);
        if (!backend_) co_return CallFailure{503, "no backend takes requests: all are down, ejected or out", true};
        const Attempt result = co_await attempt(destination_.addresses()[*backend_], kept && !pool_, now);
        if (result == Attempt::answered) co_return std::nullopt;
        place_.leave(); // while the descriptor that it watches is open
        connection_.end();
        const bool blameless =
            result == Attempt::stale || result == Attempt::crowded || result == Attempt::unreadable || cancelled_;
        if (result == Attempt::crowded) failed_ = backend_;
        settle(blameless ? Outcome::neutral : Outcome::bad, Clock::now());
        if (cancelled_) co_return CallFailure{503, "nobody waits for the answer", false};
        if (result == Attempt::over || result == Attempt::unreadable) co_return failure_;
        if (result == Attempt::stale) {
            kept = false;
            continue;
        }
        const bool is_unseen = result == Attempt::unsent || result == Attempt::crowded;
        const bool again =
            is_unseen ? destination_.addresses().size() > 1 : request_.safe && destination_.route().retry;
        if (!again || std::exchange(tried, true)) co_return failure_;
    }
}

Task<UpstreamCall::Attempt> UpstreamCall::attempt(const UpstreamAddress& address, bool kept, TimePoint now) {
    if (pool_ && destination_.queue().full()) co_return crowded("the queue of the pool is full");
    connection_ = upstreams_.take(address, kept);
    const bool used = connection_.is_used();
    if (!used) {
        const Attempt connected = co_await connect(address);
        if (connected != Attempt::answered) co_return connected;
        now = Clock::now();
    }
    connection_->reader().start({request_.is_head, request_.upgrade});
    const TimePoint start = now;
    if (pool_) place_ = destination_.queue().enter(connection_->descriptor(), start, false);
    const std::error_code failed = co_await send(start);
    place_.written(); // or nothing more will be
    if (cancelled_) co_return give_up(503, "nobody waits for the answer");
    if (failed == std::errc::io_error) {
        static_cast<void>(give_up(500, "the buffered content cannot be read"));
        co_return Attempt::unreadable;
    }
    Attempt result = Attempt::answered;
    TimePoint deadline = first_deadline(start);
    if (failed == std::errc::timed_out)
        result = judge_late(start, deadline);
    else if (failed && !early_)
        result = judge_failure(failed);
    if (result == Attempt::answered) {
        const auto found = look_for_head(start);
        if (found)
            result = *found;
        else
            result = co_await await_head(start, deadline);
    }
    co_return result == Attempt::unanswered&& used ? Attempt::stale : result;
}

// What can be said without waiting for more; nearly always the head has come in one piece.
std::optional<UpstreamCall::Attempt> UpstreamCall::look_for_head(TimePoint sent) {
    for (;;) {
        switch (connection_->reader().next()) {
        case ResponseReader::Event::head:
            place_.leave();
            answered_at_ = Clock::now();
            waited_ = std::chrono::duration_cast<std::chrono::microseconds>(answered_at_ - sent);
            return Attempt::answered;
        case ResponseReader::Event::interim:
            if (interim_) interim_(connection_->reader().head());
            break;
        case ResponseReader::Event::need_input: return std::nullopt;
        default: return judge_silence(connection_->reader().problem());
        }
    }
}

// How long a pool's queue lasts is not the application's fault: that is judged first.
TimePoint UpstreamCall::first_deadline(TimePoint sent) const {
    const auto& route = destination_.route();
    const milliseconds response = route.timeouts.response;
    const TimePoint end = sent + (pool_ ? std::min(response, route.queue.timeout) : response);
    return std::min(end, limit_);
}

// `answered`: by the kernel, the connection is there.
Task<UpstreamCall::Attempt> UpstreamCall::connect(const UpstreamAddress& address) {
    const TimePoint deadline = Clock::now() + destination_.route().timeouts.connect;
    auto failed = co_await connection_->connect(address, deadline);
    if (!failed && address.tls) failed = co_await connection_->secure(address, deadline);
    if (!failed) co_return Attempt::answered;
    const bool is_tls = failed == std::errc::protocol_error;
    const std::string reason =
        "connect to " + address.text + ": " + (is_tls ? "TLS: " + connection_->problem() : failed.message());
    if (pool_ && failed == std::errc::resource_unavailable_try_again) co_return crowded(reason);
    if (pool_)
        static_cast<void>(give_up(503, reason, true));
    else
        static_cast<void>(give_up(failed == std::errc::timed_out ? 504 : 502, reason));
    co_return failed == std::errc::operation_canceled ? Attempt::over : Attempt::unsent;
}

// All of the request, and without content also a first look for the answer. errc::io_error: our own copy of the content cannot
// be read.
Task<std::error_code> UpstreamCall::send(TimePoint start) {
    if (!request_.content)
        return connection_->ask(request_.head(pool_), first_deadline(start), [this] { place_.written(); });
    return send_content(start);
}

Task<std::error_code> UpstreamCall::send_content(TimePoint start) {
    const TimePoint deadline = first_deadline(start) + destination_.route().timeouts.response;
    std::string_view head = request_.head(pool_);
    for (std::uint64_t sent = 0; sent < request_.content->size();) {
        const auto piece = request_.content->at(sent);
        if (!piece) {
            http::log_error(http::Severity::error, piece.error().to_string());
            co_return std::make_error_code(std::errc::io_error);
        }
        const std::error_code failed = co_await connection_->send(head, *piece, deadline);
        early_ = failed == std::errc::interrupted;
        if (failed) co_return failed;
        place_.written();
        head = {};
        sent += piece->size();
    }
    co_return std::error_code{};
}

Task<UpstreamCall::Attempt> UpstreamCall::await_head(TimePoint sent, TimePoint deadline) {
    for (;;) {
        const auto failed = co_await connection_->receive(std::min(deadline, limit_));
        if (failed == std::errc::timed_out) {
            const Attempt judged = judge_late(sent, deadline);
            if (judged != Attempt::answered) co_return judged;
            continue;
        }
        if (failed == std::errc::operation_canceled) co_return give_up(503, "nobody waits for the answer");
        if (failed) co_return judge_failure(failed);
        if (const auto found = look_for_head(sent)) co_return *found;
    }
}

// Time is up: of those who wait, of the queue, or of the answer. `answered`: there is another deadline.
UpstreamCall::Attempt UpstreamCall::judge_late(TimePoint sent, TimePoint& deadline) {
    if (Clock::now() >= limit_) {
        cancelled_ = true;
        return give_up(503, "nobody waits for the answer");
    }
    const TimePoint end = sent + destination_.route().timeouts.response;
    if (pool_ && is_unread(connection_->descriptor())) return crowded("no child was free in time");
    if (deadline < end) {
        deadline = end;
        return Attempt::answered;
    }
    return give_up(504, "no answer in time");
}

UpstreamCall::Attempt UpstreamCall::judge_failure(std::error_code failed) {
    if (failed != std::errc::host_unreachable) return judge_silence("the connection was reset");
    place_.leave();
    static_cast<void>(give_up(504, std::string(silence)));
    return connection_->reader().begun() ? Attempt::over : Attempt::silent;
}

// It has ended, or said what is no response.
UpstreamCall::Attempt UpstreamCall::judge_silence(const char* problem) {
    place_.leave();
    const std::string of_tls = connection_->problem();
    static_cast<void>(give_up(502, of_tls.empty() ? problem : std::string(problem) + ": TLS: " + of_tls));
    if (connection_->reader().begun()) return Attempt::over;
    if (pool_) tell_quarantine(poison_.died(request_.name(), Clock::now()));
    return Attempt::unanswered;
}

void UpstreamCall::tell_quarantine(bool begun) const {
    if (begun)
        http::log_error(http::Severity::error,
                        "quarantined, for it killed one child after the other: " + request_.name());
}

ResponseReader::Event UpstreamCall::next() {
    if (finished_) return ResponseReader::Event::end;
    const auto event = connection_->reader().next();
    if (event == ResponseReader::Event::end) finish();
    if (event == ResponseReader::Event::failed) judge_cut();
    return event;
}

// A child that only gave up on its answer lives on, and is not the request's victim; nor is one that a restart has ended.
void UpstreamCall::judge_cut() {
    if (std::exchange(cut_, true) || !pool_) return;
    const auto child = ChildNote::parse(head().find("Mpsup-Child").value_or(""));
    if (!child || destination_.is_outdated(child->generation) || !process_is_ending(child->pid)) return;
    tell_quarantine(poison_.died_answering(request_.name(), answered_at_, Clock::now()));
}

// A child is free from here on, a backend's connection too.
void UpstreamCall::finish() {
    finished_ = true;
    finished_at_ = Clock::now();
    if (pool_) connection_->close();
    settle_by_status(finished_at_);
}

// It was answered.
void UpstreamCall::settle_by_status(TimePoint now) {
    if (poison_.anything_known()) poison_.served(request_.name());
    settle(is_overloaded(head().status) ? Outcome::bad : Outcome::good, now);
}

Task<std::optional<CallFailure>> UpstreamCall::wait() {
    const TimePoint deadline = std::min(limit_, Clock::now() + destination_.route().timeouts.idle);
    const auto failed = co_await connection_->receive(deadline);
    if (!failed) co_return std::nullopt;
    const TimePoint now = Clock::now();
    const bool ours = failed == std::errc::operation_canceled || now >= limit_;
    settle(ours ? Outcome::neutral : Outcome::bad, now);
    if (!ours && failed != std::errc::timed_out) judge_cut();
    if (failed == std::errc::timed_out) co_return CallFailure{504, "the answer stopped in its midst", false};
    if (failed == std::errc::host_unreachable) co_return CallFailure{504, std::string(silence), false};
    co_return CallFailure{502, "the connection was reset in the midst of the answer", false};
}

void UpstreamCall::release() {
    if (!connection_) return;
    if (!pool_ && !early_ && !cancelled_ && connection_->reader().reusable())
        connection_.keep(finished_at_);
    else
        connection_.end();
}

void UpstreamCall::drop() {
    if (next() == ResponseReader::Event::end) return release();
    settle_by_status(Clock::now());
    connection_.end();
}

const char* UpstreamCall::problem() const noexcept { return connection_->reader().problem(); }

void UpstreamCall::hurry(TimePoint until) noexcept {
    limit_ = std::min(limit_, until);
    if (connection_) connection_->hurry(limit_);
}

void UpstreamCall::cancel() noexcept {
    cancelled_ = true;
    if (connection_) connection_->cancel();
}

} // namespace mpsup::accelerator

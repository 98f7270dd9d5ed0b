// One request on its way to an upstream, and the response on its way back.
#pragma once

#include "worker/accelerator/destination.h"
#include "worker/accelerator/poison.h"
#include "worker/accelerator/upstreams.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace mpsup::accelerator {

/// What is sent. Views outlive the call.
struct CallRequest {
    /// As forward_head writes it for such an upstream; good until it is asked for the other kind.
    std::function<std::string_view(bool pool)> head{};
    Spool* content = nullptr;                  // whole; none: no content
    bool is_head = false;                      // the method is HEAD
    bool safe = false;                         // GET, HEAD, OPTIONS…: may be sent again (RFC 9110 section 9.2.1)
    bool upgrade = false;                      // 101 is asked for
    std::string_view method{}, host{}, path{}; // for logs and for Poison

    /// What it is known by to both.
    [[nodiscard]] std::string name() const { return Poison::key(method, host, path); }
};

/// Why there is no response. `reason` is for the log.
struct CallFailure {
    int status = 502; // 502, 503 or 504; 500: what was kept of the request's content cannot be read
    std::string reason;
    bool retry_after = false; // tell the client to come back soon
};

/// Finds an upstream that takes the request, with one more try where that does no harm: a request that was never sent goes to
/// another backend, one that a pool has no room for too; a safe one that was sent, and of whose answer not one byte came, is sent again, also when
/// the backend's machine has fallen silent. A request on a connection
/// that was kept and had died meanwhile is not counted as tried, and only safe ones are sent on such connections.
/// For a pool it takes a place in the queue, and knows waiting from slowness when time is up: 503 or 504.
class UpstreamCall {
public:
    /// All outlive it. `poison` learns of children that die.
    UpstreamCall(Upstreams& upstreams, Destination& destination, Poison& poison, const CallRequest& request)
        : upstreams_(upstreams), destination_(destination), poison_(poison), request_(request) {}
    ~UpstreamCall();
    /// The rest of a response whose head is there: of the request only `request.name()` still counts. `other` is of no use then.
    UpstreamCall(UpstreamCall&& other, const CallRequest& request) noexcept;
    UpstreamCall(UpstreamCall&& other) noexcept : UpstreamCall(std::move(other), other.request_) {}
    UpstreamCall(const UpstreamCall&) = delete;
    UpstreamCall& operator=(const UpstreamCall&) = delete;

    /// Until the head of the response is there: then nothing is returned. `now`: a fresh look at the clock.
    [[nodiscard]] http::Task<std::optional<CallFailure>> begin(http::TimePoint now);
    /// Called with each 103 meanwhile.
    void on_interim(std::function<void(const UpstreamHead&)> interim) { interim_ = std::move(interim); }

    [[nodiscard]] const CallRequest& request() const noexcept { return request_; }
    /// After begin().
    [[nodiscard]] const UpstreamHead& head() const noexcept { return connection_->reader().head(); }

    /// What comes next without waiting: piece, need_input, end, failed, upgraded (see ResponseReader). At its end a child is
    /// free. Pieces are good until wait().
    [[nodiscard]] ResponseReader::Event next();
    [[nodiscard]] std::string_view piece() const noexcept { return connection_->reader().piece(); }
    /// After need_input: until more is there, or the stream has ended. Something else: it failed.
    [[nodiscard]] http::Task<std::optional<CallFailure>> wait();
    /// Why next() said failed.
    [[nodiscard]] const char* problem() const noexcept;
    /// After `end`: head and pieces are not needed any more, so the connection may serve others.
    void release();
    /// begin() is cancelled at that time, or wait() ends, which is then nobody's fault.
    void hurry(http::TimePoint until) noexcept;
    /// Nobody wants the rest of it: a connection that is not at its end is closed. What its status says of the upstream counts.
    void drop();

    /// From the loop's thread: nobody wants the response any more.
    void cancel() noexcept;
    [[nodiscard]] bool cancelled() const noexcept { return cancelled_; }
    /// After begin(): a pool of this machine answers.
    [[nodiscard]] bool is_of_pool() const noexcept { return pool_; }
    /// Of the connection that was upgraded.
    [[nodiscard]] UpstreamConnection& connection() noexcept { return *connection_; }
    /// From when the request had been sent to the first byte of the response.
    [[nodiscard]] std::chrono::microseconds waited() const noexcept { return waited_; }

private:
    enum class Attempt {
        answered,   // the head is there
        stale,      // a kept connection had died
        unsent,     // nobody has seen the request
        crowded,    // nor this one: the pool has no room, for which it is not to blame
        unanswered, // somebody may have
        silent,     // as well, and its machine says nothing any more
        unreadable, // our own copy of the content: failure_ is the answer, and the upstream is not to blame
        over,       // failure_ is the answer
    };

    [[nodiscard]] http::Task<Attempt> attempt(const UpstreamAddress& address, bool kept, http::TimePoint now);
    [[nodiscard]] http::Task<Attempt> connect(const UpstreamAddress& address);
    [[nodiscard]] http::Task<std::error_code> send(http::TimePoint start);
    [[nodiscard]] http::Task<std::error_code> send_content(http::TimePoint start);
    [[nodiscard]] std::optional<Attempt> look_for_head(http::TimePoint sent);
    [[nodiscard]] http::Task<Attempt> await_head(http::TimePoint sent, http::TimePoint deadline);
    [[nodiscard]] http::TimePoint first_deadline(http::TimePoint sent) const;
    [[nodiscard]] Attempt judge_late(http::TimePoint sent, http::TimePoint& deadline);
    [[nodiscard]] Attempt judge_failure(std::error_code failed);
    [[nodiscard]] Attempt judge_silence(const char* problem);
    [[nodiscard]] Attempt give_up(int status, std::string reason, bool retry_after = false);
    [[nodiscard]] Attempt crowded(std::string reason);
    void choose(http::TimePoint now);
    void settle(Outcome outcome, http::TimePoint now) noexcept;
    void tell_quarantine(bool begun) const;
    void judge_cut();
    void finish();
    void settle_by_status(http::TimePoint now);

    Upstreams& upstreams_;
    Destination& destination_;
    Poison& poison_;
    const CallRequest& request_;
    std::function<void(const UpstreamHead&)> interim_;
    Upstreams::Lease connection_;
    Queue::Place place_;
    std::optional<std::size_t> backend_; // chosen, and not yet done with
    std::optional<std::size_t> failed_;  // the backend that failed this request
    std::optional<CallFailure> failure_;
    std::chrono::microseconds waited_{0};
    http::TimePoint answered_at_{}; // when the head came
    http::TimePoint finished_at_{}; // when the response was whole
    http::TimePoint limit_ = http::TimePoint::max();
    bool pool_ = false;  // the backend that was chosen last is the pool
    bool early_ = false; // the answer began before the request was sent whole
    bool finished_ = false;
    bool cut_ = false; // it ended in the midst of the answer
    bool cancelled_ = false;
};

} // namespace mpsup::accelerator

#include "worker/accelerator/forwarding.h"

#include "worker/accelerator/renewal.h"
#include "worker/accelerator/request_content.h"
#include "worker/accelerator/sent_file.h"
#include "worker/accelerator/tunnel.h"

#include <chrono>

namespace mpsup::accelerator {

namespace {

using http::Clock;
using http::Task;
using Kind = cache::CacheRequest::Kind;

constexpr std::chrono::milliseconds content_patience{5'000};
constexpr std::size_t usual_head = 1024;

// RFC 9110 section 9.2.1.
bool is_safe(std::string_view method) noexcept {
    return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PROPFIND" || method == "REPORT" ||
           method == "SEARCH" || method == "QUERY";
}

// Of these an empty content is announced, for many servers want to be told (RFC 9110 section 8.6).
bool means_content(std::string_view method) noexcept {
    return method == "POST" || method == "PUT" || method == "PATCH";
}

} // namespace

Forwarding::Forwarding(Accelerator& accelerator, http::Exchange& exchange, std::size_t route)
    : accelerator_(accelerator),
      exchange_(exchange),
      index_(route),
      route_(accelerator.state().front().routes[route]),
      destination_(*accelerator.state().destination(route)),
      rule_(accelerator.state().rule(route)),
      request_(&exchange.request()),
      plans_(route_, destination_, exchange.client()),
      content_(destination_.budget(), route_.buffer.request, accelerator.state().front().buffer_folder),
      response_(destination_.budget(), route_.buffer.request, accelerator.state().front().buffer_folder) {}

void Forwarding::prepare() {
    accelerator_.state().identify(*request_, exchange_.client(), identity_);
    if (identity_.host != request_->authority) {
        // Under this name the application sees it, so under this name it is cached (faults: no. 68).
        renamed_ = OwnedRequest::copy(*request_);
        renamed_->request.authority = identity_.host;
        request_ = &renamed_->request;
    }
    websocket_ = wants_websocket(*request_);
    if (rule_.on) asked_ = accelerator_.state().read_for_cache(*request_, identity_.secure(), index_);
    if (identity_.request_id.empty())
        accelerator_.make_request_id(exchange_.notes().request_id);
    else
        exchange_.notes().request_id = identity_.request_id;
}

std::string Forwarding::name() const { return Poison::key(request_->method, identity_.host, request_->path); }

std::string_view Forwarding::request_id() { return exchange_.notes().request_id; }

Task<> Forwarding::run() {
    prepare();
    Poison& poison = accelerator_.state().poison();
    if (poison.anything_known())
        if (const auto left = poison.quarantined_for(name(), Clock::now()); left.count() > 0)
            return refuse(503, std::chrono::ceil<std::chrono::seconds>(left));
    return request_->framing == http::Framing::none ? find_answer() : run_with_content();
}

Task<> Forwarding::run_with_content() {
    const bool whole = co_await take_content();
    if (whole) co_await find_answer();
}

Task<> Forwarding::find_answer() {
    if (asked_.kind == Kind::lookup && !websocket_) return run_cached();
    nothing_.status.forward =
        asked_.kind == Kind::unsafe ? cache::CacheStatus::Forward::method : cache::CacheStatus::Forward::bypass;
    return call_upstream(nothing_);
}

// False: the client has its answer, or is gone.
Task<bool> Forwarding::take_content() {
    const SpoolBudget& budget = destination_.budget();
    const std::uint64_t most = std::min(route_.buffer.request, budget.memory_limit()) + budget.disk_limit();
    if (request_->framing == http::Framing::length && request_->content_length > most)
        co_return co_await refuse(413), false;
    switch (co_await read_content(exchange_, content_, content_patience)) {
    case ContentOutcome::whole: co_return true;
    case ContentOutcome::gone: break;
    case ContentOutcome::too_large: co_await refuse(413); break;
    case ContentOutcome::no_room: co_await refuse(503, usual_pause); break;
    case ContentOutcome::no_disk: co_await refuse(507); break;
    }
    co_return false;
}

std::string_view Forwarding::head_for(bool pool, const Known& known) {
    if (!head_.empty() && head_of_pool_ == pool) return head_;
    head_.clear();
    head_of_pool_ = pool;
    ForwardPlan plan = plans_.forward(*request_, identity_, pool);
    plan.request_id = request_id();
    plan.has_content = request_->framing != http::Framing::none || means_content(request_->method);
    plan.length = content_.size();
    plan.upgrade = websocket_;
    // A part is asked for as a part: of a large file its client would have to take all. What comes is not kept.
    in_part_ = !asked_.range.empty() && !known.hit;
    plan.refetch = asked_.kind == Kind::lookup && !in_part_;
    std::vector<http::Field> conditions;
    if (known.hit) add_conditions(known.hit, conditions);
    plan.additions = conditions;
    head_.reserve(usual_head);
    write_forward_head(head_, *request_, identity_, plan);
    return head_;
}

Task<> Forwarding::call_upstream(Known& known) {
    const http::TimePoint now = Clock::now();
    if (destination_.load(now) == Load::shed) {
        const CallFailure shed{503, "shed, for those before it have waited for half of the time that anybody waits",
                               true};
        co_return co_await fail(shed, known);
    }
    const CallRequest request{[this, &known](bool pool) { return head_for(pool, known); },
                              content_.size() > 0 ? &content_ : nullptr,
                              asked_.is_head || request_->method == "HEAD",
                              is_safe(request_->method),
                              websocket_,
                              request_->method,
                              identity_.host,
                              request_->path};
    UpstreamCall call(accelerator_.upstreams(), destination_, accelerator_.state().poison(), request);
    call.on_interim([this](const UpstreamHead& head) {
        fields_.build(head, ReplyPlan{});
        exchange_.inform(head.status, fields_.fields());
    });
    std::optional<CallFailure> failure;
    {
        const std::pair<UpstreamCall&, Known&> leaves{call, known};
        const HangUpWatch watch(exchange_, [this, &leaves] { client_left(leaves.first, leaves.second); });
        cache::Times times;
        times.request = wall_seconds();
        if (rule_.on) known.mark = accelerator_.state().store()->mark();
        failure = co_await call.begin(now);
        times.response = wall_seconds();
        if (!failure) co_return co_await answer(call, known, times);
    }
    if (!call.cancelled()) co_await fail(*failure, known);
}

void Forwarding::client_left(UpstreamCall& call, const Known& known) {
    client_left_ = true;
    if (known.leader.is_awaited())
        call.hurry(Clock::now() + route_.cache.wait);
    else
        call.cancel();
}

void Forwarding::note_child(const UpstreamCall& call) {
    http::LogNotes& notes = exchange_.notes();
    const auto& child = fields_.directives().child;
    if (!child) return;
    notes.child = child->pid;
    notes.generation = child->generation;
    destination_.note_generation(child->generation);
    notes.heavy = std::chrono::microseconds(child->heavy_us);
    notes.queue = std::max(call.waited() - *notes.heavy, std::chrono::microseconds(0));
}

Task<> Forwarding::answer(UpstreamCall& call, Known& known, const cache::Times& times) {
    exchange_.notes().tier = call.is_of_pool() ? "pool" : "backend";
    ReplyPlan plan = plans_.reply(identity_, call.is_of_pool());
    plan.request_id = request_id();
    plan.upgrade = websocket_;
    fields_.build(call.head(), plan);
    note_child(call);
    const Directives& directives = fields_.directives();
    if (call.head().status == 101) return open_tunnel(call);
    if (!directives.file.empty() || !directives.redirect.empty()) return send_file(call, known);
    if (known.hit && known_is_better(call.head().status, known)) return answer_known(call, known, times);
    if (asked_.kind == Kind::lookup &&
        cache::is_not_modified(asked_, request_->fields, call.head().status, fields_.lasting()))
        return answer_not_modified(call, known, times);
    return pass_on(call, known, times);
}

bool Forwarding::is_streamed(const UpstreamHead& head) const noexcept {
    const auto& asked = fields_.directives().buffering;
    if (asked) return !*asked;
    const std::string_view type = head.find("Content-Type").value_or("");
    constexpr std::string_view events = "text/event-stream";
    return type.size() >= events.size() && http::equals_ignoring_case(type.substr(0, events.size()), events);
}

Task<> Forwarding::open_tunnel(UpstreamCall& call) {
    static_cast<void>(call.next()); // upgraded
    const std::string protocol(call.head().find("Upgrade").value_or("websocket"));
    const bool upgraded = co_await exchange_.begin_upgrade(protocol, fields_.fields());
    if (upgraded) co_await tunnel(exchange_, call.connection(), route_.timeouts.tunnel);
}

Task<> Forwarding::send_file(UpstreamCall& call, Known& known) {
    invalidate(call.head().status);
    if (rule_.on) fields_.drop(cache::is_tag_field);
    if (known.leader) known.leader.land(cache::Landing::uncacheable, wall_seconds());
    const auto reply = std::make_unique<http::Reply>();
    if (!fill_sent_file(*reply, accelerator_, *request_, fields_)) {
        accelerator_.complain(name() + ": no folder of this worker has the file that the application named");
        accelerator_.refuse(*reply, 404, &route_);
    }
    call.drop();
    static_cast<void>(co_await exchange_.send(*reply));
}

Task<> Forwarding::fail(const CallFailure& failure, Known& known) {
    known.leader = {};
    if (stale_will_do(known)) {
        known.status.detail = "stale-if-error";
        co_return co_await send_stored(known);
    }
    accelerator_.complain(name() + ": " + std::to_string(failure.status) + ": " + failure.reason);
    co_await refuse(failure.status, failure.retry_after ? usual_pause : std::chrono::seconds(0));
}

Task<> Forwarding::refuse(int status, std::chrono::seconds retry_after) {
    const auto reply = std::make_unique<http::Reply>();
    accelerator_.refuse(*reply, status, &route_, retry_after);
    if (!request_id().empty()) reply->add("X-Request-Id", request_id());
    static_cast<void>(co_await exchange_.send(*reply));
}

} // namespace mpsup::accelerator

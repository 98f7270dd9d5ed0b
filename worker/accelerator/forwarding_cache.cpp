#include "worker/accelerator/forwarding.h"
#include "worker/accelerator/renewal.h"
#include "worker/accelerator/route_headers.h"
#include "worker/accelerator/signal.h"
#include "worker/accelerator/stored_reply.h"
#include "worker/cache/validation.h"

#include <boost/asio/post.hpp>

namespace asio = boost::asio;

namespace mpsup::accelerator {

namespace {

using http::Clock;
using http::Task;
using Verdict = cache::Reuse::Verdict;
using Forward = cache::CacheStatus::Forward;

// Somebody who waits for the response that another request fetches.
struct Waiter {
    explicit Waiter(asio::io_context& io) : context(io), landed(io) {}
    asio::io_context& context;
    Signal landed;
};

// Leaves the flight at its end, however that comes.
class Ticket {
public:
    Ticket(cache::Flights& flights, std::string_view key, std::uint64_t number)
        : flights_(flights), key_(key), number_(number) {}
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    ~Ticket() { flights_.leave(key_, number_); }

private:
    cache::Flights& flights_;
    const std::string_view key_;
    const std::uint64_t number_;
};

} // namespace

bool Forwarding::stale_will_do(const Known& known) const noexcept { return known.hit && known.reuse.stale_if_error; }

Task<> Forwarding::run_cached() {
    cache::Store& store = *accelerator_.state().store();
    const http::TimePoint patience = Clock::now() + route_.cache.wait;
    for (bool collapsed = false;; collapsed = true) {
        Known known;
        cache::Store::Found found = co_await accelerator_.find(asked_, request_->fields);
        known.hit = std::move(found.hit);
        known.reuse = cache::decide_reuse(asked_, known.hit ? &known.hit.metadata() : nullptr, wall_seconds());
        known.status.collapsed = collapsed;
        known.status.ttl = known.hit ? std::optional(known.reuse.ttl) : std::nullopt;
        switch (known.reuse.verdict) {
        case Verdict::refuse: co_return co_await refuse(504);
        case Verdict::stale: renew(); [[fallthrough]];
        case Verdict::fresh:
        case Verdict::tolerate: store.count_hit(); co_return co_await send_stored(known);
        case Verdict::validate: known.status.forward = known.reuse.ttl > 0 ? Forward::request : Forward::stale; break;
        case Verdict::miss: known.status.forward = found.known ? Forward::vary_miss : Forward::uri_miss; break;
        }
        if (stale_will_do(known) && destination_.load(Clock::now()) != Load::normal) {
            known.status.detail = "brown-out";
            co_return co_await send_stored(known);
        }
        const bool landed = co_await wait_for_flight(known, patience);
        if (!landed) {
            store.count_miss();
            co_return co_await call_upstream(known);
        }
    }
}

// True: another request has fetched something, look again. False: go, as leader or alone.
Task<bool> Forwarding::wait_for_flight(Known& known, http::TimePoint patience) {
    // What these fetch is for nobody else, as a rule.
    if (asked_.is_head || !asked_.range.empty() || asked_.client.no_store || asked_.has_authorization ||
        Clock::now() >= patience)
        co_return false;
    auto waiter = std::make_shared<Waiter>(exchange_.context());
    cache::Flights::Joined joined =
        accelerator_.state().flights().join(asked_.key.text(), wall_seconds(), [waiter](cache::Landing) {
            asio::post(waiter->context, [waiter] { waiter->landed.tell(); });
        });
    if (joined.role != cache::Flights::Joined::Role::waits) {
        known.leader = std::move(joined.leader);
        co_return false;
    }
    const Ticket ticket(accelerator_.state().flights(), asked_.key.text(), joined.ticket);
    exchange_.on_gone([waiter] { waiter->landed.tell(); });
    const bool landed = co_await waiter->landed.wait(patience);
    exchange_.on_gone(nullptr);
    co_return landed;
}

void Forwarding::renew() {
    cache::Leader leader = accelerator_.state().flights().lead_if_free(asked_.key.text());
    if (leader) start_renewal(accelerator_, index_, *request_, exchange_.client(), std::move(leader));
}

Task<> Forwarding::send_stored(Known& known) {
    exchange_.notes().tier = "cache";
    const auto reply = std::make_unique<http::Reply>();
    if (!fill_stored(*reply, exchange_.notes(), known.hit, asked_, *request_, known.reuse, known.status))
        co_return co_await send_large(known);
    apply_headers(*reply, route_.headers);
    static_cast<void>(co_await exchange_.send(*reply));
}

// Too large to be put together: piece by piece.
Task<> Forwarding::send_large(Known& known) {
    const cache::Hit& hit = known.hit;
    const LargeReply reply = large_reply(hit, asked_, *request_);
    std::vector<http::Field> fields;
    cache::split_fields(hit.fields(), fields);
    if (!reply.type.empty()) set_field(fields, "Content-Type", reply.type);
    if (!reply.range.empty()) fields.push_back({"Content-Range", reply.range});
    apply_headers(fields, route_.headers);
    const std::string age = std::to_string(std::max<cache::Seconds>(known.reuse.age, 0));
    fields.push_back({"Age", age});
    cache::CacheStatus::Text space;
    fields.push_back({"Cache-Status", known.status.text(space)});
    exchange_.notes().cache = known.status.word();
    if (!exchange_.begin({reply.status, fields, reply.length, false})) co_return;
    if (asked_.is_head) {
        static_cast<void>(co_await exchange_.finish(true));
        co_return;
    }
    bool open = true;
    for (const LargeReply::Part& part : reply.parts) {
        if (open && !part.head.empty()) open = co_await exchange_.write(part.head);
        const std::uint64_t end = part.range.first + part.range.count;
        for (std::uint64_t at = part.range.first; open && at < end;) {
            std::string read;
            if (hit.is_absent()) {
                read = co_await accelerator_.disk_reads().read_piece(*accelerator_.state().store()->disk(), hit, at);
                if (read.empty()) co_return; // damaged: the client sees that it is not whole
            }
            std::string_view piece = hit.is_absent() ? std::string_view(read) : hit.piece(at);
            piece = piece.substr(0, static_cast<std::size_t>(end - at));
            open = co_await exchange_.write(piece);
            at += piece.size();
        }
    }
    if (open && !reply.end.empty()) open = co_await exchange_.write(reply.end);
    if (open) static_cast<void>(co_await exchange_.finish(true));
}

bool Forwarding::known_is_better(int status, const Known& known) noexcept {
    return status == 304 || (cache::is_origin_error(status) && known.reuse.stale_if_error);
}

// What is stored answers after all: it is still good, or better than what the upstream says.
Task<> Forwarding::answer_known(UpstreamCall& call, Known& known, const cache::Times& times) {
    known.status.forward_status = call.head().status;
    if (call.head().status == 304) {
        cache::Store& store = *accelerator_.state().store();
        const cache::Freshened fresh =
            freshened(known.hit, fields_.lasting(), rule_, times, fields_.directives().expires);
        known.status.stored = store.freshen(known.hit, fresh.fields, fresh.metadata);
        if (!fresh.keep) store.erase(known.hit);
        known.reuse.age = fresh.metadata.age(times.response);
        known.status.ttl = fresh.metadata.ttl(times.response);
        if (known.leader)
            known.leader.land(fresh.keep ? cache::Landing::stored : cache::Landing::uncacheable, times.response);
    } else {
        known.status.detail = "stale-if-error";
        known.leader = {};
    }
    call.drop();
    co_await send_stored(known);
}

// What an unsafe request that succeeded has made out of date.
void Forwarding::invalidate(int status) {
    if (!rule_.on) return;
    for (const cache::CacheKey& key : cache::invalidated(asked_, status, fields_.lasting()))
        accelerator_.state().store()->erase(key);
}

// Nothing is stored of what was streamed, of a part, and of what the client's request was no question after.
void Forwarding::begin_fill(std::optional<StoreFill>& fill, const UpstreamHead& head, Known& known,
                            const cache::Times& times) {
    if (!rule_.on) return;
    const bool is_part = in_part_ && head.status != 200; // or 304, 412, 416: no answer for others
    if (asked_.kind == cache::CacheRequest::Kind::bypass || is_streamed(head) || is_part) {
        if (known.leader) known.leader.land(cache::Landing::uncacheable, times.response);
        return;
    }
    fill.emplace(*accelerator_.state().store(), rule_, route_.cache.max_object, std::move(known.leader),
                 asked_.kind == cache::CacheRequest::Kind::unsafe ? 0 : known.mark);
    std::optional<std::uint64_t> length;
    if (head.has_length) length = head.content_length;
    fill->begin(asked_, head.status, fields_.lasting(), request_->fields, times, length, fields_.directives().expires);
    known.status.stored = fill->storing();
    if (fill->storing()) known.status.ttl = fill->metadata().ttl(times.response);
}

// The upstream was asked for all of it, for a copy to keep; the client has it already (RFC 9111 section 4.3.2).
Task<> Forwarding::answer_not_modified(UpstreamCall& call, Known& known, const cache::Times& times) {
    known.status.forward_status = call.head().status;
    std::optional<StoreFill> fill;
    begin_fill(fill, call.head(), known, times);
    known.hit = {};
    const auto reply = std::make_unique<http::Reply>();
    reply->status = 304;
    for (const http::Field& field : fields_.fields())
        if (belongs_to_304(field.name)) reply->add(field.name, field.value);
    apply_headers(*reply, route_.headers);
    if (!request_id().empty()) reply->add("X-Request-Id", request_id());
    cache::CacheStatus::Text space;
    reply->add("Cache-Status", known.status.text(space));
    exchange_.notes().cache = known.status.word();
    exchange_.on_gone(nullptr);
    if (fill && fill->storing())
        fill_aside(exchange_.context(), std::move(*fill), std::move(call), Clock::now() + route_.cache.wait);
    else
        call.drop();
    static_cast<void>(co_await exchange_.send(*reply));
}

Task<> Forwarding::pass_on(UpstreamCall& call, Known& known, const cache::Times& times) {
    const UpstreamHead& head = call.head();
    known.status.forward_status = head.status;
    invalidate(head.status);
    std::optional<StoreFill> fill;
    begin_fill(fill, head, known, times);
    known.hit = {};
    cache::CacheStatus::Text space;
    if (rule_.on) {
        fields_.drop(cache::is_tag_field); // as on a hit
        exchange_.notes().cache = known.status.word();
        fields_.add("Cache-Status", known.status.text(space));
    }
    Relay relay(exchange_, call, response_);
    if (fill) {
        relay.on_piece([&fill](std::string_view piece) { fill->piece(piece); });
        relay.on_whole([&fill] { fill->whole(); });
        relay.finish_without_client([&fill] { return fill->is_worth_finishing(); }, route_.cache.wait);
    }
    const HangUpWatch watch(exchange_, [&relay] { relay.client_left(); });
    if (client_left_) relay.client_left();
    std::optional<std::uint64_t> length;
    if (head.has_length) length = head.content_length;
    const Relay::Head to_client{head.status, fields_.fields(), length, !is_streamed(head)};
    co_await relay.run(to_client);
    if (!relay.problem().empty() && !call.cancelled()) accelerator_.complain(name() + ": cut: " + relay.problem());
}

} // namespace mpsup::accelerator

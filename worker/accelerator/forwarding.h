// One request that an upstream, or the cache with the help of one, answers.
#pragma once

#include "base/recycled.h"
#include "worker/accelerator/accelerator.h"
#include "worker/accelerator/hang_up_watch.h"
#include "worker/accelerator/owned_request.h"
#include "worker/accelerator/relay.h"
#include "worker/accelerator/route_plans.h"
#include "worker/accelerator/spool.h"
#include "worker/accelerator/store_fill.h"
#include "worker/accelerator/upstream_call.h"
#include "worker/cache/cache_status.h"
#include "worker/cache/invalidation.h"
#include "worker/cache/reuse.h"
#include "worker/http/exchange.h"

#include <memory>
#include <optional>
#include <string>

namespace mpsup::accelerator {

/// Lives in Accelerator::serve(). In the words of what happens:
///   the content of the request is read whole into the spool
///   the cache is asked, and others that fetch the same are waited for
///   an upstream is called
///   its response is judged: sent on, or what is stored instead of it, or a file that it names
class Forwarding : public Recycled<Forwarding> {
public:
    /// All outlive it. `route`: index of one with a destination.
    Forwarding(Accelerator& accelerator, http::Exchange& exchange, std::size_t route);

    [[nodiscard]] http::Task<> run();

private:
    /// What the cache has for this request when an upstream is called.
    struct Known {
        cache::Hit hit; // to be validated, or a resort when the upstream fails
        cache::Reuse reuse;
        cache::CacheStatus status;
        cache::Leader leader;
        std::uint64_t mark = 0; // of the store, from before the upstream is asked
    };

    [[nodiscard]] http::Task<> run_with_content();
    [[nodiscard]] http::Task<bool> take_content();
    [[nodiscard]] http::Task<> find_answer();
    [[nodiscard]] http::Task<> run_cached();
    [[nodiscard]] http::Task<bool> wait_for_flight(Known& known, http::TimePoint patience);
    [[nodiscard]] http::Task<> call_upstream(Known& known);
    [[nodiscard]] http::Task<> answer(UpstreamCall& call, Known& known, const cache::Times& times);
    [[nodiscard]] static bool known_is_better(int status, const Known& known) noexcept;
    [[nodiscard]] http::Task<> answer_known(UpstreamCall& call, Known& known, const cache::Times& times);
    [[nodiscard]] http::Task<> answer_not_modified(UpstreamCall& call, Known& known, const cache::Times& times);
    [[nodiscard]] http::Task<> pass_on(UpstreamCall& call, Known& known, const cache::Times& times);
    [[nodiscard]] http::Task<> send_file(UpstreamCall& call, Known& known);
    [[nodiscard]] http::Task<> open_tunnel(UpstreamCall& call);
    [[nodiscard]] http::Task<> send_stored(Known& known);
    [[nodiscard]] http::Task<> send_large(Known& known);
    [[nodiscard]] http::Task<> fail(const CallFailure& failure, Known& known);
    /// `retry_after`: 0 for none.
    [[nodiscard]] http::Task<> refuse(int status, std::chrono::seconds retry_after = {});

    void prepare();
    /// What the request is known by in logs and to the quarantine.
    [[nodiscard]] std::string name() const;
    [[nodiscard]] std::string_view request_id();
    void client_left(UpstreamCall& call, const Known& known);
    /// As it goes to such an upstream; good until it is written for another kind.
    [[nodiscard]] std::string_view head_for(bool pool, const Known& known);
    void renew();
    void invalidate(int status);
    void begin_fill(std::optional<StoreFill>& fill, const UpstreamHead& head, Known& known, const cache::Times& times);
    void note_child(const UpstreamCall& call);
    [[nodiscard]] bool is_streamed(const UpstreamHead& head) const noexcept;
    [[nodiscard]] bool stale_will_do(const Known& known) const noexcept;

    Accelerator& accelerator_;
    http::Exchange& exchange_;
    const std::size_t index_;
    const contract::Route& route_;
    Destination& destination_;
    const cache::Rule& rule_;
    const http::Request* request_; // the client's, or one with the host that a proxy of ours named
    std::unique_ptr<OwnedRequest> renamed_;
    ClientIdentity identity_;
    RoutePlans plans_;
    cache::CacheRequest asked_;
    std::string head_;          // as it goes to the upstream
    bool head_of_pool_ = false; // which is of that kind
    Spool content_;
    Spool response_;
    ReplyFields fields_;
    Known nothing_; // when there is no cache
    bool websocket_ = false;
    bool in_part_ = false;     // the upstream was asked with the client's range and conditions
    bool client_left_ = false; // before there was an answer
};

} // namespace mpsup::accelerator

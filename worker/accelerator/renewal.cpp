#include "worker/accelerator/renewal.h"

#include "worker/accelerator/owned_request.h"
#include "worker/accelerator/route_plans.h"
#include "worker/accelerator/store_fill.h"
#include "worker/accelerator/upstream_call.h"
#include "worker/cache/reuse.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <functional>

namespace asio = boost::asio;

namespace mpsup::accelerator {

namespace {

using http::Task;

// Everything that the request in whose name it happens leaves behind.
struct Renewal {
    Renewal(Accelerator& owner, std::size_t at, const http::Request& from, const http::Client& asking,
            cache::Leader lead)
        : accelerator(owner),
          index(at),
          route(owner.state().front().routes[at]),
          destination(*owner.state().destination(at)),
          rule(owner.state().rule(at)),
          request(OwnedRequest::copy(from)),
          client(asking),
          plans(route, destination, client),
          leader(std::move(lead)) {}

    Task<> run();
    void write_head(std::string& head, const cache::Hit& hit, bool to_pool);
    Task<> take(UpstreamCall& call, cache::Hit& hit, const cache::Times& times);
    void freshen(cache::Hit& hit, const cache::Times& times);

    Accelerator& accelerator;
    const std::size_t index;
    const contract::Route& route;
    Destination& destination;
    const cache::Rule& rule;
    std::unique_ptr<OwnedRequest> request;
    const http::Client client;
    RoutePlans plans;
    cache::Leader leader;
    std::uint64_t mark = 0; // of the store, from before the upstream is asked
    ClientIdentity identity;
    cache::CacheRequest asked;
    ReplyFields fields;
};

void Renewal::write_head(std::string& head, const cache::Hit& hit, bool to_pool) {
    head.clear();
    std::string id;
    accelerator.make_request_id(id);
    std::vector<http::Field> conditions;
    add_conditions(hit, conditions);
    ForwardPlan plan = plans.forward(request->request, identity, to_pool);
    plan.request_id = id;
    plan.refetch = true;
    plan.additions = conditions;
    write_forward_head(head, request->request, identity, plan);
}

Task<> Renewal::run() {
    accelerator.state().identify(request->request, client, identity);
    request->request.method = "GET";
    asked = accelerator.state().read_for_cache(request->request, identity.secure(), index);
    cache::Store::Found found = co_await accelerator.find(asked, request->request.fields);
    cache::Hit hit = std::move(found.hit);
    if (!hit || destination.load(http::Clock::now()) != Load::normal) co_return;
    std::string head;
    const auto write = [&](bool to_pool) { return write_head(head, hit, to_pool), std::string_view(head); };
    const CallRequest sent{
        .head = std::ref(write), .safe = true, .method = "GET", .host = identity.host, .path = request->request.path};
    UpstreamCall call(accelerator.upstreams(), destination, accelerator.state().poison(), sent);
    cache::Times times;
    times.request = wall_seconds();
    mark = accelerator.state().store()->mark();
    if (const auto failed = co_await call.begin(http::Clock::now())) {
        accelerator.complain(sent.name() + ": not renewed: " + failed->reason);
        co_return;
    }
    times.response = wall_seconds();
    co_await take(call, hit, times);
}

Task<> Renewal::take(UpstreamCall& call, cache::Hit& hit, const cache::Times& times) {
    fields.build(call.head(), plans.reply(identity, call.is_of_pool()));
    const int status = call.head().status;
    if (status == 304) freshen(hit, times);
    if (status == 304 || cache::is_origin_error(status)) co_return call.drop();
    if (!fields.directives().file.empty() || !fields.directives().redirect.empty()) {
        // The content is a file's now, and is never stored.
        accelerator.state().store()->erase(hit);
        leader.land(cache::Landing::uncacheable, times.response);
        co_return call.drop();
    }
    StoreFill fill(*accelerator.state().store(), rule, route.cache.max_object, std::move(leader), mark);
    std::optional<std::uint64_t> length;
    if (call.head().has_length) length = call.head().content_length;
    fill.begin(asked, status, fields.lasting(), request->request.fields, times, length, fields.directives().expires);
    // What may not be kept any more is no reason to go on sending the old one.
    if (!fill.storing()) accelerator.state().store()->erase(hit);
    co_await fill_from(fill, call);
}

void Renewal::freshen(cache::Hit& hit, const cache::Times& times) {
    cache::Store& store = *accelerator.state().store();
    const cache::Freshened fresh = freshened(hit, fields.lasting(), rule, times, fields.directives().expires);
    store.freshen(hit, fresh.fields, fresh.metadata);
    if (!fresh.keep) store.erase(hit);
    leader.land(fresh.keep ? cache::Landing::stored : cache::Landing::uncacheable, times.response);
}

Task<> run(std::unique_ptr<Renewal> renewal) { co_await renewal->run(); }

} // namespace

void start_renewal(Accelerator& accelerator, std::size_t route, const http::Request& request,
                   const http::Client& client, cache::Leader leader) {
    auto renewal = std::make_unique<Renewal>(accelerator, route, request, client, std::move(leader));
    asio::co_spawn(accelerator.context(), run(std::move(renewal)), asio::detached);
}

void add_conditions(const cache::Hit& hit, std::vector<http::Field>& fields) {
    const auto conditions = cache::origin_conditions(hit.fields());
    if (!conditions.if_none_match.empty()) fields.push_back({"If-None-Match", conditions.if_none_match});
    if (!conditions.if_modified_since.empty()) fields.push_back({"If-Modified-Since", conditions.if_modified_since});
}

} // namespace mpsup::accelerator

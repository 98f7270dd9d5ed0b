#include "worker/accelerator/route_plans.h"

#include "worker/accelerator/store_fill.h"

#include <chrono>

namespace mpsup::accelerator {

namespace {

std::uint64_t now_us() noexcept {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

} // namespace

RoutePlans::RoutePlans(const contract::Route& route, const Destination& destination, const http::Client& client)
    : route_(route), destination_(destination), client_(client) {
    if (!route.strip_prefix.empty())
        public_prefix_ = route.strip_prefix.ends_with('/') ? route.strip_prefix : route.strip_prefix + "/";
}

ForwardPlan RoutePlans::forward(const http::Request& request, const ClientIdentity& identity, bool to_pool) {
    ForwardPlan plan;
    plan.peer = client_.address;
    if (identity.host.empty()) {
        fallback_host_ = client_.local_address + ":" + std::to_string(client_.local_port);
        plan.fallback_host = fallback_host_;
    }
    plan.start_us = now_us();
    plan.keep_alive = !to_pool;
    // What a proxy before us says of its client has no port.
    if (to_pool && identity.address == client_.address) plan.client_port = client_.port;
    plan.overrides = route_.request_headers;
    if (!route_.strip_prefix.empty() && request.path.starts_with(route_.strip_prefix)) {
        target_ = request.path.substr(route_.strip_prefix.size());
        if (!target_.starts_with('/')) target_.insert(0, "/");
        if (request.has_query) target_.append("?").append(request.query);
        plan.target = target_;
        plan.prefix = route_.strip_prefix;
    }
    return plan;
}

ReplyPlan RoutePlans::reply(const ClientIdentity& identity, bool from_pool) const {
    ReplyPlan plan;
    plan.map = {identity.proto, identity.host, destination_.authorities()};
    if (!public_prefix_.empty()) plan.map.public_prefix = public_prefix_;
    plan.now = wall_seconds();
    plan.from_pool = from_pool;
    plan.overrides = route_.headers;
    return plan;
}

} // namespace mpsup::accelerator

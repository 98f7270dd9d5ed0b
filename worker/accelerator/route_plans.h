// What a route makes of a request on its way to the upstream, and of the response on its way back.
#pragma once

#include "worker/accelerator/destination.h"
#include "worker/accelerator/forward_head.h"
#include "worker/accelerator/reply_fields.h"
#include "worker/contract/front.h"
#include "worker/http/client_info.h"

#include <string>

namespace mpsup::accelerator {

/// The same for a request of a client and for one that renews a stored response, so that both ask for the same thing and
/// understand the answer in the same way. The plans view into this object, which must stay where it is.
class RoutePlans {
public:
    /// All outlive it.
    RoutePlans(const contract::Route& route, const Destination& destination, const http::Client& client);
    RoutePlans(const RoutePlans&) = delete;
    RoutePlans& operator=(const RoutePlans&) = delete;

    /// All of it but what is of the one request: its id, content, upgrade, conditions.
    [[nodiscard]] ForwardPlan forward(const http::Request& request, const ClientIdentity& identity, bool to_pool);
    /// The same of its response.
    [[nodiscard]] ReplyPlan reply(const ClientIdentity& identity, bool from_pool) const;

private:
    const contract::Route& route_;
    const Destination& destination_;
    const http::Client& client_;
    std::string public_prefix_; // of a route that cuts its prefix off
    std::string target_;        // without it
    std::string fallback_host_;
};

} // namespace mpsup::accelerator

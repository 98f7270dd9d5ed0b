#include "worker/light/front_server.h"

#include <algorithm>

namespace mpsup::light {

http::ServerOptions server_options(const contract::Front& front) {
    const contract::GuardLimits& limits = front.limits;
    http::ServerOptions options;
    options.connection.limits.body = limits.body;
    options.guards.connections = limits.per_address;
    options.guards.rate = limits.rate;
    options.guards.burst = limits.burst != 0 ? limits.burst : limits.rate;
    options.connections = limits.connections;
    options.json_log = front.log_json;
    return options;
}

Result<std::shared_ptr<http::TlsKeeper>> open_certificates(const contract::Front& front) {
    if (std::ranges::none_of(front.listeners, &contract::FrontListener::tls)) return nullptr;
    http::TlsOptions options;
    options.tls13_only = front.tls13_only;
    options.client_authority = front.client_ca;
    for (const contract::Certificate& pair : front.certificates) options.pairs.push_back({pair.cert, pair.key});
    return http::TlsKeeper::open(std::move(options));
}

http::ListenerOptions listener_options(const contract::Front& front, std::size_t index,
                                       const std::shared_ptr<http::TlsKeeper>& certificates) {
    http::ListenerOptions options;
    if (index >= front.listeners.size()) return options;
    const contract::FrontListener& listener = front.listeners[index];
    if (listener.tls) options.tls = certificates;
    options.proxy_protocol = listener.proxy_protocol;
    return options;
}

} // namespace mpsup::light

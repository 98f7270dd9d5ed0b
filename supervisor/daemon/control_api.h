// The control API's routes: what a request asks for, and what is answered.
#pragma once

#include "supervisor/control/server.h"
#include "supervisor/daemon/cluster_link.h"
#include "supervisor/daemon/orders.h"
#include "supervisor/daemon/status.h"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace mpsup {

/// What the API needs of the process it runs in.
struct ApiProcess {
    std::int64_t started_ms = 0; // wall clock
    std::function<SupervisorView()> view;
    /// Becomes another program; comes back only when that failed.
    std::function<boost::asio::awaitable<Outcome>(std::string program, Report report, ControlAnswer& answer)> upgrade;
    /// It ends with this code, once answers are out.
    std::function<void(int code)> end;
};

/// One event loop; what it works with outlives it.
class ControlApi {
public:
    /// `cluster`: null where this machine is the only one.
    ControlApi(Site& site, Orders& orders, ClusterLink* cluster, ApiProcess process)
        : site_(site), orders_(orders), cluster_(cluster), process_(std::move(process)) {}

    /// A handler for ControlServer.
    [[nodiscard]] boost::asio::awaitable<void> serve(ControlRequest request, std::shared_ptr<ControlAnswer> answer);

private:
    using Task = boost::asio::awaitable<void>;
    [[nodiscard]] std::string version() const;
    [[nodiscard]] Task serve_up(const std::string& body, bool all_anew, const Report& report, ControlAnswer& answer);
    [[nodiscard]] Task serve_restart(const std::string& body, const Report& report, ControlAnswer& answer);
    [[nodiscard]] Task serve_rollback(const std::string& body, const Report& report, ControlAnswer& answer);
    [[nodiscard]] Task serve_reset(const std::string& body, const Report& report, ControlAnswer& answer);
    [[nodiscard]] Task serve_scale(const std::string& body, const Report& report, ControlAnswer& answer);
    [[nodiscard]] Task serve_upgrade(const std::string& body, const Report& report, ControlAnswer& answer);
    [[nodiscard]] Task serve_ask(const std::string& body, ControlAnswer& answer);
    [[nodiscard]] Task serve_down(const Report& report, ControlAnswer& answer);
    [[nodiscard]] Task serve_fence(const ControlRequest& request, const Report& report, ControlAnswer& answer);
    [[nodiscard]] Task bring_up_everywhere(UpRequest request, UpManner how, const Report& report,
                                           ControlAnswer& answer);
    [[nodiscard]] Task order(cluster::Order order, const Report& report, ControlAnswer& answer);

    Site& site_;
    Orders& orders_;
    ClusterLink* cluster_;
    ApiProcess process_;
};

} // namespace mpsup

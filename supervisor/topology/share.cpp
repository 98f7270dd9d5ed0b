#include "supervisor/topology/share.h"

#include "supervisor/topology/front.h"
#include "supervisor/topology/placement.h"

#include <algorithm>
#include <set>
#include <utility>

namespace mpsup::topology {

namespace {

// The worker that it names, one at most; null: addresses, or files alone.
const WorkerSpec* pool_of(const Topology& topology, const RouteSpec& route) {
    const auto is_name = [](const std::string& target) {
        return !target.empty() && !target.starts_with('/') && !Address::parse(target);
    };
    const auto named = std::ranges::find_if(route.to, is_name);
    if (named != route.to.end()) return topology.find(*named);
    return is_name(route.fallback) ? topology.find(route.fallback) : nullptr;
}

template <typename Do> void each_route(const FrontSpec& front, Do act) {
    act(front.own);
    for (const RouteSpec& route : front.routes) act(route);
}

class ShareMaker {
public:
    ShareMaker(const Whole& whole, std::string_view machine) : shared_(whole), whole_(*whole), here_(machine) {}

    Topology run() {
        Topology share = whole_;
        share.here = here_;
        share.whole = shared_;
        share.workers.clear();
        for (const WorkerSpec& worker : whole_.workers)
            (runs_on(whole_, worker, here_) ? share.workers : share.others).push_back(worker);
        for (WorkerSpec& worker : share.workers) settle(worker);
        const std::size_t own = share.workers.size();
        for (std::size_t i = 0; i < own; ++i)
            if (const auto gateway = share.workers[i].gateway)
                share.workers.push_back(gateway_of(share.workers[i], *gateway));
        return share;
    }

private:
    void settle(WorkerSpec& worker) const {
        settle_ports(worker, *find_machine(whole_, here_));
        std::erase_if(worker.depends_on, [&](const auto& dependency) {
            const WorkerSpec* const other = whole_.find(dependency.first);
            return other && !runs_on(whole_, *other, here_);
        });
        if (worker.front->routes.empty() && worker.front->own.fallback.empty()) return;
        FrontSpec& front = worker.front.edit();
        lead(front.own);
        for (RouteSpec& route : front.routes) lead(route);
    }

    void lead(RouteSpec& route) const {
        const WorkerSpec* const pool = pool_of(whole_, route);
        if (!pool) return;
        const bool is_here = runs_on(whole_, *pool, here_);
        if (is_here && pool->is_private())
            route.socket = pool_socket_of(*pool);
        else
            route.socket.clear();
        for (const Machine* const machine : machines_of(whole_, *pool)) {
            if (machine->name == here_ && pool->is_private()) continue;
            const auto address = remote_address(*pool, *machine);
            if (address) route.elsewhere.push_back(address->to_string());
        }
        if (route.elsewhere.empty()) return;
        if (pool->gateway) route.tls = pool->gateway->tls;
        if (route.rule.health.check_path.empty()) route.rule.health.check_path = pool->health.path.value_or("");
    }

    // It must not be stricter than those who send it requests.
    [[nodiscard]] WorkerSpec gateway_of(const WorkerSpec& pool, const Gateway& spec) const {
        WorkerSpec gateway{.name = gateway_name(pool.name),
                           .kind = Kind::accelerator,
                           .on = {here_},
                           .listen = {spec.listen},
                           .gateway = spec,
                           .gateway_of = pool.name,
                           .stop = pool.stop};
        FrontSpec& front = gateway.front.edit();
        RouteSpec route{.to = {pool.name}, .socket = pool_socket_of(pool)};
        front.rest.limits.body = 0;
        std::set<std::string> asking; // machines
        for (const WorkerSpec& worker : whole_.workers)
            each_route(*worker.front, [&](const RouteSpec& other) {
                if (const WorkerSpec* const target = pool_of(whole_, other); !target || target->name != pool.name)
                    return;
                for (const Machine* machine : machines_of(whole_, worker))
                    if (machine->name != here_) asking.insert(machine->ip);
                as_patient_as(other.rule, route.rule);
                front.rest.limits.body = std::max(front.rest.limits.body, worker.front->rest.limits.body);
            });
        for (const std::string& ip : asking)
            if (auto block = contract::Cidr::parse(ip)) front.rest.trusted_proxies.push_back(std::move(*block));
        if (spec.tls.is_on()) {
            front.flags[spec.listen].tls = true;
            front.rest.certificates = {{spec.tls.cert, spec.tls.key}};
            front.rest.client_ca = spec.tls.ca;
        }
        front.routes.push_back(std::move(route));
        return gateway;
    }

    static void as_patient_as(const contract::Route& other, contract::Route& route) {
        route.queue.length = std::max(route.queue.length, other.queue.length);
        route.queue.timeout = std::max(route.queue.timeout, other.queue.timeout);
        route.timeouts.response = std::max(route.timeouts.response, other.timeouts.response);
        route.timeouts.idle = std::max(route.timeouts.idle, other.timeouts.idle);
        route.timeouts.tunnel = std::max(route.timeouts.tunnel, other.timeouts.tunnel);
    }

    const Whole shared_;
    const Topology& whole_;
    const std::string here_;
};

} // namespace

bool is_for_several(const Topology& topology) noexcept { return topology.machines.size() > 1; }

Topology share_of(const Topology& whole, std::string_view machine) {
    return ShareMaker(whole.whole ? whole.whole : Whole(whole), machine).run();
}

Topology over_all_machines(const Topology& topology) {
    if (!is_for_several(topology)) return topology;
    Topology all = topology.whole ? *topology.whole : topology;
    all.whole = Whole(all);
    all.here = topology.here;
    all.workers.clear();
    const auto add = [&](const Topology& share) {
        for (const WorkerSpec& worker : share.workers) all.workers.emplace_back(worker).on = {share.here};
    };
    if (topology.whole) add(topology);
    for (const Machine& machine : all.machines)
        if (machine.name != topology.here) add(share_of(topology, machine.name));
    return all;
}

std::string gateway_name(std::string_view pool) { return std::string(pool) + "-gateway"; }

} // namespace mpsup::topology

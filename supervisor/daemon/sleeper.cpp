#include "supervisor/daemon/sleeper.h"

#include "state/queries.h"
#include "supervisor/topology/resolve.h"

#include <algorithm>
#include <utility>

// GCC 12 inlines Asio's operator new of a coroutine's frame here and not its operator delete, and then finds that they differ.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace mpsup {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto wake_patience = std::chrono::seconds(30);

} // namespace

asio::awaitable<std::string> go_back(Site& site, std::shared_ptr<WorkerHandle> worker, Report report) {
    const auto number = worker->core().sleeping();
    if (number == 0) co_return worker->spec().name + ": no generation sleeps";
    const auto old_spec = worker->shared_spec();
    const auto old_listeners = worker->listeners();
    if (!worker->become_as(number)) site.unsure_of().insert(worker->spec().name);
    worker->wake(number);
    const auto deadline = Clock::now() + wake_patience;
    const auto is_awake = [&] {
        const core::Generation* woken = worker->core().find(number);
        return !woken || woken->phase != core::Phase::serving ||
               woken->ready_count() >= worker->core().rules().wanted();
    };
    while (!is_awake() && Clock::now() < deadline) co_await site.around().changed.wait_until(deadline);
    const core::Generation* woken = worker->core().find(number);
    if (!woken || woken->phase != core::Phase::serving || !is_awake()) {
        worker->take_back(number);
        worker->set_spec(old_spec, old_listeners);
        co_return worker->spec().name + " generation " + std::to_string(number) + " did not wake up";
    }
    worker->serve_alone(number, false);
    report(worker->spec().name + " generation " + std::to_string(number) + " serves again");
    co_return std::string();
}

void record(Site& site, const AppliedTopology& applied) {
    History& history = site.around().history;
    history.store().topology({applied.digest, topology::to_document(applied.topology), applied.path});
    history.site_event(state::EventKind::topology_applied, applied.path + ", digest " + applied.digest);
}

void record_woken(Site& site, const std::vector<std::string>& names) {
    if (!site.applied()) return;
    AppliedTopology applied = *site.applied();
    bool changed = false;
    for (topology::WorkerSpec& spec : applied.topology.workers) {
        const auto worker = site.find(spec.name);
        if (std::ranges::find(names, spec.name) == names.end() || !worker || worker->spec() == spec) continue;
        spec = worker->spec();
        changed = true;
    }
    if (!changed) return;
    const std::string document = topology::to_document(applied.topology);
    if (const auto readable = topology::from_document(document); !readable) // it leads to what is no more
        return log_line("warning", "what was woken is forgotten when the supervisor is started anew: " +
                                       readable.error().to_string());
    applied.digest = topology::digest_of(document);
    site.set_applied(std::move(applied));
    record(site, *site.applied());
}

Result<AppliedTopology> previous_topology(Site& site) {
    const auto queries = state::Queries::open(site.around().paths.database());
    if (!queries) return std::unexpected(queries.error());
    auto rows = queries->last_topologies(20);
    if (!rows) return std::unexpected(rows.error());
    for (state::TopologyRow& row : *rows) {
        if (site.applied() && row.digest == site.applied()->digest) continue;
        auto topology = topology::from_document(row.document);
        if (!topology) return std::unexpected(topology.error());
        return AppliedTopology{std::move(*topology), row.path, row.digest};
    }
    return failure("no generation sleeps, and no other topology was ever applied");
}

} // namespace mpsup

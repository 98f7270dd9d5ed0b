#include "supervisor/daemon/status.h"

#include "supervisor/daemon/worker_handle.h"
#include "supervisor/topology/urls.h"

#include <boost/json.hpp>

#include <chrono>

namespace mpsup {

namespace {

namespace json = boost::json;

std::int64_t monotonic_ms() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch(); // CLOCK_MONOTONIC, as the scoreboards
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::string_view word_of(char activity) {
    switch (activity) {
    case 'S': return "starting";
    case '_': return "idle";
    case 'R': return "reading";
    case 'W': return "busy";
    case 'G': return "finishing";
    default: return "unknown";
    }
}

json::object process_json(const ServingProcess& process, std::string_view role, const core::Generation& generation,
                          bool complete) {
    json::object object{{"pid", process.pidfd.pid()},
                        {"role", role},
                        {"generation", generation.number},
                        {"phase", core::to_string(generation.phase)},
                        {"started_at", timestamp(process.started_ms)}};
    if (!complete) return object;
    const auto board = process.scoreboard.read();
    // A pool master serves nobody: it has no scoreboard, and is what its generation is.
    object["state"] = role == "master" ? std::string_view("master") : word_of(board.activity);
    object["requests"] = board.requests;
    object["private_bytes"] = process.private_bytes;
    object["shared_bytes"] = process.shared_bytes;
    if (board.last_ms > 0)
        object["idle_ms"] = board.request ? 0 : std::max<std::int64_t>(0, monotonic_ms() - board.last_ms);
    object["request"] = nullptr;
    if (board.request)
        object["request"] = {{"method", board.request->method},
                             {"uri", board.request->uri},
                             {"age_ms", std::max<std::int64_t>(0, monotonic_ms() - board.request->since_ms)}};
    return object;
}

json::array processes_json(const WorkerHandle& worker, bool complete) {
    json::array processes;
    for (const auto& generation : worker.generations()) {
        const core::Generation* known = worker.core().find(generation->number);
        if (!known) continue;
        if (generation->process.pidfd)
            processes.emplace_back(
                process_json(generation->process, known->is_pool ? "master" : "light", *known, complete));
        for (const ServingProcess& master : generation->retiring)
            processes.emplace_back(process_json(master, "master", *known, complete));
        for (const auto& [pid, child] : generation->children)
            processes.emplace_back(process_json(child, "child", *known, complete));
    }
    return processes;
}

json::object health_json(const WorkerHandle& worker, bool complete) {
    const HealthView& health = worker.health();
    const bool is_known = health.passed && worker.core().serving() != 0; // else it is of one that is gone
    const char* state = !is_known ? "unknown" : *health.passed ? "healthy" : "unhealthy";
    json::object object{{"state", state}};
    if (!complete) return object;
    object["latency_ms"] = is_known ? json::value(health.latency.count()) : json::value(nullptr);
    object["checked_at"] = health.checked_ms > 0 ? json::value(timestamp(health.checked_ms)) : json::value(nullptr);
    if (is_known && !health.why.empty()) object["why"] = health.why;
    return object;
}

json::object pool_json(const topology::Pool& pool) {
    const auto sized = pool.sized();
    json::object object{{"mode", topology::to_string(sized.mode)}, {"min", sized.min}};
    object["max"] = sized.max > 0 ? json::value(sized.max) : json::value("auto");
    return object;
}

json::array urls_json(const topology::WorkerSpec& spec) {
    json::array urls;
    if (!spec.public_url.empty()) urls.emplace_back(spec.public_url);
    for (const Address& address : spec.listen) urls.emplace_back(url_of(spec, address));
    return urls;
}

// Those that there were, in the order of PageFate.
json::object pages_json(const contract::PageCounts& pages) {
    json::object object;
    for (std::size_t i = 0; i < pages.size(); ++i)
        if (pages[i] > 0) object[contract::page_fates[i]] = pages[i];
    return object;
}

// Of the generation that serves, or the one that is on its way.
std::string program_of_worker(const WorkerHandle& worker) {
    for (const auto& generation : worker.generations())
        if (generation->number == worker.core().serving() && !generation->program.empty()) return generation->program;
    return worker.generations().empty() ? "" : worker.generations().back()->program;
}

} // namespace

std::string status_json(const WorkerHandle& worker, std::optional<std::int64_t> now_ms) {
    const topology::WorkerSpec& spec = worker.spec();
    const core::Worker& core = worker.core();
    json::array listen;
    for (const Address& address : spec.listen) listen.emplace_back(address.to_string());
    json::object object{{"name", spec.name},
                        {"kind", topology::to_string(spec.kind)},
                        {"machine", worker.machine()},
                        {"state", core::to_string(core.state())},
                        {"binary", program_of_worker(worker)},
                        {"listen", std::move(listen)},
                        {"generation", core.serving()},
                        {"ready", core.ready()},
                        {"wanted", core.wanted()},
                        {"restarts", {{"crash", core.crashes()}, {"planned", core.planned_restarts()}}},
                        {"health", health_json(worker, now_ms.has_value())},
                        {"last_failure", core.last_failure()},
                        {"processes", processes_json(worker, now_ms.has_value())}};
    if (!spec.gateway_of.empty()) object["gateway_of"] = spec.gateway_of;
    if (spec.kind == topology::Kind::dynamic) object["pool"] = pool_json(spec.pool);
    if (spec.kind == topology::Kind::dynamic && spec.is_private()) object["socket"] = worker.endpoints().front().path;
    if (!spec.front->flags.empty() || !spec.public_url.empty()) object["urls"] = urls_json(spec);
    for (const auto& generation : worker.generations())
        if (generation->number == core.serving() && !generation->impaired.empty())
            object["impaired"] = generation->impaired;
    if (auto pages = pages_json(worker.pages()); !pages.empty()) object["pages"] = std::move(pages);
    if (worker.is_in_maintenance()) object["maintenance"] = true;
    if (now_ms) object["updated_at"] = timestamp(*now_ms);
    return json::serialize(object);
}

std::string status_json(const SiteView& site, const std::vector<std::string>& workers) {
    json::object head{{"version", 1},
                      {"site", site.site},
                      {"layout", site.layout},
                      {"topology", {{"path", site.topology_path}, {"digest", site.topology_digest}}},
                      {"supervisor",
                       {{"state", site.supervisor.state},
                        {"pid", site.supervisor.pid},
                        {"started_at", timestamp(site.supervisor.started_ms)},
                        {"version", MPSUP_VERSION},
                        {"build", site.supervisor.build},
                        {"operation", site.supervisor.operation},
                        {"rollout", site.supervisor.rollout},
                        {"trouble", site.supervisor.trouble}}}};
    // The workers are texts already: they are put in as they are.
    std::string text = json::serialize(head);
    text.pop_back();
    if (!site.supervisor.cluster.empty()) text += ",\"cluster\":" + site.supervisor.cluster;
    text += ",\"workers\":[";
    for (std::size_t i = 0; i < workers.size(); ++i) text += (i > 0 ? "," : "") + workers[i];
    return text + "]}";
}

} // namespace mpsup

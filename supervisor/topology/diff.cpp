#include "supervisor/topology/diff.h"

#include <algorithm>

namespace mpsup {

namespace {

std::vector<std::string> differing_keys(const WorkerSpec& a, const WorkerSpec& b) {
    std::vector<std::string> keys;
    const auto compare = [&](const char* key, const auto& left, const auto& right) {
        if (left != right) keys.emplace_back(key);
    };
    compare("kind", a.kind, b.kind);
    compare("listen", a.listen, b.listen);
    compare("root", a.root, b.root);
    compare("serves", a.serves, b.serves);
    compare("app", a.app, b.app);
    compare("env", a.env, b.env);
    compare("pool", a.pool, b.pool);
    compare("health", a.health, b.health);
    compare("restart", a.restart, b.restart);
    compare("stop", a.stop, b.stop);
    return keys;
}

} // namespace

Diff diff(const Topology& before, const Topology& after) {
    Diff result;
    const bool urls_changed = site_environment(before) != site_environment(after);
    for (const WorkerSpec& worker : after.workers) {
        const WorkerSpec* old = before.find(worker.name);
        if (!old) {
            result.added.push_back(worker.name);
            continue;
        }
        auto keys = differing_keys(*old, worker);
        if (urls_changed && std::ranges::find(keys, "env") == keys.end()) keys.emplace_back("env");
        if (keys.empty())
            result.unchanged.push_back(worker.name);
        else
            result.changed.push_back({worker.name, std::move(keys)});
    }
    for (const WorkerSpec& worker : before.workers)
        if (!after.find(worker.name)) result.removed.push_back(worker.name);
    return result;
}

std::map<std::string, std::string> site_environment(const Topology& topology) {
    std::map<std::string, std::string> environment;
    for (const WorkerSpec& worker : topology.workers)
        environment.emplace(worker.kind == WorkerKind::dynamic ? "MPSUP_DYNAMIC_URL" : "MPSUP_STATIC_URL",
                            public_url(topology, worker));
    return environment;
}

const WorkerSpec* Topology::find(const std::string& name) const {
    const auto found = std::ranges::find(workers, name, &WorkerSpec::name);
    return found == workers.end() ? nullptr : &*found;
}

std::string layout_of(const Topology& topology) {
    const auto& workers = topology.workers;
    if (workers.size() != 2 || workers[0].kind == workers[1].kind || workers[0].listen.size() != 1 ||
        workers[1].listen.size() != 1)
        return "custom";
    return workers[0].listen[0].ip == workers[1].listen[0].ip ? "two-ports" : "two-ips";
}

std::string public_url(const Topology& topology, const WorkerSpec& worker) {
    if (worker.listen.empty()) return {};
    Address address = worker.listen.front();
    if (address.is_any()) address.ip = topology.machine.address;
    return "http://" + address.to_string();
}

} // namespace mpsup

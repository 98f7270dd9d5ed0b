#include "supervisor/topology/diff.h"

#include "supervisor/topology/key_table.h"
#include "supervisor/topology/placement.h"

namespace mpsup::topology {

namespace {

// Of a share: another machine that has it too, or a gateway, which is a worker of its own there, is nothing to the worker.
bool is_of_the_whole(const Key& key) {
    return key.path == "workers.*.on" || key.path.starts_with("workers.*.gateway.");
}

GatewayTls tls_of(const WorkerSpec& worker) { return worker.gateway ? worker.gateway->tls : GatewayTls{}; }

std::vector<std::string> changed_keys(const WorkerSpec& before, const WorkerSpec& after, bool are_shares) {
    std::vector<std::string> keys;
    if (before.kind != after.kind) keys.emplace_back("kind");
    for (const auto& key : all_keys()) {
        if (!key.applies_to(before.kind) && !key.applies_to(after.kind)) continue;
        if (are_shares && is_of_the_whole(key)) continue;
        const bool differs = key.type == Type::items ? before.front->routes != after.front->routes
                                                     : key.is_held() && key.value_in(before) != key.value_in(after);
        if (differs) keys.emplace_back(key.path_in_worker());
    }
    // The pool behind it answers other paths.
    const RouteSpec& own = before.front->own;
    const RouteSpec& later = after.front->own;
    const bool is_led_elsewhere =
        own.socket != later.socket || own.elsewhere != later.elsewhere || own.tls != later.tls;
    if (is_led_elsewhere && before.kind == Kind::static_files && after.kind == before.kind) keys.emplace_back("try");
    if (is_gateway(after) && tls_of(before) != tls_of(after)) keys.emplace_back("gateway.tls");
    return keys;
}

} // namespace

bool Diff::empty() const noexcept { return site_keys.empty() && added.empty() && removed.empty() && changed.empty(); }

Diff diff(const Topology& before, const Topology& after) {
    Diff result;
    if (before.site != after.site) result.site_keys.emplace_back("site");
    if (before.binaries != after.binaries) result.site_keys.emplace_back("binaries");
    if (before.machines != after.machines) result.site_keys.emplace_back("machines");
    for (const auto& key : all_keys())
        if (key.get_of_site && key.get_of_site(before) != key.get_of_site(after))
            result.site_keys.emplace_back(key.path);
    for (const auto& worker : after.workers) {
        const auto* earlier = before.find(worker.name);
        if (!earlier)
            result.added.push_back(worker.name);
        else if (auto keys = changed_keys(*earlier, worker, before.whole && after.whole); keys.empty())
            result.unchanged.push_back(worker.name);
        else
            result.changed.push_back({worker.name, std::move(keys)});
    }
    for (const auto& worker : before.workers)
        if (!after.find(worker.name)) result.removed.push_back(worker.name);
    return result;
}

std::string to_string(const Diff& difference) {
    const auto list = [](const std::vector<std::string>& words) {
        std::string text;
        for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
        return text;
    };
    std::string text;
    if (!difference.site_keys.empty()) text += "~ site (" + list(difference.site_keys) + ")\n";
    for (const auto& name : difference.removed) text += "- " + name + "\n";
    for (const auto& change : difference.changed) text += "~ " + change.worker + " (" + list(change.keys) + ")\n";
    for (const auto& name : difference.added) text += "+ " + name + "\n";
    return text;
}

} // namespace mpsup::topology

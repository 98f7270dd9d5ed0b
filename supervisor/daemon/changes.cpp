#include "supervisor/daemon/changes.h"

#include "base/joined.h"
#include "supervisor/topology/links.h"
#include "supervisor/topology/urls.h"

#include <algorithm>
#include <utility>

namespace mpsup {

namespace {

// Whoever is told something else about links. Their addresses are the same.
void add_links(const topology::Topology& before, const topology::Topology& after, topology::Diff& changes) {
    const auto old_links = links_of(before);
    const auto new_links = links_of(after);
    const bool is_another_map = servers_in_words(before) != servers_in_words(after);
    const auto told = [](const std::map<std::string, contract::Links>& links, const std::string& name) {
        const auto found = links.find(name);
        return found == links.end() ? contract::Links{} : found->second;
    };
    const auto differs = [&](const std::string& name) {
        if (is_another_map && after.find(name)->kind == topology::Kind::dynamic) return true;
        return told(old_links, name) != told(new_links, name);
    };
    for (topology::Diff::Change& change : changes.changed)
        if (differs(change.worker)) change.keys.emplace_back("links");
    std::erase_if(changes.unchanged, [&](const std::string& name) {
        if (!differs(name)) return false;
        changes.changed.push_back({name, {"links"}});
        return true;
    });
}

} // namespace

topology::Diff changes_between(const topology::Topology& before, const topology::Topology& after) {
    topology::Diff changes = topology::diff(before, after);
    const bool is_rebuilt = before.binaries != after.binaries;
    if (!is_rebuilt && urls_of(before) == urls_of(after)) return add_links(before, after, changes), changes;
    const std::string why = is_rebuilt ? "binaries" : "the addresses of others";
    for (topology::Diff::Change& change : changes.changed) change.keys.push_back(why); // another size is not all of it
    for (std::string& name : std::exchange(changes.unchanged, {})) changes.changed.push_back({std::move(name), {why}});
    return changes;
}

void add_unsure(const Site& site, topology::Diff& changes) {
    for (const std::string& name : site.unsure_of()) {
        if (!site.find(name)) continue;
        std::erase(changes.added, name);
        std::erase(changes.unchanged, name);
        std::erase_if(changes.changed, [&](const topology::Diff::Change& change) { return change.worker == name; });
        if (std::ranges::find(changes.removed, name) == changes.removed.end())
            changes.changed.push_back({name, {"it is not known what it was started with"}});
    }
}

bool needs_no_generation(const topology::Diff::Change& change) {
    return std::ranges::all_of(change.keys, [](const std::string& key) {
        return key.starts_with("pool.") || key.starts_with("rolling.") || key.starts_with("hooks.") ||
               key == "depends_on";
    });
}

std::vector<std::string> take_resized(const Site& site, const topology::Topology& wanted, topology::Diff& changes) {
    std::vector<std::string> names;
    std::erase_if(changes.changed, [&](topology::Diff::Change& change) {
        if (!needs_no_generation(change)) return false;
        names.push_back(change.worker);
        return true;
    });
    for (const std::string& name : changes.unchanged) { // scaled by hand since
        const auto worker = site.find(name);
        if (worker && worker->spec().pool != wanted.find(name)->pool) names.push_back(name);
    }
    std::erase_if(names, [&](const std::string& name) { // nothing of it runs: it is started with its new size
        const auto worker = site.find(name);
        return !worker || worker->core().serving() == 0;
    });
    return names;
}

void resize_pools(Site& site, const topology::Topology& wanted, const std::vector<std::string>& names,
                  const Report& report) {
    for (const std::string& name : names) {
        const auto worker = site.find(name);
        const topology::WorkerSpec& spec = *wanted.find(name);
        if (worker->spec().rolling != spec.rolling) worker->set_rolling(spec.rolling);
        worker->set_dependencies(spec.depends_on);
        worker->set_hooks(spec.hooks);
        if (worker->spec().pool == spec.pool) continue;
        worker->resize(spec.pool);
        report(name + ": its pool has another size");
    }
}

void report_changes(const topology::Diff& changes, const Report& report) {
    for (const std::string& name : changes.added) report(name + ": added");
    for (const topology::Diff::Change& change : changes.changed)
        report(change.worker + ": changed (" + joined(change.keys, ", ") + ")");
    for (const std::string& name : changes.removed) report(name + ": removed");
}

} // namespace mpsup

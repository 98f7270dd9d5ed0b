#include "supervisor/topology/worker_rules.h"

#include "supervisor/topology/suggest.h"

#include <utility>

namespace mpsup::topology {

namespace {

class WorkerRules {
public:
    WorkerRules(const Node::Entry& named, const WorkerSpec& spec)
        : named_(named), spec_(spec), where_("workers." + named.key) {}

    Findings run(std::optional<Kind> kind) {
        if (const auto* health = entry(named_.value.get(), "health")) probes(*health);
        if (spec_.restart.max < spec_.restart.backoff) {
            const auto* section = entry(named_.value.get(), "restart");
            const auto* max = entry(section, "max");
            add(max ? max->mark : section->mark, where_ + ".restart", "`max` is shorter than `backoff`");
        }
        if (kind == Kind::dynamic) dynamic_worker();
        return std::move(findings_);
    }

private:
    void add(Mark mark, std::string key, std::string message) {
        findings_.push_back({mark, std::move(key), std::move(message)});
    }

    /// Each asks in one way.
    void probes(const Node& health) {
        const std::string where = where_ + ".health";
        for (const char* name : {"startup", "readiness", "liveness"}) {
            const auto* probe = entry(&health, name);
            const Node* first = nullptr;
            for (const char* way : {"http", "tcp", "exec"}) {
                const auto* node = entry(probe, way);
                if (node && std::exchange(first, node))
                    add(node->mark, where + "." + name,
                        "a probe asks in one way; keep one of `http`, `tcp` and `exec`");
            }
            if (first && name == std::string_view("readiness") && entry(&health, "path"))
                add(first->mark, where + "." + name, "`path` and `readiness` both say what is asked; keep one");
        }
    }

    /// What keys of a dynamic worker must agree on.
    void dynamic_worker() {
        const auto mark_of = [&](std::string_view key, std::string_view inner = {}) {
            const auto* node = entry(named_.value.get(), key);
            const auto* inside = entry(node, inner);
            return inside ? inside->mark : node ? node->mark : named_.key_mark;
        };
        const bool has_app = entry(named_.value.get(), "app");
        const bool has_cgi = entry(named_.value.get(), "cgi");
        if (!has_app && !has_cgi)
            add(named_.key_mark, where_,
                in_ticks(named_.key) + " has no `app` (a .psgi file) and no `cgi` (a folder of scripts)");
        if (has_app && has_cgi)
            add(mark_of("cgi"), where_ + ".cgi", in_ticks(named_.key) + " has both `app` and `cgi`; keep one");
        if (has_cgi && spec_.cgi.dir.empty() && entry(named_.value.get(), "cgi")->type == Node::Type::map &&
            !entry(entry(named_.value.get(), "cgi"), "dir"))
            add(mark_of("cgi"), where_ + ".cgi", "`cgi` has no `dir` (the folder of the scripts)");
        if (!spec_.root.empty() && spec_.serves.empty())
            add(mark_of("root"), where_ + ".root",
                "`root` of a dynamic worker needs `serves`: the beginnings of the paths that are files");
        if (spec_.root.empty() && !entry(named_.value.get(), "root") && !spec_.serves.empty())
            add(mark_of("serves"), where_ + ".serves",
                "`serves` of a dynamic worker needs `root`: the folder with the files");
        const RequestTimeout& timeout = spec_.request_timeout;
        if (timeout.soft && timeout.hard && *timeout.soft >= *timeout.hard)
            add(mark_of("request_timeout", "soft"), where_ + ".request_timeout", "`soft` is not shorter than `hard`");
        if (spec_.rolling.surge.value == 0 && spec_.rolling.unavailable.value == 0)
            add(mark_of("rolling", "surge"), where_ + ".rolling",
                "`surge` and `unavailable` are both 0: no child of the new generation could ever come");
        pool_bounds(spec_.pool, where_ + ".pool", [&](std::string_view key) { return mark_of("pool", key); });
    }

    template <typename MarkOf> void pool_bounds(const Pool& pool, const std::string& where, MarkOf mark_of) {
        const auto sized = pool.sized();
        if (pool.size && (pool.min || pool.max || pool.min_spare || pool.max_spare))
            add(mark_of("size"), where, "`size` is for a pool that never changes; give it alone, or bounds without it");
        if (pool.mode == PoolMode::fixed && (pool.min || pool.min_spare || pool.max_spare || pool.idle_timeout))
            add(mark_of("mode"), where, "a fixed pool has a `size` and no bounds");
        if (pool.mode && pool.mode != PoolMode::fixed && pool.size)
            add(mark_of("size"), where,
                "a pool with `mode: " + std::string(to_string(*pool.mode)) + "` has no `size`; give `max`");
        if (pool.mode == PoolMode::ondemand && (pool.min || pool.min_spare || pool.max_spare))
            add(mark_of("mode"), where,
                "an ondemand pool has no `min` and no spare children; give `max` and `idle_timeout`");
        if (sized.mode == PoolMode::fixed) return;
        if (sized.max != 0 && sized.min > sized.max)
            add(mark_of("max"), where,
                "`max` (" + std::to_string(sized.max) + ") is less than `min` (" + std::to_string(sized.min) + ")");
        if (sized.mode == PoolMode::dynamic && sized.max_spare < sized.min_spare)
            add(mark_of("max_spare"), where, "`max_spare` is less than `min_spare`");
        if (sized.mode == PoolMode::dynamic && sized.max != 0 && sized.min_spare > sized.max)
            add(mark_of("min_spare"), where, "`min_spare` is more than `max`");
    }

    const Node::Entry& named_;
    const WorkerSpec& spec_;
    const std::string where_;
    Findings findings_;
};

} // namespace

Findings check_worker(const Node::Entry& named, std::optional<Kind> kind, const WorkerSpec& spec) {
    return WorkerRules(named, spec).run(kind);
}

} // namespace mpsup::topology

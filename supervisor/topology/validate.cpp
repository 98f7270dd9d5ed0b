#include "supervisor/topology/validate.h"

#include "supervisor/topology/dependencies.h"
#include "supervisor/topology/front.h"
#include "supervisor/topology/key_table.h"
#include "supervisor/topology/key_uses.h"
#include "supervisor/topology/links.h"
#include "supervisor/topology/load.h"
#include "supervisor/topology/machine_rules.h"
#include "supervisor/topology/moved.h"
#include "supervisor/topology/placement.h"
#include "supervisor/topology/routes.h"
#include "supervisor/topology/suggest.h"
#include "supervisor/topology/value_parts.h"
#include "supervisor/topology/worker_rules.h"

#include <algorithm>
#include <ranges>
#include <utility>

namespace mpsup::topology {

namespace {

std::string join(std::string_view section, std::string_view key) {
    return section.empty() ? std::string(key) : std::string(section) + "." + std::string(key);
}

const Node* entry(const Node& map, std::string_view key) { return topology::entry(&map, key); }

Value kind_word(Kind kind) { return std::string(to_string(kind)); }

/// One pass over the tree; every finding is kept and nothing stops it.
class Validation {
public:
    Validation(const Origin& origin, const CertificateCheck& check) : origin_(origin), check_(check) {}

    std::expected<Valid, Findings> run(const Node& root) {
        if (root.type != Node::Type::map) {
            add(root.mark, "", "a topology is a map of keys (site, workers, …)");
            return std::unexpected(std::move(findings_));
        }
        values_ = origin_;
        const Node* const machines = topology::entry(&root, "machines");
        const auto is_one = [](const Node::Entry& given) { return !given.key.starts_with("x-"); };
        if (machines && std::ranges::count_if(machines->entries, is_one) > 1)
            values_.look_at_files = false; // each machine looks for itself (local_files.h)
        site_section(root);
        append(findings_, settle_machines(topology_, root, listeners_));
        append(findings_, check_overlaps_by_machine(topology_, listeners_));
        append(findings_, check_dependencies(topology_, root));
        append(findings_, check_routes(topology_, root, origin_.look_at_files));
        append(findings_, check_links(topology_, root, values_.look_at_files));
        if (origin_.look_at_files) append(findings_, check_key_uses(topology_, root));
        if (values_.look_at_files) append(findings_, check_certificates(topology_, root, check_));
        name_pool_sockets(topology_);
        if (std::ranges::all_of(findings_, &Finding::is_warning)) append(findings_, check_told(topology_, root));
        if (!std::ranges::all_of(findings_, &Finding::is_warning)) return std::unexpected(std::move(findings_));
        return Valid{std::move(topology_), std::move(findings_)};
    }

private:
    void add(Mark mark, std::string key, std::string message, std::string suggestion = {}) {
        findings_.push_back({mark, std::move(key), std::move(message), std::move(suggestion)});
    }

    std::optional<Value> value_of(const Key& key, const Node& node, const std::string& where) {
        auto value = parse_value(key, node, values_);
        if (value) return std::move(*value);
        for (auto& finding : value.error())
            add(finding.mark, where, std::move(finding.message), std::move(finding.suggestion));
        return std::nullopt;
    }

    /// A section's map, or nothing (and a finding) when it is something else.
    bool is_section(const Node& node, const std::string& where) {
        if (node.type == Node::Type::map) return true;
        add(node.mark, where,
            in_ticks(where) +
                (node.type == Node::Type::null ? " is empty" : " must be a section with keys of its own"));
        return false;
    }

    void unknown_key(const Node::Entry& given, const std::string& pattern, const std::string& where) {
        std::string suggestion;
        if (findings_.size() < max_problems) { // no more than those are shown
            std::vector<std::string_view> names;
            for (const auto* key : keys_under(pattern))
                if (key->in_this_version) names.push_back(key->name());
            suggestion = did_you_mean(given.key, names);
            if (suggestion.empty()) suggestion = elsewhere(given.key, pattern);
            if (suggestion.empty()) {
                suggestion = "known here:";
                for (const auto name : names) suggestion += " " + std::string(name);
            }
        }
        add(given.key_mark, where, "unknown key " + in_ticks(given.key), std::move(suggestion));
    }

    /// The right key in the wrong section.
    static std::string elsewhere(std::string_view name, const std::string& pattern) {
        if (pattern.starts_with(route_prefix)) {
            const std::string same = pattern.substr(route_prefix.size()) + "." + std::string(name);
            if (find_key(std::string(worker_prefix) + same))
                return in_ticks(same) + " stands in the worker, for all of its routes";
        }
        if (pattern.empty() && find_key(std::string(worker_prefix) + std::string(name)))
            return in_ticks(name) + " belongs to a worker: workers.NAME." + std::string(name);
        for (const auto& key : all_keys())
            if (key.in_this_version && key.name() == name && (key.path.starts_with(pattern) || pattern.contains('.')))
                return "did you mean `" + std::string(key.kinds == Kinds::none ? key.path : key.path_in_worker()) +
                       "`?";
        return {};
    }

    /// The key of an entry when its value is to be looked at; otherwise its finding is made here.
    const Key* known_key(const Node::Entry& given, const std::string& pattern, const std::string& where) {
        if (given.key.starts_with("x-")) return nullptr;
        const auto* key = find_key(join(pattern, given.key));
        if (!key)
            unknown_key(given, pattern, where);
        else if (!key->in_this_version)
            add(given.key_mark, where, in_ticks(given.key) + ": known, not in this version");
        else
            return key;
        return nullptr;
    }

    void site_section(const Node& root) {
        for (const auto& given : root.entries) {
            const auto* key = known_key(given, "", given.key);
            if (!key || entry(root, given.key) != given.value.get()) continue;
            if (key->path == "machines")
                machines(*given.value);
            else if (key->path == "workers")
                workers(*given.value);
            else if (key->path == "include") // assemble.h took it out of files
                add(given.key_mark, given.key, "`include` is for files alone");
            else if (key->type == Type::section)
                part_of_site(*key, *given.value);
            else if (const auto value = value_of(*key, *given.value, given.key))
                set_of_site(*key, *value);
        }
        for (const auto* key : keys_under(""))
            if (key->required && !entry(root, key->name()))
                add(root.mark, std::string(key->name()), "the key " + in_ticks(key->name()) + " is missing");
        if (!entry(root, "machines")) topology_.machines = {assumed_machine()};
    }

    void part_of_site(const Key& section, const Node& node) {
        const auto set = [&](const Key& key) {
            if (auto value = value_of(key, node, std::string(section.path)))
                key.set_of_site(topology_, std::move(*value));
        };
        if (!section.shorthand.empty() && node.type == Node::Type::scalar) return by_shorthand(section, set);
        if (!is_section(node, std::string(section.path))) return;
        for (const auto& given : node.entries) {
            const auto where = join(section.path, given.key);
            const auto* key = known_key(given, std::string(section.path), where);
            if (!key || entry(node, given.key) != given.value.get()) continue;
            if (auto value = value_of(*key, *given.value, where)) key->set_of_site(topology_, std::move(*value));
        }
    }

    void set_of_site(const Key& key, const Value& value) {
        if (key.set_of_site) return key.set_of_site(topology_, value);
        const auto& text = std::get<std::string>(value);
        if (key.path == "site") topology_.site = text;
        if (key.path != "binaries") return;
        topology_.binaries = text == "one" ? Binaries::one : text == "dso" ? Binaries::dso : Binaries::two;
    }

    bool usable_name(const Node::Entry& given, const std::string& where, std::string_view what) {
        if (is_name(given.key)) return true;
        add(given.key_mark, where,
            in_ticks(given.key) + " is no name of a " + std::string(what) +
                ": a letter, then letters, digits, - and _, at most 32 in all");
        return false;
    }

    void machines(const Node& node) {
        if (!is_section(node, "machines")) return;
        bool is_empty = true;
        for (const auto& given : node.entries) {
            if (given.key.starts_with("x-")) continue;
            is_empty = false;
            const auto where = "machines." + given.key;
            if (usable_name(given, where, "machine") && is_section(*given.value, where)) machine(given, where);
        }
        if (is_empty) add(node.mark, "machines", "`machines` is empty");
    }

    void machine(const Node::Entry& named, const std::string& where) {
        Machine machine{named.key, ""};
        for (const auto& given : named.value->entries) {
            const auto* key = known_key(given, "machines.*", join(where, given.key));
            if (!key) continue;
            if (const auto value = value_of(*key, *given.value, join(where, given.key)))
                machine.ip = std::get<std::string>(*value);
        }
        if (!entry(*named.value, "address")) add(named.key_mark, where, in_ticks(named.key) + " has no `address`");
        topology_.machines.push_back(std::move(machine));
    }

    void workers(const Node& node) {
        if (!is_section(node, "workers")) return;
        const auto before = topology_.workers.size();
        for (const auto& given : node.entries) {
            if (given.key.starts_with("x-")) continue;
            const auto where = "workers." + given.key;
            if (given.key == "supervisor")
                add(given.key_mark, where, "`supervisor` is no name of a worker: its logs are called so");
            if (given.key == moved_worker && origin_.look_at_files) // documents have it
                add(given.key_mark, where,
                    in_ticks(given.key) +
                        " is no name of a worker: one of mpsup's own is called so, which says where things are");
            if (usable_name(given, where, "worker") && is_section(*given.value, where)) worker(given, where);
        }
        if (node.entries.empty() || (topology_.workers.size() == before && findings_.empty()))
            add(node.mark, "workers", "`workers` is empty");
    }

    /// Nothing when the kind is missing or not to be had; the finding is made.
    std::optional<Kind> kind_of(const Node::Entry& named, const std::string& where) {
        const auto* node = entry(*named.value, "kind");
        if (!node) {
            add(named.key_mark, where, in_ticks(named.key) + " has no `kind` (static, dynamic or accelerator)");
            return std::nullopt;
        }
        const auto value = value_of(*find_key("workers.*.kind"), *node, where + ".kind");
        if (!value) return std::nullopt;
        for (const Kind kind : {Kind::dynamic, Kind::accelerator})
            if (*value == kind_word(kind)) return kind;
        return Kind::static_files;
    }

    void worker(const Node::Entry& named, const std::string& where) {
        const auto kind = kind_of(named, where);
        WorkerSpec spec;
        spec.name = named.key;
        spec.kind = kind.value_or(Kind::static_files);
        worker_section(*named.value, "workers.*", where, kind, spec);
        if (kind == Kind::accelerator) routes(*named.value, where, spec);
        if (kind)
            for (const auto* key : keys_under("workers.*"))
                if (key->required && key->applies_to(*kind) && !entry(*named.value, key->name()))
                    add(named.key_mark, where,
                        in_ticks(named.key) + " has no " + in_ticks(key->name()) + " (" + std::string(key->doc) + ")");
        append(findings_, check_worker(named, kind, spec));
        topology_.workers.push_back(std::move(spec));
    }

    void worker_section(const Node& section, const std::string& pattern, const std::string& where,
                        std::optional<Kind> kind, WorkerSpec& spec) {
        for (const auto& given : section.entries) {
            const auto place = join(where, given.key);
            const auto* key = known_key(given, pattern, place);
            if (!key || key->path == "workers.*.kind" || entry(section, given.key) != given.value.get()) continue;
            if (kind && !key->applies_to(*kind))
                wrong_kind(*key, given, place, *kind);
            else
                take(*key, *given.value, place, kind, spec);
        }
    }

    void take(const Key& key, const Node& node, const std::string& where, std::optional<Kind> kind, WorkerSpec& spec) {
        if (key.type == Type::items) return;  // routes, after all that they begin with
        if (key.path == "workers.*.env_file") // assemble.h took it out of files
            add(node.mark, where, "`env_file` is for files alone");
        else if (key.type != Type::section)
            set(key, node, where, spec);
        else if (!key.shorthand.empty() && node.type == Node::Type::scalar)
            by_shorthand(key, [&](const Key& inner) { set(inner, node, where, spec); });
        else if (is_section(node, where))
            worker_section(node, std::string(key.path), where, kind, spec);
    }

    void routes(const Node& worker, const std::string& where, WorkerSpec& spec) {
        const auto* node = entry(worker, "routes");
        if (!node) return; // a finding, as of every key that is missing
        if (node->type != Node::Type::sequence || node->items.empty())
            return add(node->mark, where + ".routes", "`routes` is a list of maps: - {path: /, to: …}");
        FrontSpec& front = spec.front.edit();
        settle_cache(front.own);
        for (std::size_t i = 0; i < node->items.size(); ++i) {
            const Node& item = *node->items[i];
            const std::string place = where + ".routes[" + std::to_string(i) + "]";
            RouteSpec route = front.own;
            route.place.mark = item.mark;
            route.cache_size = 0;
            if (is_section(item, place)) route_section(item, std::string(route_prefix), place, route);
            settle_cache(route);
            front.routes.push_back(std::move(route));
        }
    }

    void route_section(const Node& section, std::string_view prefix, const std::string& where, RouteSpec& route) {
        const std::string pattern(prefix.substr(0, prefix.size() - 1));
        for (const auto& given : section.entries) {
            const auto place = join(where, given.key);
            const auto* key = known_key(given, pattern, place);
            if (!key || entry(section, given.key) != given.value.get()) continue;
            const Node& node = *given.value;
            const auto set = [&](const Key& inner) {
                if (auto value = value_of(inner, node, place)) inner.set_of_route(route, std::move(*value));
            };
            if (key->type != Type::section)
                set(*key);
            else if (!key->shorthand.empty() && node.type == Node::Type::scalar)
                by_shorthand(*key, set);
            else if (is_section(node, place))
                route_section(node, std::string(key->path) + ".", place, route);
        }
    }

    // What is wrong with it is said of the key that was written.
    template <typename Set> void by_shorthand(const Key& section, Set set) {
        const std::size_t before = findings_.size();
        const Key& key = *find_key(join(section.path, section.shorthand));
        set(key);
        const std::string inner = in_ticks(key.name());
        for (Finding& finding : findings_ | std::views::drop(before))
            if (finding.message.starts_with(inner)) finding.message.replace(0, inner.size(), in_ticks(section.name()));
    }

    void wrong_kind(const Key& key, const Node::Entry& given, const std::string& where, Kind kind) {
        std::string kinds;
        for (const Kind other : {Kind::static_files, Kind::dynamic, Kind::accelerator})
            if (key.applies_to(other)) kinds += (kinds.empty() ? "" : " and ") + std::string(to_string(other));
        add(given.key_mark, where,
            in_ticks(given.key) + " is for " + kinds + " workers (" + std::string(key.doc) + "); this one is " +
                std::string(to_string(kind)));
    }

    void set(const Key& key, const Node& node, const std::string& where, WorkerSpec& spec) {
        auto value = value_of(key, node, where);
        if (!value) return;
        if (key.path == "workers.*.gateway.listen")
            listeners_.push_back(
                {parse_endpoint(std::get<std::string>(*value)).value_or(Address{}), node.mark, spec.name, true});
        if (key.path == "workers.*.listen") {
            const auto* listeners = std::get_if<std::vector<ListenerSpec>>(&*value);
            for (std::size_t i = 0; i < listeners->size(); ++i)
                listeners_.push_back({(*listeners)[i].address,
                                      node.type == Node::Type::sequence ? node.items[i]->mark : node.mark, spec.name});
        }
        key.put(spec, std::move(*value));
    }

    const Origin& origin_;
    Origin values_; // of what values are looked at
    const CertificateCheck& check_;
    Topology topology_;
    Findings findings_;
    std::vector<PlacedListener> listeners_;
};

} // namespace

std::expected<Valid, Findings> validate(const Node& root, const Origin& origin, const CertificateCheck& check) {
    return Validation(origin, check).run(root);
}

} // namespace mpsup::topology

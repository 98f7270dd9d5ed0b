#include "supervisor/topology/load.h"

#include "base/fd.h"
#include "supervisor/topology/check_text.h"
#include "supervisor/topology/key_table.h"
#include "supervisor/topology/node_reader.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace mpsup {

namespace {

constexpr std::chrono::milliseconds shortest_interval{100};
constexpr int most_children = 1000;

// A worker and where it stands, for problems that show only when all are read.
struct PlacedWorker {
    WorkerSpec spec;
    YAML::Node key;
    std::vector<std::pair<Address, YAML::Node>> listeners;
    std::vector<Entry> entries;
    bool kind_known = false;
};

class Loader {
public:
    Loader(Problems& problems, const std::string& folder) : read_(problems, folder), problems_(problems) {}

    Topology topology(const YAML::Node& root) {
        Topology topology;
        bool has_site = false;
        bool has_workers = false;
        for (const Entry& entry : read_.entries(root, "")) {
            if (entry.name == "site")
                has_site = true, site(topology, entry);
            else if (entry.name == "binaries")
                (void)read_.choice(entry, {"two"}, {"one", "dso"});
            else if (entry.name == "machines")
                machines(topology, entry);
            else if (entry.name == "workers")
                has_workers = true, workers(topology, entry);
        }
        if (!has_site) read_.complain(root, "no `site`", "name it: site: my-site");
        if (!has_workers) read_.complain(root, "no `workers`");
        return topology;
    }

private:
    void site(Topology& topology, const Entry& entry) {
        const auto name = read_.text(entry);
        if (!name) return;
        YAML::Node as_map; // a site's name obeys the rule of every name
        as_map[entry.value] = YAML::Node();
        if (!read_.named_entries(as_map, "site").empty()) topology.site = *name;
    }

    void machines(Topology& topology, const Entry& machines) {
        const auto found = read_.named_entries(machines.value, "`machines`");
        if (found.size() > 1) read_.complain(found[1].key, "several machines are known, not in this version");
        for (const Entry& machine : found) {
            topology.machine.name = machine.name;
            for (const Entry& entry : read_.entries(machine.value, "machines.*"))
                if (const auto ip = read_.text(entry)) {
                    const auto address = Address::parse((ip->contains(':') ? "[" + *ip + "]" : *ip) + ":1");
                    if (address)
                        topology.machine.address = address->ip;
                    else
                        read_.complain(entry.value, "`address` is an IP address, not `" + *ip + "`");
                }
        }
    }

    void workers(Topology& topology, const Entry& workers) {
        std::vector<PlacedWorker> placed;
        const auto found = read_.named_entries(workers.value, "`workers`");
        for (const Entry& entry : found) placed.push_back(worker(entry));
        if (found.empty() && workers.value.IsMap()) read_.complain(workers.key, "there are no workers");
        check_listeners(placed);
        for (PlacedWorker& worker : placed) topology.workers.push_back(std::move(worker.spec));
    }

    PlacedWorker worker(const Entry& named) {
        PlacedWorker worker;
        worker.spec.name = named.name;
        worker.key = named.key;
        worker.entries = read_.entries(named.value, "workers.*");
        // The kind first: what the other keys may be hangs on it.
        for (const Entry& entry : worker.entries)
            if (entry.name == "kind") kind(worker, entry);
        const auto has = [&](std::string_view name) {
            return std::ranges::find(worker.entries, name, &Entry::name) != worker.entries.end();
        };
        if (!has("kind") && named.value.IsMap())
            read_.complain(named.key, "worker `" + named.name + "` has no `kind`", "static or dynamic");
        for (const Entry& entry : worker.entries) member(worker, entry);
        if (worker.kind_known) require(worker, has("listen"), has("root"), has("app"));
        return worker;
    }

    void kind(PlacedWorker& worker, const Entry& entry) {
        const auto kind = read_.choice(entry, {"static", "dynamic"}, {"accelerator"});
        if (!kind) return;
        worker.kind_known = true;
        worker.spec.kind = *kind == "dynamic" ? WorkerKind::dynamic : WorkerKind::static_files;
    }

    void require(const PlacedWorker& worker, bool listen, bool root, bool app) {
        const std::string who = "worker `" + worker.spec.name + "` ";
        if (!listen) read_.complain(worker.key, who + "has no `listen`", "for example listen: 127.0.0.1:8080");
        if (worker.spec.kind == WorkerKind::static_files && !root)
            read_.complain(worker.key, who + "is static and has no `root`", "root: the folder of its files");
        if (worker.spec.kind == WorkerKind::dynamic && !app)
            read_.complain(worker.key, who + "is dynamic and has no `app`", "app: path/to/app.psgi");
    }

    bool fits_kind(const PlacedWorker& worker, const Entry& entry) {
        const Key* key = find_key("workers.*." + entry.name);
        if (!worker.kind_known || key->kinds == KeyKinds::any) return true;
        const bool for_static = key->kinds == KeyKinds::static_only;
        if (for_static == (worker.spec.kind == WorkerKind::static_files)) return true;
        read_.complain(entry.key, "`" + entry.name + "` is for " + (for_static ? "static" : "dynamic") +
                                      " workers, and `" + worker.spec.name + "` is " +
                                      (for_static ? "dynamic" : "static"));
        return false;
    }

    template <typename Value> static void put(Value& target, const auto& read) {
        if (read) target = *read;
    }

    void member(PlacedWorker& worker, const Entry& entry) {
        if (!fits_kind(worker, entry)) return;
        WorkerSpec& spec = worker.spec;
        if (entry.name == "listen")
            listen(worker, entry);
        else if (entry.name == "root")
            put(spec.root, read_.existing_folder(entry));
        else if (entry.name == "app")
            put(spec.app, read_.existing_file(entry));
        else if (entry.name == "serves")
            serves(spec, entry);
        else if (entry.name == "env")
            environment(spec, entry);
        else if (entry.name == "pool")
            put(spec.pool, read_.integer(entry, 1, most_children));
        else if (entry.name == "health")
            health(spec.health, entry);
        else if (entry.name == "restart")
            restart(spec.restart, entry);
        else if (entry.name == "stop")
            stop(spec.stop, entry);
    }

    void listen(PlacedWorker& worker, const Entry& entry) {
        read_.each_scalar(entry, [&](const YAML::Node& value) {
            if (const auto address = Address::parse(value.Scalar())) {
                worker.spec.listen.push_back(*address);
                worker.listeners.emplace_back(*address, value);
            } else {
                read_.complain(value,
                               "`listen` is an IP address and a port, not `" + value.Scalar().substr(0, 60) + "`",
                               "for example 127.0.0.1:8080 or [::1]:8080; the port is from 1 to 65535");
            }
        });
    }

    void serves(WorkerSpec& spec, const Entry& entry) {
        read_.each_scalar(entry, [&](const YAML::Node& value) {
            if (const auto path = read_.url_path(entry, value)) spec.serves.push_back(*path);
        });
    }

    void environment(WorkerSpec& spec, const Entry& env) {
        if (!env.value.IsMap()) return read_.complain(env.key, "`env` is a map of names and values");
        for (const auto& pair : env.value) {
            const std::string name = pair.first.IsScalar() ? pair.first.Scalar() : "";
            if (name.empty() || name.contains('=')) {
                read_.complain(pair.first, "this is no name of an environment variable");
                continue;
            }
            const auto value = read_.text({name, pair.first, pair.second});
            if (value && !spec.env.emplace(name, *value).second)
                read_.complain(pair.first, "`" + name + "` stands here twice");
        }
    }

    void health(HealthSpec& health, const Entry& map) {
        for (const Entry& entry : read_.entries(map.value, "workers.*.health")) {
            if (entry.name == "every")
                put(health.every, read_.duration(entry, shortest_interval));
            else if (entry.name == "timeout")
                put(health.timeout, read_.duration(entry, std::chrono::milliseconds(1)));
            else if (read_.text(entry))
                put(health.path, read_.url_path(entry, entry.value));
        }
    }

    void restart(RestartSpec& restart, const Entry& map) {
        constexpr int most_deaths = 1000;
        for (const Entry& entry : read_.entries(map.value, "workers.*.restart")) {
            if (entry.name == "burst")
                put(restart.burst, read_.integer(entry, 1, most_deaths));
            else if (entry.name == "window")
                put(restart.window, read_.duration(entry, shortest_interval));
            else if (entry.name == "backoff")
                put(restart.backoff, read_.duration(entry, std::chrono::milliseconds(1)));
            else
                put(restart.max, read_.duration(entry, std::chrono::milliseconds(1)));
        }
        if (restart.max < restart.backoff)
            read_.complain(map.key, "`restart.max` is below `restart.backoff`", "raise max, or lower backoff");
    }

    void stop(StopSpec& stop, const Entry& map) {
        for (const Entry& entry : read_.entries(map.value, "workers.*.stop"))
            put(stop.grace, read_.duration(entry, shortest_interval));
    }

    void check_listeners(const std::vector<PlacedWorker>& placed) {
        struct Claim {
            const PlacedWorker* worker;
            const std::pair<Address, YAML::Node>* listener;
        };
        std::vector<Claim> claims;
        for (const PlacedWorker& worker : placed)
            for (const auto& listener : worker.listeners) {
                for (const Claim& earlier : claims)
                    if (listener.first.overlaps(earlier.listener->first))
                        read_.complain(listener.second,
                                       listener.first.to_string() + " is taken: worker `" + earlier.worker->spec.name +
                                           "` listens on " + earlier.listener->first.to_string() + " in line " +
                                           std::to_string(earlier.listener->second.Mark().line + 1),
                                       "give each worker a port of its own");
                claims.push_back({&worker, &listener});
            }
    }

    NodeReader read_;
    Problems& problems_;
};

// The one document of the text, or problems.
std::optional<YAML::Node> parse_yaml(const std::string& text, Problems& problems) {
    try {
        const std::vector<YAML::Node> documents = YAML::LoadAll(text);
        if (documents.empty() || documents.front().IsNull()) {
            problems.push_back({0, 0, "the file is empty", {}});
            return std::nullopt;
        }
        if (documents.size() > 1) {
            const YAML::Mark mark = documents[1].Mark();
            problems.push_back({mark.line + 1, mark.column + 1, "a second document begins here",
                                "one file holds one topology: remove the `---`"});
            return std::nullopt;
        }
        return documents.front();
    } catch (const YAML::Exception& exception) {
        problems.push_back(
            {exception.mark.line + 1, exception.mark.column + 1, "this is not YAML: " + exception.msg, {}});
    } catch (const std::exception& exception) {
        problems.push_back({0, 0, std::string("this is not YAML: ") + exception.what(), {}});
    }
    return std::nullopt;
}

std::string open_hint(int error) {
    switch (error) {
    case ENOENT: return "check the path";
    case EISDIR: return "name the file in it";
    case EINVAL: return "it must be a regular file";
    case EFBIG: return "a topology has at most 1 MiB";
    default: return {};
    }
}

// Whoever may write the file decides what root runs.
bool is_writable_by_others(const std::string& file) {
    struct stat status{};
    return ::geteuid() == 0 && ::stat(file.c_str(), &status) == 0 && (status.st_mode & S_IWOTH) != 0;
}

} // namespace

Loaded parse_topology(std::string text, const std::string& folder) {
    Loaded loaded;
    loaded.text = std::move(text);
    loaded.problems = check_text(loaded.text);
    if (!loaded.problems.empty()) return loaded;
    const auto root = parse_yaml(loaded.text, loaded.problems);
    if (!root) return loaded;
    try {
        Topology topology = Loader(loaded.problems, folder).topology(*root);
        if (loaded.problems.empty()) loaded.topology = std::move(topology);
    } catch (const std::exception& exception) { // yaml-cpp throws where a node is not what was asked for
        loaded.problems.push_back({0, 0, std::string("cannot be understood: ") + exception.what(), {}});
    }
    return loaded;
}

Loaded load_topology(const std::string& file) {
    std::error_code error;
    const auto absolute = std::filesystem::absolute(file, error).lexically_normal();
    Loaded loaded;
    auto text = read_file(absolute.string(), longest_topology);
    if (!text) {
        const auto& code = text.error().code;
        loaded.problems.push_back({0, 0, "cannot read it: " + code.message(), open_hint(code.value())});
    } else if (is_writable_by_others(absolute.string())) {
        loaded.problems.push_back(
            {0, 0, "everybody may write this file, and root would run what it says", "chmod o-w " + file});
    } else {
        loaded = parse_topology(std::move(*text), absolute.parent_path().string());
    }
    loaded.file = absolute.string();
    return loaded;
}

} // namespace mpsup

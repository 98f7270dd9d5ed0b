#include "supervisor/topology/key_table.h"

#include <algorithm>
#include <array>

namespace mpsup::topology {

namespace {

constexpr std::int64_t second = 1'000;
constexpr std::int64_t hour = 3'600 * second;
constexpr std::int64_t day = 24 * hour;
constexpr std::string_view worker_prefix = "workers.*.";

constexpr std::array binaries_choices{Choice{"two"}, Choice{"one", false}, Choice{"dso", false}};
constexpr std::array kind_choices{Choice{"static"}, Choice{"dynamic"}, Choice{"accelerator", false}};

using Spec = WorkerSpec;
using OptionalValue = std::optional<Value>;

constexpr Key later(std::string_view path, std::string_view doc) {
    return {.path = path, .type = Type::anything, .doc = doc, .in_this_version = false, .kinds = Kinds::both};
}
constexpr Key duration(std::string_view path, std::string_view doc, std::int64_t least, std::int64_t most,
                       OptionalValue (*get)(const Spec&), void (*set)(Spec&, Value)) {
    return {.path = path,
            .type = Type::duration,
            .doc = doc,
            .kinds = Kinds::both,
            .least = least,
            .most = most,
            .get = get,
            .set = set};
}
constexpr Key section(std::string_view path, std::string_view doc, Kinds kinds = Kinds::both) {
    return {.path = path, .type = Type::section, .doc = doc, .kinds = kinds};
}

const std::array table{
    Key{.path = "site",
        .type = Type::name,
        .doc = "the name of the site: of its folders, sockets and processes",
        .required = true},
    Key{.path = "binaries",
        .type = Type::choice,
        .doc = "how the programs are built: one big binary, a light and a heavy one, or one that loads Perl",
        .choices = binaries_choices},
    Key{.path = "machines", .type = Type::sections, .doc = "the machines of the site; one named `here` if left out"},
    Key{.path = "machines.*.address", .type = Type::ip, .doc = "the machine's IP address", .required = true},
    Key{.path = "workers", .type = Type::sections, .doc = "what serves the site", .required = true},
    Key{.path = "workers.*.kind",
        .type = Type::choice,
        .doc = "what the worker does: hand out files, or run Perl",
        .required = true,
        .kinds = Kinds::both,
        .choices = kind_choices},
    Key{.path = "workers.*.listen",
        .type = Type::addresses,
        .doc = "ADDRESS:PORT that clients connect to, or a list",
        .required = true,
        .kinds = Kinds::both,
        .get = [](const Spec& s) { return OptionalValue(s.listen); },
        .set = [](Spec& s, Value v) { s.listen = std::get<std::vector<Address>>(std::move(v)); }},
    Key{.path = "workers.*.root",
        .type = Type::folder,
        .doc = "the folder with the files; the whole path of a request is appended",
        .required = true,
        .kinds = Kinds::static_files,
        .get = [](const Spec& s) { return OptionalValue(s.root); },
        .set = [](Spec& s, Value v) { s.root = std::get<std::string>(std::move(v)); }},
    Key{.path = "workers.*.serves",
        .type = Type::url_prefixes,
        .doc = "the only paths that are answered, by their beginnings; every path if left out",
        .kinds = Kinds::static_files,
        .get = [](const Spec& s) { return OptionalValue(s.serves); },
        .set = [](Spec& s, Value v) { s.serves = std::get<std::vector<std::string>>(std::move(v)); }},
    Key{.path = "workers.*.app",
        .type = Type::file,
        .doc = "the PSGI application, a .psgi file",
        .required = true,
        .kinds = Kinds::dynamic,
        .get = [](const Spec& s) { return OptionalValue(s.app); },
        .set = [](Spec& s, Value v) { s.app = std::get<std::string>(std::move(v)); }},
    Key{.path = "workers.*.env",
        .type = Type::environment,
        .doc = "variables that are added to the worker's clean environment",
        .kinds = Kinds::both,
        .get = [](const Spec& s) { return OptionalValue(s.env); },
        .set = [](Spec& s, Value v) { s.env = std::get<Environment>(std::move(v)); }},
    Key{.path = "workers.*.pool",
        .type = Type::integer,
        .doc = "how many processes answer requests",
        .kinds = Kinds::dynamic,
        .least = 1,
        .most = 1000,
        .get = [](const Spec& s) { return OptionalValue(std::int64_t{s.pool}); },
        .set = [](Spec& s, Value v) { s.pool = static_cast<int>(std::get<std::int64_t>(v)); }},
    section("workers.*.health", "how it is found out whether the worker is well"),
    Key{.path = "workers.*.health.path",
        .type = Type::url_path,
        .doc = "asked for with GET; any 2xx or 3xx is healthy; nothing is asked if left out",
        .kinds = Kinds::both,
        .get = [](const Spec& s) { return s.health.path ? OptionalValue(*s.health.path) : std::nullopt; },
        .set = [](Spec& s, Value v) { s.health.path = std::get<std::string>(std::move(v)); }},
    duration(
        "workers.*.health.every", "from one probe to the next", 100, day,
        [](const Spec& s) { return OptionalValue(s.health.every); },
        [](Spec& s, Value v) { s.health.every = std::get<Duration>(v); }),
    duration(
        "workers.*.health.timeout", "after which a probe counts as failed", 10, hour,
        [](const Spec& s) { return OptionalValue(s.health.timeout); },
        [](Spec& s, Value v) { s.health.timeout = std::get<Duration>(v); }),
    section("workers.*.restart", "what is done about a worker that dies"),
    Key{.path = "workers.*.restart.burst",
        .type = Type::integer,
        .doc = "so many deaths within `window`, and the worker is given up as failed",
        .kinds = Kinds::both,
        .least = 1,
        .most = 1000,
        .get = [](const Spec& s) { return OptionalValue(std::int64_t{s.restart.burst}); },
        .set = [](Spec& s, Value v) { s.restart.burst = static_cast<int>(std::get<std::int64_t>(v)); }},
    duration(
        "workers.*.restart.window", "the time in which deaths are counted", second, day,
        [](const Spec& s) { return OptionalValue(s.restart.window); },
        [](Spec& s, Value v) { s.restart.window = std::get<Duration>(v); }),
    duration(
        "workers.*.restart.backoff", "the wait before the second start in a row; it doubles", 10, hour,
        [](const Spec& s) { return OptionalValue(s.restart.backoff); },
        [](Spec& s, Value v) { s.restart.backoff = std::get<Duration>(v); }),
    duration(
        "workers.*.restart.max", "the longest wait", 10, day,
        [](const Spec& s) { return OptionalValue(s.restart.max); },
        [](Spec& s, Value v) { s.restart.max = std::get<Duration>(v); }),
    section("workers.*.stop", "how the worker is stopped"),
    duration(
        "workers.*.stop.grace", "to finish what runs; then it is killed", 100, day,
        [](const Spec& s) { return OptionalValue(s.stop.grace); },
        [](Spec& s, Value v) { s.stop.grace = std::get<Duration>(v); }),
    later("links", "what becomes of links from one worker to another"),
    later("cluster", "several machines that agree through etcd"),
    later("workers.*.alias", "as root, without the matched beginning of the path"),
    later("workers.*.cgi", "a folder of CGI programs to run"),
    later("workers.*.handler", "a mod_perl handler"),
    later("workers.*.machine", "the machine it runs on"),
    later("workers.*.recycle", "when a child is replaced by a fresh one"),
    later("workers.*.request_timeout", "after which a request is given up"),
    later("workers.*.rolling", "how a new generation replaces the old one"),
    later("workers.*.routes", "what an accelerator does with which path"),
};

} // namespace

std::string_view Key::path_in_worker() const noexcept { return path.substr(worker_prefix.size()); }

bool Key::applies_to(Kind kind) const noexcept {
    const auto bit = kind == Kind::static_files ? Kinds::static_files : Kinds::dynamic;
    return (static_cast<unsigned>(kinds) & static_cast<unsigned>(bit)) != 0;
}

std::span<const Key> all_keys() noexcept { return table; }

const Key* find_key(std::string_view path) noexcept {
    const auto found = std::ranges::find(table, path, &Key::path);
    return found == table.end() ? nullptr : &*found;
}

std::vector<const Key*> keys_under(std::string_view path) {
    std::vector<const Key*> result;
    for (const auto& key : table) {
        const auto dot = key.path.rfind('.');
        if ((dot == std::string_view::npos ? std::string_view{} : key.path.substr(0, dot)) == path)
            result.push_back(&key);
    }
    return result;
}

} // namespace mpsup::topology

#include "supervisor/topology/key_table.h"

#include <algorithm>
#include <array>

namespace mpsup::topology {

namespace {

constexpr std::int64_t second = 1'000;
constexpr std::int64_t minute = 60 * second;
constexpr std::int64_t hour = 3'600 * second;
constexpr std::int64_t day = 24 * hour;
constexpr std::string_view worker_prefix = "workers.*.";

constexpr std::array binaries_choices{Choice{"one"}, Choice{"two"}, Choice{"dso"}};
constexpr std::array mode_choices{Choice{"deployment"}, Choice{"development"}};
constexpr std::array pool_choices{Choice{"fixed"}, Choice{"dynamic"}, Choice{"ondemand"}};
constexpr std::array auto_choice{Choice{"auto"}};
constexpr std::array cgi_choices{Choice{"registry"}, Choice{"perlrun"}, Choice{"fork"}, Choice{"exec"}};
constexpr std::array dependency_choices{Choice{"healthy"}, Choice{"started"}};
constexpr std::array switch_choices{Choice{"on"}, Choice{"off"}};
constexpr std::array failure_choices{Choice{"abort"}, Choice{"rollback"}, Choice{"freeze"}};
constexpr std::array kind_choices{Choice{"static"}, Choice{"dynamic"}, Choice{"accelerator"}};

using Spec = WorkerSpec;
using OptionalValue = std::optional<Value>;

// Of keys that came later: left out of a document when it is the default, so that documents of before stay as they were.
template <typename T> OptionalValue unless(const T& value, const T& usual) {
    return value == usual ? std::nullopt : OptionalValue(value);
}

constexpr Key later(std::string_view path, std::string_view doc) {
    return {.path = path, .type = Type::anything, .doc = doc, .in_this_version = false, .kinds = Kinds::every};
}
constexpr Key duration(std::string_view path, std::string_view doc, std::int64_t least, std::int64_t most,
                       OptionalValue (*get)(const Spec&), void (*set)(Spec&, Value)) {
    return {.path = path,
            .type = Type::duration,
            .doc = doc,
            .kinds = Kinds::every,
            .least = least,
            .most = most,
            .get = get,
            .set = set};
}
constexpr Key section(std::string_view path, std::string_view doc, Kinds kinds = Kinds::every) {
    return {.path = path, .type = Type::section, .doc = doc, .kinds = kinds};
}

OptionalValue hooks_at(const Hooks& hooks, HookPoint point) {
    const auto found = hooks.find(point);
    return found == hooks.end() ? std::nullopt : OptionalValue(found->second);
}
void set_hooks(Hooks& hooks, HookPoint point, Value value) {
    auto list = std::get<std::vector<Hook>>(std::move(value));
    if (!list.empty()) hooks[point] = std::move(list);
}

OptionalValue listeners_of(const Spec& spec) {
    std::vector<ListenerSpec> listeners;
    for (const Address& address : spec.listen) {
        const auto flags = spec.front->flags.find(address);
        listeners.push_back({address, flags == spec.front->flags.end() ? ListenerFlags{} : flags->second});
    }
    return listeners.empty() ? std::nullopt : OptionalValue(std::move(listeners));
}
void set_listeners(Spec& spec, Value value) {
    for (const ListenerSpec& listener : std::get<std::vector<ListenerSpec>>(value)) {
        spec.listen.push_back(listener.address);
        if (listener.flags != ListenerFlags{}) spec.front.edit().flags[listener.address] = listener.flags;
    }
}

constexpr std::int64_t most_children = 1000;

PoolMode pool_mode(std::string_view word) {
    if (word == "dynamic") return PoolMode::dynamic;
    return word == "ondemand" ? PoolMode::ondemand : PoolMode::fixed;
}

// A number, or a duration, that a part of a dynamic worker's spec holds and that may be left out.
template <auto Part, auto Member>
constexpr Key count(std::string_view path, std::string_view doc, std::int64_t least, std::int64_t most) {
    return {.path = path,
            .type = Type::integer,
            .doc = doc,
            .kinds = Kinds::dynamic,
            .least = least,
            .most = most,
            .get = [](const Spec& s) { return s.*Part.*Member ? OptionalValue(*(s.*Part.*Member)) : std::nullopt; },
            .set = [](Spec& s, Value v) { s.*Part.*Member = std::get<std::int64_t>(v); }};
}
template <auto Part, auto Member> constexpr Key span(std::string_view path, std::string_view doc, std::int64_t least) {
    return {.path = path,
            .type = Type::duration,
            .doc = doc,
            .kinds = Kinds::dynamic,
            .least = least,
            .most = 365 * day,
            .get = [](const Spec& s) { return s.*Part.*Member ? OptionalValue(*(s.*Part.*Member)) : std::nullopt; },
            .set = [](Spec& s, Value v) { s.*Part.*Member = std::get<Duration>(v); }};
}
template <auto Member> constexpr Key share(std::string_view path, std::string_view doc) {
    return {
        .path = path,
        .type = Type::share,
        .doc = doc,
        .kinds = Kinds::dynamic,
        .get = [](const Spec& s) { return OptionalValue(to_string(s.rolling.*Member)); },
        .set = [](Spec& s, Value v) { s.rolling.*Member = parse_share(std::get<std::string>(v)).value_or(Share{}); }};
}
template <auto Member>
constexpr Key rolling_time(std::string_view path, std::string_view doc, Kinds kinds, std::int64_t most) {
    return {.path = path,
            .type = Type::duration,
            .doc = doc,
            .kinds = kinds,
            .least = 0,
            .most = most,
            .get = [](const Spec& s) { return OptionalValue(s.rolling.*Member); },
            .set = [](Spec& s, Value v) { s.rolling.*Member = std::get<Duration>(v); }};
}
template <auto Member> constexpr Key judged_count(std::string_view path, std::string_view doc, std::int64_t least) {
    return {.path = path,
            .type = Type::integer,
            .doc = doc,
            .kinds = Kinds::dynamic,
            .least = least,
            .most = 1'000'000,
            .get =
                [](const Spec& s) {
                    return s.rolling.judge.*Member ? OptionalValue(*(s.rolling.judge.*Member)) : std::nullopt;
                },
            .set = [](Spec& s, Value v) { s.rolling.judge.*Member = std::get<std::int64_t>(v); }};
}
// What the three probes of a worker's health have in common.
template <auto Which> constexpr Key by_request(std::string_view path) {
    return {.path = path,
            .type = Type::url_path,
            .doc = "asked for with GET; any 2xx or 3xx passes",
            .kinds = Kinds::every,
            .get =
                [](const Spec& s) {
                    return (s.health.*Which).http ? OptionalValue(*(s.health.*Which).http) : std::nullopt;
                },
            .set = [](Spec& s, Value v) { (s.health.*Which).http = std::get<std::string>(std::move(v)); }};
}
template <auto Which> constexpr Key by_connection(std::string_view path) {
    return {.path = path,
            .type = Type::addresses,
            .doc = "ADDRESS:PORT, or a list: a connection to each passes",
            .kinds = Kinds::every,
            .get = [](const Spec& s) { return unless((s.health.*Which).tcp, {}); },
            .set = [](Spec& s, Value v) { (s.health.*Which).tcp = std::get<std::vector<Address>>(std::move(v)); }};
}
template <auto Which> constexpr Key by_program(std::string_view path) {
    return {.path = path,
            .type = Type::command,
            .doc = "a program and its arguments; it passes when it ends with 0",
            .kinds = Kinds::every,
            .get = [](const Spec& s) { return unless((s.health.*Which).exec, {}); },
            .set = [](Spec& s, Value v) { (s.health.*Which).exec = std::get<std::vector<std::string>>(std::move(v)); }};
}
template <auto Which> constexpr Key how_often(std::string_view path) {
    return duration(
        path, "how often; else as `health.every`", 10, day,
        [](const Spec& s) { return (s.health.*Which).every ? OptionalValue(*(s.health.*Which).every) : std::nullopt; },
        [](Spec& s, Value v) { (s.health.*Which).every = std::get<Duration>(v); });
}
template <auto Which> constexpr Key how_long(std::string_view path) {
    return duration(
        path, "after which it counts as failed; else as `health.timeout`", 10, hour,
        [](const Spec& s) {
            return (s.health.*Which).timeout ? OptionalValue(*(s.health.*Which).timeout) : std::nullopt;
        },
        [](Spec& s, Value v) { (s.health.*Which).timeout = std::get<Duration>(v); });
}
constexpr Key with_type(Key key, Type type) {
    key.type = type;
    return key;
}
constexpr Key with_words(Key key, std::span<const Choice> words) {
    key.choices = words;
    return key;
}

// Of the site, and of a worker.
template <HookPoint Point> constexpr Key hook_of_site(std::string_view path, std::string_view doc) {
    return {.path = path,
            .type = Type::hooks,
            .doc = doc,
            .get_of_site = [](const Topology& t) { return hooks_at(t.hooks, Point); },
            .set_of_site = [](Topology& t, Value v) { set_hooks(t.hooks, Point, std::move(v)); }};
}
template <HookPoint Point> constexpr Key hook_of_worker(std::string_view path, std::string_view doc) {
    return {.path = path,
            .type = Type::hooks,
            .doc = doc,
            .kinds = Kinds::every,
            .get = [](const Spec& s) { return hooks_at(s.hooks, Point); },
            .set = [](Spec& s, Value v) { set_hooks(s.hooks, Point, std::move(v)); }};
}
constexpr std::string_view before_start = "before a process is started; a failure keeps it from being started";
constexpr std::string_view after_ready = "when it serves";
constexpr std::string_view before_stop = "before one that serves is told to leave";
constexpr std::string_view after_exit = "when its process, or its pool's master, has ended";
constexpr std::string_view before_roll = "before a new generation replaces it; a failure keeps the old one";
constexpr std::string_view after_roll = "when that is over, however it ended";
constexpr std::string_view at_alert =
    "when it was given up, a new generation did not get there, a roll was taken back or the database was damaged";

const std::array basic_keys{
    Key{.path = "site",
        .type = Type::name,
        .doc = "the name of the site: of its folders, sockets and processes",
        .required = true},
    Key{.path = "binaries",
        .type = Type::choice,
        .doc = "how the programs are built: one big binary, a light and a heavy one, or one that loads Perl",
        .choices = binaries_choices},
    Key{.path = "logs", .type = Type::section, .doc = "when log files are moved away for new ones"},
    Key{.path = "logs.size",
        .type = Type::size,
        .doc = "beyond so many bytes",
        .least = 4096,
        .get_of_site = [](const Topology& t) { return OptionalValue(t.logs.size); },
        .set_of_site = [](Topology& t, Value v) { t.logs.size = std::get<std::int64_t>(v); }},
    Key{.path = "logs.age",
        .type = Type::duration,
        .doc = "so long after they were begun",
        .least = second,
        .most = 365 * day,
        .get_of_site = [](const Topology& t) { return OptionalValue(t.logs.age); },
        .set_of_site = [](Topology& t, Value v) { t.logs.age = std::get<Duration>(v); }},
    Key{.path = "logs.keep",
        .type = Type::integer,
        .doc = "so many of those moved away, the newest",
        .least = 1,
        .most = 1000,
        .get_of_site = [](const Topology& t) { return OptionalValue(std::int64_t{t.logs.keep}); },
        .set_of_site = [](Topology& t, Value v) { t.logs.keep = static_cast<int>(std::get<std::int64_t>(v)); }},
    Key{.path = "history", .type = Type::section, .doc = "how much of what is measured the database keeps"},
    Key{.path = "history.raw",
        .type = Type::duration,
        .doc = "for how long single samples are kept",
        .least = minute,
        .most = 365 * day,
        .get_of_site = [](const Topology& t) { return unless(t.history.raw, History{}.raw); },
        .set_of_site = [](Topology& t, Value v) { t.history.raw = std::get<Duration>(v); }},
    Key{.path = "history.minute",
        .type = Type::duration,
        .doc = "for how long their sums by the minute are kept",
        .least = minute,
        .most = 3650 * day,
        .get_of_site = [](const Topology& t) { return unless(t.history.minute, History{}.minute); },
        .set_of_site = [](Topology& t, Value v) { t.history.minute = std::get<Duration>(v); }},
    Key{.path = "history.max",
        .type = Type::size,
        .doc = "beyond this size of the database the oldest samples go",
        .least = 4 << 20,
        .get_of_site = [](const Topology& t) { return unless(t.history.max, History{}.max); },
        .set_of_site = [](Topology& t, Value v) { t.history.max = std::get<std::int64_t>(v); }},
    section("hooks", "what is called when something happens to any worker", Kinds::none),
    hook_of_site<HookPoint::pre_start>("hooks.pre_start", before_start),
    hook_of_site<HookPoint::post_ready>("hooks.post_ready", after_ready),
    hook_of_site<HookPoint::pre_stop>("hooks.pre_stop", before_stop),
    hook_of_site<HookPoint::post_exit>("hooks.post_exit", after_exit),
    hook_of_site<HookPoint::pre_roll>("hooks.pre_roll", before_roll),
    hook_of_site<HookPoint::post_roll>("hooks.post_roll", after_roll),
    hook_of_site<HookPoint::on_alert>("hooks.on_alert", at_alert),
    Key{.path = "machines", .type = Type::sections, .doc = "the machines of the site; one named `here` if left out"},
    Key{.path = "machines.*.address", .type = Type::ip, .doc = "the machine's IP address", .required = true},
    Key{.path = "workers", .type = Type::sections, .doc = "what serves the site", .required = true},
    Key{.path = "workers.*.kind",
        .type = Type::choice,
        .doc = "what the worker does: hand out files, or run Perl",
        .required = true,
        .kinds = Kinds::every,
        .choices = kind_choices},
    Key{.path = "workers.*.listen",
        .type = Type::listeners,
        .doc = "ADDRESS:PORT that clients connect to, or a list; a dynamic worker behind an accelerator has none",
        .kinds = Kinds::every,
        .get = listeners_of,
        .set = set_listeners},
    Key{.path = "workers.*.root",
        .type = Type::folder,
        .doc = "the folder with the files; the whole path of a request is appended",
        .kinds = Kinds::with_files,
        .get = [](const Spec& s) { return s.root.empty() ? std::nullopt : OptionalValue(s.root); },
        .set = [](Spec& s, Value v) { s.root = std::get<std::string>(std::move(v)); }},
    Key{.path = "workers.*.serves",
        .type = Type::url_prefixes,
        .doc = "the paths that are files, by their beginnings; of a static worker every path if left out",
        .kinds = Kinds::with_files,
        .get = [](const Spec& s) { return s.serves.empty() ? std::nullopt : OptionalValue(s.serves); },
        .set = [](Spec& s, Value v) { s.serves = std::get<std::vector<std::string>>(std::move(v)); }},
    Key{.path = "workers.*.app",
        .type = Type::file,
        .doc = "the PSGI application, a .psgi file",
        .kinds = Kinds::dynamic,
        .get = [](const Spec& s) { return s.app.empty() ? std::nullopt : OptionalValue(s.app); },
        .set = [](Spec& s, Value v) { s.app = std::get<std::string>(std::move(v)); }},
    Key{.path = "workers.*.env",
        .type = Type::environment,
        .doc = "variables that are added to the worker's clean environment",
        .kinds = Kinds::every,
        .get = [](const Spec& s) { return OptionalValue(s.env); },
        .set = [](Spec& s, Value v) { s.env = std::get<Environment>(std::move(v)); }},
    Key{.path = "workers.*.depends_on",
        .type = Type::words,
        .doc = "workers that must be started, or healthy, before this one is started; it is stopped before them",
        .kinds = Kinds::every,
        .choices = dependency_choices,
        .get = [](const Spec& s) { return unless(s.depends_on, {}); },
        .set = [](Spec& s, Value v) { s.depends_on = std::get<Environment>(std::move(v)); }},
    Key{.path = "workers.*.cgi",
        .type = Type::section,
        .doc = "a folder of CGI scripts, in place of an application",
        .kinds = Kinds::dynamic,
        .shorthand = "dir"},
    Key{.path = "workers.*.cgi.dir",
        .type = Type::folder,
        .doc = "the folder; its executable files are the scripts",
        .kinds = Kinds::dynamic,
        .get = [](const Spec& s) { return s.cgi.dir.empty() ? std::nullopt : OptionalValue(s.cgi.dir); },
        .set = [](Spec& s, Value v) { s.cgi.dir = std::get<std::string>(std::move(v)); }},
    Key{.path = "workers.*.cgi.mode",
        .type = Type::choice,
        .doc = "how scripts run: compiled once (registry), compiled each time, in a fork of their own, as programs",
        .kinds = Kinds::dynamic,
        .choices = cgi_choices,
        .get = [](const Spec& s) { return s.cgi.dir.empty() ? std::nullopt : OptionalValue(s.cgi.mode); },
        .set = [](Spec& s, Value v) { s.cgi.mode = std::get<std::string>(std::move(v)); }},
    Key{.path = "workers.*.cgi.modes",
        .type = Type::words,
        .doc = "the modes of single scripts, by a pattern of their names",
        .kinds = Kinds::dynamic,
        .choices = cgi_choices,
        .get = [](const Spec& s) { return s.cgi.modes.empty() ? std::nullopt : OptionalValue(s.cgi.modes); },
        .set = [](Spec& s, Value v) { s.cgi.modes = std::get<Environment>(std::move(v)); }},
    Key{.path = "workers.*.mode",
        .type = Type::choice,
        .doc = "in development changed CGI scripts are compiled again, and PLACK_ENV says so",
        .kinds = Kinds::dynamic,
        .choices = mode_choices,
        .get = [](const Spec& s) { return OptionalValue(std::string(s.development ? "development" : "deployment")); },
        .set = [](Spec& s, Value v) { s.development = std::get<std::string>(v) == "development"; }},
    Key{.path = "workers.*.pool",
        .type = Type::section,
        .doc = "how many processes answer requests: a number, or bounds to stay within",
        .kinds = Kinds::dynamic,
        .shorthand = "size"},
    count<&Spec::pool, &Pool::size>("workers.*.pool.size", "always so many", 1, most_children),
    Key{.path = "workers.*.pool.mode",
        .type = Type::choice,
        .doc = "always the same number, as many as are needed, or none while nobody asks",
        .kinds = Kinds::dynamic,
        .choices = pool_choices,
        .get =
            [](const Spec& s) {
                return s.pool.mode ? OptionalValue(std::string(to_string(*s.pool.mode))) : std::nullopt;
            },
        .set = [](Spec& s, Value v) { s.pool.mode = pool_mode(std::get<std::string>(v)); }},
    count<&Spec::pool, &Pool::min>("workers.*.pool.min", "never fewer", 1, most_children),
    with_words(
        count<&Spec::pool, &Pool::max>("workers.*.pool.max", "never more; auto: what memory allows", 1, most_children),
        auto_choice),
    count<&Spec::pool, &Pool::min_spare>("workers.*.pool.min_spare", "idle ones that there should always be", 0,
                                         most_children),
    count<&Spec::pool, &Pool::max_spare>("workers.*.pool.max_spare", "idle ones beyond which the coldest leave", 0,
                                         most_children),
    span<&Spec::pool, &Pool::idle_timeout>("workers.*.pool.idle_timeout",
                                           "how long a child is idle before it may leave", 100),
    section("workers.*.recycle", "when a child is replaced by a fresh one", Kinds::dynamic),
    count<&Spec::recycle, &Recycle::requests>("workers.*.recycle.requests", "after so many requests", 1, 1'000'000'000),
    span<&Spec::recycle, &Recycle::age>("workers.*.recycle.age", "so long after its birth", second),
    span<&Spec::recycle, &Recycle::idle>("workers.*.recycle.idle", "so long after its last request", second),
    with_type(
        count<&Spec::recycle, &Recycle::rss>("workers.*.recycle.rss", "beyond so much resident memory", 1 << 20, 0),
        Type::size),
    with_type(count<&Spec::recycle, &Recycle::unshared>("workers.*.recycle.unshared",
                                                        "beyond so much memory that it shares with nobody", 1 << 20, 0),
              Type::size),
    with_type(count<&Spec::recycle, &Recycle::jitter>("workers.*.recycle.jitter",
                                                      "by how much limits differ from child to child", 0, 100),
              Type::percent),
    Key{.path = "workers.*.refork",
        .type = Type::section,
        .doc = "a child that is warm becomes the master of the others",
        .kinds = Kinds::dynamic},
    Key{.path = "workers.*.refork.after",
        .type = Type::integer,
        .doc = "so many requests, once a generation",
        .kinds = Kinds::dynamic,
        .least = 1,
        .most = 1'000'000'000,
        .get = [](const Spec& s) { return s.refork_after ? OptionalValue(*s.refork_after) : std::nullopt; },
        .set = [](Spec& s, Value v) { s.refork_after = std::get<std::int64_t>(v); }},
    Key{.path = "workers.*.reshare",
        .type = Type::choice,
        .doc = "memory of a child that holds again what its master's holds is shared again",
        .kinds = Kinds::dynamic,
        .choices = switch_choices,
        .get = [](const Spec& s) { return OptionalValue(std::string(s.reshare ? "on" : "off")); },
        .set = [](Spec& s, Value v) { s.reshare = std::get<std::string>(v) == "on"; }},
    Key{.path = "workers.*.warmup",
        .type = Type::url_targets,
        .doc = "asked for in the pool master before it forks",
        .kinds = Kinds::dynamic,
        .get = [](const Spec& s) { return s.warmup.empty() ? std::nullopt : OptionalValue(s.warmup); },
        .set = [](Spec& s, Value v) { s.warmup = std::get<std::vector<std::string>>(std::move(v)); }},
    Key{.path = "workers.*.request_timeout",
        .type = Type::section,
        .doc = "how long a request may take",
        .kinds = Kinds::dynamic,
        .shorthand = "hard"},
    span<&Spec::request_timeout, &RequestTimeout::soft>(
        "workers.*.request_timeout.soft", "then it dies in Perl, where that can be, and is answered 503", 100),
    span<&Spec::request_timeout, &RequestTimeout::hard>("workers.*.request_timeout.hard",
                                                        "then its process is killed, whatever it does", 100),
    Key{.path = "workers.*.slow",
        .type = Type::duration,
        .doc = "then the Perl stack of the request is written down",
        .kinds = Kinds::dynamic,
        .least = 10,
        .most = hour,
        .get = [](const Spec& s) { return s.slow ? OptionalValue(*s.slow) : std::nullopt; },
        .set = [](Spec& s, Value v) { s.slow = std::get<Duration>(v); }},
    section("workers.*.health", "how it is found out whether the worker is well"),
    Key{.path = "workers.*.health.path",
        .type = Type::url_path,
        .doc = "asked for with GET; any 2xx or 3xx is healthy; nothing is asked if left out",
        .kinds = Kinds::every,
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
    Key{.path = "workers.*.health.startup",
        .type = Type::section,
        .doc = "how long it may take to become ready, and what is asked until it passes once",
        .kinds = Kinds::every,
        .shorthand = "within"},
    duration(
        "workers.*.health.startup.within", "from its start until it must be ready", 100, day,
        [](const Spec& s) { return unless(s.health.within, Health{}.within); },
        [](Spec& s, Value v) { s.health.within = std::get<Duration>(v); }),
    by_request<&Health::startup>("workers.*.health.startup.http"),
    by_connection<&Health::startup>("workers.*.health.startup.tcp"),
    by_program<&Health::startup>("workers.*.health.startup.exec"),
    how_often<&Health::startup>("workers.*.health.startup.every"),
    how_long<&Health::startup>("workers.*.health.startup.timeout"),
    section("workers.*.health.readiness", "may clients be sent to it? A generation must say so to be let in"),
    by_request<&Health::readiness>("workers.*.health.readiness.http"),
    by_connection<&Health::readiness>("workers.*.health.readiness.tcp"),
    by_program<&Health::readiness>("workers.*.health.readiness.exec"),
    how_often<&Health::readiness>("workers.*.health.readiness.every"),
    how_long<&Health::readiness>("workers.*.health.readiness.timeout"),
    section("workers.*.health.liveness", "is it beyond recovery? Then it is replaced, the successor first"),
    by_request<&Health::liveness>("workers.*.health.liveness.http"),
    by_connection<&Health::liveness>("workers.*.health.liveness.tcp"),
    by_program<&Health::liveness>("workers.*.health.liveness.exec"),
    how_often<&Health::liveness>("workers.*.health.liveness.every"),
    how_long<&Health::liveness>("workers.*.health.liveness.timeout"),
    Key{.path = "workers.*.health.liveness.fails",
        .type = Type::integer,
        .doc = "so many failed probes in a row",
        .kinds = Kinds::every,
        .least = 1,
        .most = 1000,
        .get = [](const Spec& s) { return s.health.fails ? OptionalValue(*s.health.fails) : std::nullopt; },
        .set = [](Spec& s, Value v) { s.health.fails = std::get<std::int64_t>(v); }},
    section("workers.*.restart", "what is done about a worker that dies"),
    Key{.path = "workers.*.restart.burst",
        .type = Type::integer,
        .doc = "so many deaths within `window`, and the worker is given up as failed",
        .kinds = Kinds::every,
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
    section("workers.*.rolling", "how a new generation replaces the old one"),
    share<&Rolling::surge>("workers.*.rolling.surge", "children beyond the usual number while it goes on"),
    share<&Rolling::unavailable>("workers.*.rolling.unavailable", "children below the usual number while it goes on"),
    section("workers.*.rolling.gate", "what a new generation must show before clients reach it"),
    Key{.path = "workers.*.rolling.gate.passes",
        .type = Type::integer,
        .doc = "so many probes in a row, 200 ms apart, on a listener of its own",
        .kinds = Kinds::every,
        .least = 1,
        .most = 1000,
        .get = [](const Spec& s) { return OptionalValue(std::int64_t{s.rolling.passes}); },
        .set = [](Spec& s, Value v) { s.rolling.passes = static_cast<int>(std::get<std::int64_t>(v)); }},
    rolling_time<&Rolling::min_healthy>("workers.*.rolling.gate.min_healthy", "and for so long, without one that fails",
                                        Kinds::every, hour),
    rolling_time<&Rolling::deadline>("workers.*.rolling.gate.deadline", "all of that within so long", Kinds::every,
                                     day),
    Key{.path = "workers.*.rolling.judge",
        .type = Type::section,
        .doc = "whether the new generation answers as well as the old one, on the same traffic",
        .kinds = Kinds::dynamic,
        .shorthand = "when"},
    Key{.path = "workers.*.rolling.judge.when",
        .type = Type::choice,
        .doc = "on if anything of `judge` is written",
        .kinds = Kinds::dynamic,
        .choices = switch_choices,
        .get =
            [](const Spec& s) {
                const auto& on = s.rolling.judge.on;
                return on ? OptionalValue(std::string(*on ? "on" : "off")) : std::nullopt;
            },
        .set = [](Spec& s, Value v) { s.rolling.judge.on = std::get<std::string>(v) == "on"; }},
    judged_count<&Judge::requests>("workers.*.rolling.judge.requests", "so many requests of the new one, at least", 1),
    Key{.path = "workers.*.rolling.judge.for",
        .type = Type::duration,
        .doc = "waits so long for them; then there is no verdict, and the gate alone decides",
        .kinds = Kinds::dynamic,
        .least = second,
        .most = day,
        .get = [](const Spec& s) { return s.rolling.judge.span ? OptionalValue(*s.rolling.judge.span) : std::nullopt; },
        .set = [](Spec& s, Value v) { s.rolling.judge.span = std::get<Duration>(v); }},
    judged_count<&Judge::skip_first>("workers.*.rolling.judge.skip_first",
                                     "the first requests of each child do not count", 0),
    Key{.path = "workers.*.rolling.on_failure",
        .type = Type::choice,
        .doc = "the old one is restored; also of workers before it in the same change; or everything stays as it is",
        .kinds = Kinds::every,
        .choices = failure_choices,
        .get = [](const Spec& s) { return OptionalValue(std::string(to_string(s.rolling.on_failure))); },
        .set =
            [](Spec& s, Value v) {
                const auto word = std::get<std::string>(std::move(v));
                s.rolling.on_failure = word == "freeze"     ? OnFailure::freeze
                                       : word == "rollback" ? OnFailure::rollback
                                                            : OnFailure::abort;
            }},
    Key{.path = "workers.*.rolling.steps",
        .type = Type::roll_steps,
        .doc = "shares of the new generation, and pauses between them",
        .kinds = Kinds::dynamic,
        .get = [](const Spec& s) { return s.rolling.steps.empty() ? std::nullopt : OptionalValue(s.rolling.steps); },
        .set = [](Spec& s, Value v) { s.rolling.steps = std::get<std::vector<std::string>>(std::move(v)); }},
    rolling_time<&Rolling::keep>("workers.*.rolling.keep", "the old one sleeps so long, for `mpsup rollback`; 0s: not",
                                 Kinds::dynamic, 30 * day),
    section("workers.*.stop", "how the worker is stopped"),
    duration(
        "workers.*.stop.grace", "to finish what runs; then it is killed", 100, day,
        [](const Spec& s) { return OptionalValue(s.stop.grace); },
        [](Spec& s, Value v) { s.stop.grace = std::get<Duration>(v); }),
    section("workers.*.hooks", "what is called when something happens to it, after those of the site"),
    hook_of_worker<HookPoint::pre_start>("workers.*.hooks.pre_start", before_start),
    hook_of_worker<HookPoint::post_ready>("workers.*.hooks.post_ready", after_ready),
    hook_of_worker<HookPoint::pre_stop>("workers.*.hooks.pre_stop", before_stop),
    hook_of_worker<HookPoint::post_exit>("workers.*.hooks.post_exit", after_exit),
    hook_of_worker<HookPoint::pre_roll>("workers.*.hooks.pre_roll", before_roll),
    hook_of_worker<HookPoint::post_roll>("workers.*.hooks.post_roll", after_roll),
    hook_of_worker<HookPoint::on_alert>("workers.*.hooks.on_alert", at_alert),
    later("links", "what becomes of links from one worker to another"),
    later("cluster", "several machines that agree through etcd"),
    later("workers.*.handler", "a mod_perl handler"),
    later("workers.*.machine", "the machine it runs on"),
};

const std::vector<Key>& table() {
    static const std::vector<Key> keys = [] {
        std::vector<Key> all(basic_keys.begin(), basic_keys.end());
        for (Key& key : make_route_keys()) all.push_back(key);
        return all;
    }();
    return keys;
}

} // namespace

std::string_view Key::path_in_worker() const noexcept { return path.substr(worker_prefix.size()); }

bool Key::applies_to(Kind kind) const noexcept {
    const auto bit = kind == Kind::static_files ? Kinds::static_files
                     : kind == Kind::dynamic    ? Kinds::dynamic
                                                : Kinds::accelerator;
    return (static_cast<unsigned>(kinds) & static_cast<unsigned>(bit)) != 0;
}

bool Key::is_of_a_route() const noexcept { return path.starts_with(route_prefix); }

std::optional<Value> Key::value_in(const WorkerSpec& worker) const {
    static const RouteSpec usual{};
    if (get) return get(worker);
    auto value = get_of_route(worker.front->own);
    return value == get_of_route(usual) ? std::nullopt : std::move(value);
}

void Key::put(WorkerSpec& worker, Value value) const {
    if (set)
        set(worker, std::move(value));
    else
        set_of_route(worker.front.edit().own, std::move(value));
}

std::span<const Key> all_keys() noexcept { return table(); }

const Key* find_key(std::string_view path) noexcept {
    const auto found = std::ranges::find(table(), path, &Key::path);
    return found == table().end() ? nullptr : &*found;
}

std::vector<const Key*> keys_under(std::string_view path) {
    std::vector<const Key*> result;
    for (const auto& key : table()) {
        const auto dot = key.path.rfind('.');
        if ((dot == std::string_view::npos ? std::string_view{} : key.path.substr(0, dot)) == path)
            result.push_back(&key);
    }
    return result;
}

} // namespace mpsup::topology

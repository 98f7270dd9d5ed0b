// The keys of the life of a worker: its health, what becomes of it when it dies, how a new one takes its place.
#include "supervisor/topology/key_parts.h"

namespace mpsup::topology {

namespace {

using Spec = WorkerSpec;

constexpr std::array failure_choices{Choice{"abort"}, Choice{"rollback"}, Choice{"freeze"}};

constexpr Key later(std::string_view path, std::string_view doc) {
    return {.path = path, .type = Type::anything, .doc = doc, .in_this_version = false, .kinds = Kinds::every};
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
template <HookPoint Point> constexpr Key hook_of_worker(std::string_view path, std::string_view doc) {
    return {.path = path,
            .type = Type::hooks,
            .doc = doc,
            .kinds = Kinds::every,
            .get = [](const Spec& s) { return hooks_at(s.hooks, Point); },
            .set = [](Spec& s, Value v) { set_hooks(s.hooks, Point, std::move(v)); }};
}

} // namespace

std::vector<Key> make_life_keys() {
    return {
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
        share<&Rolling::unavailable>("workers.*.rolling.unavailable",
                                     "children below the usual number while it goes on"),
        section("workers.*.rolling.gate", "what a new generation must show before clients reach it"),
        Key{.path = "workers.*.rolling.gate.passes",
            .type = Type::integer,
            .doc = "so many probes in a row, 200 ms apart, on a listener of its own",
            .kinds = Kinds::every,
            .least = 1,
            .most = 1000,
            .get = [](const Spec& s) { return OptionalValue(std::int64_t{s.rolling.passes}); },
            .set = [](Spec& s, Value v) { s.rolling.passes = static_cast<int>(std::get<std::int64_t>(v)); }},
        rolling_time<&Rolling::min_healthy>("workers.*.rolling.gate.min_healthy",
                                            "and for so long, without one that fails", Kinds::every, hour),
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
        judged_count<&Judge::requests>("workers.*.rolling.judge.requests", "so many requests of the new one, at least",
                                       1),
        Key{.path = "workers.*.rolling.judge.for",
            .type = Type::duration,
            .doc = "waits so long for them; then there is no verdict, and the gate alone decides",
            .kinds = Kinds::dynamic,
            .least = second,
            .most = day,
            .get =
                [](const Spec& s) {
                    return s.rolling.judge.span ? OptionalValue(*s.rolling.judge.span) : std::nullopt;
                },
            .set = [](Spec& s, Value v) { s.rolling.judge.span = std::get<Duration>(v); }},
        judged_count<&Judge::skip_first>("workers.*.rolling.judge.skip_first",
                                         "the first requests of each child do not count", 0),
        Key{.path = "workers.*.rolling.on_failure",
            .type = Type::choice,
            .doc =
                "the old one is restored; also of workers before it in the same change; or everything stays as it is",
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
            .get =
                [](const Spec& s) { return s.rolling.steps.empty() ? std::nullopt : OptionalValue(s.rolling.steps); },
            .set = [](Spec& s, Value v) { s.rolling.steps = std::get<std::vector<std::string>>(std::move(v)); }},
        rolling_time<&Rolling::keep>("workers.*.rolling.keep",
                                     "the old one sleeps so long, for `mpsup rollback`; 0s: not", Kinds::dynamic,
                                     30 * day),
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
        later("workers.*.handler", "a mod_perl handler"),
    };
}

} // namespace mpsup::topology

// The keys of fronts and of their routes. Most stand in two places: in a route, and in a worker for all of its routes.
#include "base/units.h"
#include "supervisor/topology/member_keys.h"

#include <algorithm>
#include <array>
#include <deque>

namespace mpsup::topology {

namespace {

using contract::BackendRule;
using contract::BufferRule;
using contract::CacheRule;
using contract::Files;
using contract::QueueRule;
using contract::Route;
using contract::Timeouts;

constexpr std::int64_t year = 365 * 24 * hour;

constexpr std::array encoding_choices{Choice{"br"}, Choice{"zst"}, Choice{"gz"}, Choice{"off"}};
constexpr std::array symlink_choices{Choice{"inside"}, Choice{"owner"}, Choice{"off"}, Choice{"anywhere"}};

// --- what stands in a route, or in both places

struct Row {
    Key key; // its path begins in the route
    Kinds in_workers = Kinds::every;
};

template <auto... Members> constexpr Key held(Key key) {
    key.get_of_route = [](const RouteSpec& route) { return OptionalValue(to_value(inside<Members...>(route))); };
    key.set_of_route = [](RouteSpec& route, Value value) { from_value(std::move(value), inside<Members...>(route)); };
    return key;
}
template <auto... Members> constexpr Key of_rule(Key key) { return held<&RouteSpec::rule, Members...>(key); }
template <auto... Members> constexpr Key of_files(Key key) {
    return held<&RouteSpec::rule, &Route::files, Members...>(key);
}
// Whoever writes any of it wants a cache.
template <auto Member> constexpr Key of_cache(Key key) {
    key = held<&RouteSpec::rule, &Route::cache, Member>(key);
    key.set_of_route = [](RouteSpec& route, Value value) {
        from_value(std::move(value), route.rule.cache.*Member);
        route.cache_written = true;
    };
    return key;
}

OptionalValue get_expires(const RouteSpec& route) {
    using Kind = contract::ExpiresRule::Kind;
    Pairs pairs;
    for (const auto& [path, max_age, kind] : route.rule.files.expires)
        pairs.emplace_back(path.text, kind == Kind::max_age     ? format_duration(max_age)
                                      : kind == Kind::immutable ? "immutable"
                                                                : "off");
    return pairs;
}
void set_expires(RouteSpec& route, Value value) {
    using Kind = contract::ExpiresRule::Kind;
    route.rule.files.expires.clear();
    for (const auto& [pattern, age] : std::get<Pairs>(value))
        route.rule.files.expires.push_back(
            {contract::PathPattern::parse(pattern).value_or(contract::PathPattern{}),
             std::chrono::floor<std::chrono::seconds>(parse_duration(age).value_or(Duration(0))),
             age == "immutable" ? Kind::immutable
             : age == "off"     ? Kind::off
                                : Kind::max_age});
}
constexpr Key expires_key() {
    Key key = plain("expires", Type::expires,
                    "how long clients may keep files, by patterns of their paths; the first counts");
    key.get_of_route = get_expires;
    key.set_of_route = set_expires;
    return key;
}

constexpr Key symlinks_key() {
    Key key = plain("symlinks", Type::choice,
                    "are symbolic links followed: that stay below the folder, of the target's owner, none, all");
    key.choices = symlink_choices;
    key.get_of_route = [](const RouteSpec& route) {
        return OptionalValue(std::string(symlink_choices[static_cast<std::size_t>(route.rule.files.symlinks)].word));
    };
    key.set_of_route = [](RouteSpec& route, Value value) {
        const auto word = std::get<std::string>(value);
        const auto choice = std::ranges::find(symlink_choices, word, &Choice::word);
        if (choice != symlink_choices.end())
            route.rule.files.symlinks = static_cast<contract::Symlinks>(choice - symlink_choices.begin());
    };
    return key;
}

constexpr Key encodings_key() {
    Key key = of_files<&Files::precompressed>(
        plain("precompressed", Type::some_words,
              "files beside a file that hold it compressed, by their endings, best first"));
    key.choices = encoding_choices;
    return key;
}

constexpr Key path_key() {
    Key key = plain("path", Type::path_pattern, "the paths it is for: /x/ and all below it, /x alone, *.php, /a/*/b");
    key.get_of_route = [](const RouteSpec& route) { return OptionalValue(route.rule.path.text); };
    key.set_of_route = [](RouteSpec& route, Value value) {
        route.rule.path = contract::PathPattern::parse(std::get<std::string>(value)).value_or(contract::PathPattern{});
    };
    return key;
}

constexpr Key cache_switch() {
    Key key = on_off("cache.when", "on if anything of `cache` is written");
    key.get_of_route = [](const RouteSpec& route) { return OptionalValue(to_value(route.rule.cache.on)); };
    key.set_of_route = [](RouteSpec& route, Value value) { route.cache_on = std::get<std::string>(value) == "on"; };
    return key;
}

constexpr Key cache_size() {
    Key key = plain("cache.size", Type::size,
                    "bytes of memory for what is kept; of routes the sum, unless the worker says it");
    key.least = 1 << 20;
    key.most = std::int64_t{1} << 40; // cache::Arena::max_bytes
    key.get_of_route = [](const RouteSpec& route) {
        return route.cache_size > 0 ? OptionalValue(route.cache_size) : std::nullopt; // 0: it is not written
    };
    key.set_of_route = [](RouteSpec& route, Value value) {
        route.cache_size = std::get<std::int64_t>(value);
        route.cache_written = true;
    };
    return key;
}

constexpr Key of_use(Uses uses, Key key) {
    key.uses = uses;
    return key;
}

const std::array rows{
    Row{held<&RouteSpec::rule, &Route::host>(
            plain("host", Type::host, "the host it is for; `*.` for all below a name")),
        Kinds::none},
    Row{path_key(), Kinds::none},
    Row{held<&RouteSpec::to>(plain("to", Type::targets,
                                   "a dynamic worker, ADDRESS:PORT, or a list of addresses with at most one worker")),
        Kinds::none},
    Row{held<&RouteSpec::root>(plain("root", Type::folder, "the folder with the files; the whole path is appended")),
        Kinds::none},
    Row{held<&RouteSpec::alias>(
            plain("alias", Type::folder, "as root, without the beginning of the path that matched")),
        Kinds::static_files},
    Row{held<&RouteSpec::fallback>(
            plain("try", Type::fallback, "what answers where there is no file: a worker, an address, or another file")),
        Kinds::static_files},
    Row{held<&RouteSpec::strip>(on_off("strip", "the beginning of the path that matched is not sent on")), Kinds::none},
    Row{of_rule<&Route::internal>(on_off("internal", "for X-Accel-Redirect of an application alone; clients get 404")),
        Kinds::none},
    Row{of_use(Uses::files,
               of_files<&Files::index>(plain("index", Type::file_names, "the file that stands for its folder")))},
    Row{of_use(Uses::files, expires_key())},
    Row{of_use(Uses::files,
               of_files<&Files::fingerprinted>(on_off("fingerprinted", "names that hold a digest are kept for ever")))},
    Row{of_use(Uses::files,
               of_files<&Files::compress>(on_off("compress", "text is compressed for clients that take it")))},
    Row{of_use(Uses::files, encodings_key())},
    Row{of_use(Uses::files, symlinks_key())},
    Row{of_use(Uses::files, of_files<&Files::listing>(on_off("listing", "folders without an index are listed")))},
    Row{of_use(Uses::files,
               of_files<&Files::types>(plain("types", Type::media_types, "media types by endings of names")))},
    Row{of_use(Uses::upstream, part("cache", "what is kept of replies, and for how long", "when")), Kinds::accelerator},
    Row{cache_size(), Kinds::accelerator},
    Row{of_cache<&CacheRule::default_ttl>(
            time("cache.default_ttl", "of replies that do not say how long they are fresh", 0, year)),
        Kinds::accelerator},
    Row{of_cache<&CacheRule::stale_while_revalidate>(
            time("cache.stale_while_revalidate", "so long old ones are sent while a new one is fetched", 0, year)),
        Kinds::accelerator},
    Row{of_cache<&CacheRule::stale_if_error>(
            time("cache.stale_if_error", "so long old ones are sent when no new one can be had", 0, year)),
        Kinds::accelerator},
    Row{of_cache<&CacheRule::max_object>(sized("cache.max_object", "larger ones are not kept")), Kinds::accelerator},
    Row{of_cache<&CacheRule::wait>(
            time("cache.wait", "for another request that fetches the same; then a request of its own", 0, hour)),
        Kinds::accelerator},
    Row{of_cache<&CacheRule::ignore_query>(plain("cache.ignore_query", Type::texts,
                                                 "parameters that make no difference; `utm_*` for all that begin so")),
        Kinds::accelerator},
    Row{cache_switch(), Kinds::accelerator},
    Row{of_use(Uses::upstream, part("buffer", "where contents wait for an application or a slow client")),
        Kinds::light},
    Row{of_rule<&Route::buffer, &BufferRule::request>(
            sized("buffer.request", "bytes in memory of one; what is over goes to the disk")),
        Kinds::light},
    Row{of_rule<&Route::buffer, &BufferRule::memory>(sized("buffer.memory", "bytes in memory in all")), Kinds::light},
    Row{of_rule<&Route::buffer, &BufferRule::disk>(sized("buffer.disk", "bytes on the disk in all")), Kinds::light},
    Row{of_use(Uses::pool, part("queue", "requests that wait for a child of a pool")), Kinds::light},
    Row{of_rule<&Route::queue, &QueueRule::length>(count("queue.length", "more are answered 503", 1, 100'000)),
        Kinds::light},
    Row{of_rule<&Route::queue, &QueueRule::timeout>(
            time("queue.timeout", "who waited longer is answered 503", 10, hour)),
        Kinds::light},
    Row{of_rule<&Route::queue, &QueueRule::target>(
            time("queue.target", "when they wait longer, old replies are sent from the cache", 0, hour)),
        Kinds::light},
    Row{of_use(Uses::upstream, part("timeouts", "how long backends may take")), Kinds::light},
    Row{of_rule<&Route::timeouts, &Timeouts::connect>(time("timeouts.connect", "to be reached", 10, hour)),
        Kinds::light},
    Row{of_rule<&Route::timeouts, &Timeouts::response>(
            time("timeouts.response", "from the whole request to the head of the reply: 504", 10, year)),
        Kinds::light},
    Row{of_rule<&Route::timeouts, &Timeouts::idle>(
            time("timeouts.idle", "in which not one byte of a reply comes", 10, year)),
        Kinds::light},
    Row{of_rule<&Route::timeouts, &Timeouts::tunnel>(
            time("timeouts.tunnel", "in which nothing passes through an upgraded connection", 10, year)),
        Kinds::light},
    Row{of_use(Uses::upstream,
               of_rule<&Route::retry>(on_off("retry", "safe requests that nobody answered are sent once more"))),
        Kinds::light},
    Row{of_use(Uses::backends, part("check", "how backends at addresses are asked whether they are well", "path")),
        Kinds::accelerator},
    Row{of_rule<&Route::health, &BackendRule::check_path>(
            plain("check.path", Type::url_path, "asked for with GET; any 2xx or 3xx passes")),
        Kinds::accelerator},
    Row{of_rule<&Route::health, &BackendRule::check_every>(time("check.every", "how often", 100, 24 * hour)),
        Kinds::accelerator},
    Row{of_rule<&Route::health, &BackendRule::check_timeout>(
            time("check.timeout", "after which it counts as failed", 10, hour)),
        Kinds::accelerator},
    Row{of_use(Uses::backends, part("eject", "backends at addresses that fail get nothing for a while", "after")),
        Kinds::accelerator},
    Row{of_rule<&Route::health, &BackendRule::eject_after>(
            count("eject.after", "so many failures in a row; 0: never", 0, 1'000'000)),
        Kinds::accelerator},
    Row{of_rule<&Route::health, &BackendRule::eject_for>(
            time("eject.for", "so long; doubled each time, up to ten times that", 100, hour)),
        Kinds::accelerator},
    Row{of_use(Uses::backends, of_rule<&Route::health, &BackendRule::slow_start>(time(
                                   "slow_start", "in which a backend that came back gets more and more", 0, hour))),
        Kinds::accelerator},
    Row{of_use(Uses::upstream, of_rule<&Route::request_headers>(
                                   plain("request_headers", Type::headers, "fields set before a request is sent on"))),
        Kinds::accelerator},
    Row{of_rule<&Route::headers>(plain("headers", Type::headers, "fields set in replies")), Kinds::light},
    Row{of_rule<&Route::error_pages>(plain("error_pages", Type::folder, "a folder of 404.html, 503.html and so on")),
        Kinds::light},
};

std::string_view kept(std::string text) {
    static std::deque<std::string> texts;
    return texts.emplace_back(std::move(text));
}

} // namespace

std::vector<Key> make_route_keys() {
    std::vector<Key> keys;
    const auto add = [&](Key key, std::string_view before, Kinds kinds) {
        key.path = kept(std::string(before) + std::string(key.path));
        key.kinds = kinds;
        keys.push_back(key);
    };
    for (const Row& row : rows)
        if (row.in_workers != Kinds::none) add(row.key, worker_prefix, row.in_workers);
    for (const Key& key : make_front_keys()) add(key, worker_prefix, key.kinds);
    keys.push_back({.path = "workers.*.routes",
                    .type = Type::items,
                    .doc = "what becomes of which request; the first entry that matches counts",
                    .required = true,
                    .kinds = Kinds::accelerator});
    for (const Row& row : rows) add(row.key, route_prefix, Kinds::every);
    return keys;
}

} // namespace mpsup::topology

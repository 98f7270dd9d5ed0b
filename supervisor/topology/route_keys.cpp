// The keys of fronts and of their routes. Most stand in two places: in a route, and in a worker for all of its routes.
#include "base/units.h"
#include "supervisor/topology/key_table.h"

#include <algorithm>
#include <array>
#include <deque>
#include <type_traits>

namespace mpsup::topology {

namespace {

using OptionalValue = std::optional<Value>;
using contract::BackendRule;
using contract::BufferRule;
using contract::CacheRule;
using contract::Files;
using contract::Front;
using contract::GuardLimits;
using contract::QueueRule;
using contract::Route;
using contract::Timeouts;

constexpr std::int64_t second = 1'000;
constexpr std::int64_t hour = 3'600 * second;
constexpr std::int64_t year = 365 * 24 * hour;
constexpr std::int64_t most_count = 1'000'000'000;

constexpr std::array switch_choices{Choice{"on"}, Choice{"off"}};
constexpr std::array encoding_choices{Choice{"br"}, Choice{"zst"}, Choice{"gz"}, Choice{"off"}};
constexpr std::array symlink_choices{Choice{"inside"}, Choice{"owner"}, Choice{"off"}, Choice{"anywhere"}};
constexpr std::array log_choices{Choice{"combined"}, Choice{"json"}};
constexpr std::array tls_choices{Choice{"1.2"}, Choice{"1.3"}};

// --- values of members

Value to_value(bool flag) { return std::string(flag ? "on" : "off"); }
Value to_value(const std::string& text) { return text; }
Value to_value(const std::vector<std::string>& texts) { return texts; }
Value to_value(const Pairs& pairs) { return pairs; }
Value to_value(std::chrono::milliseconds time) { return time; }
Value to_value(std::chrono::seconds time) { return std::chrono::milliseconds(time); }
template <typename T>
    requires std::is_integral_v<T>
Value to_value(T number) {
    return static_cast<std::int64_t>(number);
}

void from_value(Value value, bool& flag) { flag = std::get<std::string>(value) == "on"; }
void from_value(Value value, std::string& text) { text = std::get<std::string>(std::move(value)); }
void from_value(Value value, Pairs& pairs) { pairs = std::get<Pairs>(std::move(value)); }
void from_value(Value value, std::vector<std::string>& texts) {
    texts = std::get<std::vector<std::string>>(std::move(value));
}
void from_value(Value value, std::chrono::milliseconds& time) { time = std::get<std::chrono::milliseconds>(value); }
void from_value(Value value, std::chrono::seconds& time) {
    time = std::chrono::floor<std::chrono::seconds>(std::get<std::chrono::milliseconds>(value));
}
template <typename T>
    requires std::is_integral_v<T>
void from_value(Value value, T& number) {
    number = static_cast<T>(std::get<std::int64_t>(value));
}

// A member of a member of …
template <auto... Members> auto& inside(auto& whole) { return (whole.*....*Members); }

// --- what stands in a route, or in both places

struct Row {
    Key key; // its path begins in the route
    Kinds in_workers = Kinds::every;
};

constexpr Key plain(std::string_view path, Type type, std::string_view doc) {
    return {.path = path, .type = type, .doc = doc};
}

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

constexpr Key time(std::string_view path, std::string_view doc, std::int64_t least, std::int64_t most) {
    return {.path = path, .type = Type::duration, .doc = doc, .least = least, .most = most};
}
constexpr Key count(std::string_view path, std::string_view doc, std::int64_t least, std::int64_t most) {
    return {.path = path, .type = Type::integer, .doc = doc, .least = least, .most = most};
}
constexpr Key on_off(std::string_view path, std::string_view doc) {
    return {.path = path, .type = Type::choice, .doc = doc, .choices = switch_choices};
}
constexpr Key part(std::string_view path, std::string_view doc, std::string_view shorthand = {}) {
    return {.path = path, .type = Type::section, .doc = doc, .shorthand = shorthand};
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
    key.get_of_route = [](const RouteSpec& route) {
        return route.cache_size > 0 ? OptionalValue(route.cache_size) : std::nullopt; // 0: it is not written
    };
    key.set_of_route = [](RouteSpec& route, Value value) {
        route.cache_size = std::get<std::int64_t>(value);
        route.cache_written = true;
    };
    return key;
}

constexpr Key sized(std::string_view path, std::string_view doc) { return plain(path, Type::size, doc); }

const std::array rows{
    Row{held<&RouteSpec::rule, &Route::host>(
            plain("host", Type::host, "the host it is for; `*.` for all below a name")),
        Kinds::none},
    Row{path_key(), Kinds::none},
    Row{held<&RouteSpec::to>(
            plain("to", Type::targets, "a dynamic worker, or ADDRESS:PORT, or a list of such addresses")),
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
    Row{of_files<&Files::index>(plain("index", Type::file_names, "the file that stands for its folder"))},
    Row{expires_key()},
    Row{of_files<&Files::fingerprinted>(on_off("fingerprinted", "names that hold a digest are kept for ever"))},
    Row{of_files<&Files::compress>(on_off("compress", "text is compressed for clients that take it"))},
    Row{encodings_key()},
    Row{symlinks_key()},
    Row{of_files<&Files::listing>(on_off("listing", "folders without an index are listed"))},
    Row{of_files<&Files::types>(plain("types", Type::media_types, "media types by endings of names"))},
    Row{part("cache", "what is kept of replies, and for how long", "when"), Kinds::accelerator},
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
    Row{part("buffer", "where contents wait for an application or a slow client"), Kinds::light},
    Row{of_rule<&Route::buffer, &BufferRule::request>(
            sized("buffer.request", "bytes in memory of one; what is over goes to the disk")),
        Kinds::light},
    Row{of_rule<&Route::buffer, &BufferRule::memory>(sized("buffer.memory", "bytes in memory in all")), Kinds::light},
    Row{of_rule<&Route::buffer, &BufferRule::disk>(sized("buffer.disk", "bytes on the disk in all")), Kinds::light},
    Row{part("queue", "requests that wait for a child of a pool"), Kinds::light},
    Row{of_rule<&Route::queue, &QueueRule::length>(count("queue.length", "more are answered 503", 1, 100'000)),
        Kinds::light},
    Row{of_rule<&Route::queue, &QueueRule::timeout>(
            time("queue.timeout", "who waited longer is answered 503", 10, hour)),
        Kinds::light},
    Row{of_rule<&Route::queue, &QueueRule::target>(
            time("queue.target", "when they wait longer, old replies are sent from the cache", 0, hour)),
        Kinds::light},
    Row{part("timeouts", "how long backends may take"), Kinds::light},
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
    Row{of_rule<&Route::retry>(on_off("retry", "safe requests that nobody answered are sent once more")), Kinds::light},
    Row{part("check", "how backends at addresses are asked whether they are well", "path"), Kinds::accelerator},
    Row{of_rule<&Route::health, &BackendRule::check_path>(
            plain("check.path", Type::url_path, "asked for with GET; any 2xx or 3xx passes")),
        Kinds::accelerator},
    Row{of_rule<&Route::health, &BackendRule::check_every>(time("check.every", "how often", 100, 24 * hour)),
        Kinds::accelerator},
    Row{of_rule<&Route::health, &BackendRule::check_timeout>(
            time("check.timeout", "after which it counts as failed", 10, hour)),
        Kinds::accelerator},
    Row{part("eject", "backends at addresses that fail get nothing for a while", "after"), Kinds::accelerator},
    Row{of_rule<&Route::health, &BackendRule::eject_after>(
            count("eject.after", "so many failures in a row; 0: never", 0, 1'000'000)),
        Kinds::accelerator},
    Row{of_rule<&Route::health, &BackendRule::eject_for>(
            time("eject.for", "so long; doubled each time, up to ten times that", 100, hour)),
        Kinds::accelerator},
    Row{of_rule<&Route::health, &BackendRule::slow_start>(
            time("slow_start", "in which a backend that came back gets more and more", 0, hour)),
        Kinds::accelerator},
    Row{of_rule<&Route::request_headers>(
            plain("request_headers", Type::headers, "fields set before a request is sent on")),
        Kinds::accelerator},
    Row{of_rule<&Route::headers>(plain("headers", Type::headers, "fields set in replies")), Kinds::light},
    Row{of_rule<&Route::error_pages>(plain("error_pages", Type::folder, "a folder of 404.html, 503.html and so on")),
        Kinds::light},
};

// --- what a front has as a whole

template <auto... Members> constexpr Key of_front(Key key) {
    key.get = [](const WorkerSpec& spec) {
        const auto& value = inside<Members...>(spec.front->rest);
        static const Front usual{};
        return value == inside<Members...>(usual) ? std::nullopt : OptionalValue(to_value(value));
    };
    key.set = [](WorkerSpec& spec, Value value) {
        from_value(std::move(value), inside<Members...>(spec.front.edit().rest));
    };
    return key;
}

constexpr Key certificates_key() {
    Key key =
        plain("tls", Type::certificates, "certificates and their keys; the first is for clients that name no host");
    key.get = [](const WorkerSpec& spec) {
        Pairs pairs;
        for (const auto& [cert, file] : spec.front->rest.certificates) pairs.emplace_back(cert, file);
        return pairs.empty() ? std::nullopt : OptionalValue(std::move(pairs));
    };
    key.set = [](WorkerSpec& spec, Value value) {
        for (auto& [cert, file] : std::get<Pairs>(value)) spec.front.edit().rest.certificates.push_back({cert, file});
    };
    return key;
}

constexpr Key proxies_key() {
    Key key = plain("trusted_proxies", Type::blocks, "who may say by X-Forwarded-For on whose behalf it asks");
    key.get = [](const WorkerSpec& spec) {
        std::vector<std::string> texts;
        for (const contract::Cidr& block : spec.front->rest.trusted_proxies) texts.push_back(block.text());
        return texts.empty() ? std::nullopt : OptionalValue(std::move(texts));
    };
    key.set = [](WorkerSpec& spec, Value value) {
        for (const auto& text : std::get<std::vector<std::string>>(value))
            if (auto block = contract::Cidr::parse(text)) spec.front.edit().rest.trusted_proxies.push_back(*block);
    };
    return key;
}

// A choice of two words, the second of which sets a flag.
template <auto Member, const auto& Words> constexpr Key flagged(Key key) {
    key.type = Type::choice;
    key.choices = Words;
    key.get = [](const WorkerSpec& spec) {
        return spec.front->rest.*Member ? OptionalValue(std::string(Words[1].word)) : std::nullopt;
    };
    key.set = [](WorkerSpec& spec, Value value) {
        spec.front.edit().rest.*Member = std::get<std::string>(value) == Words[1].word;
    };
    return key;
}

std::vector<Key> front_keys() {
    std::vector<Key> keys{
        of_front<&Front::threads>(count("threads", "each an event loop; one for a core", 1, 64)),
        certificates_key(),
        flagged<&Front::tls13_only, tls_choices>(plain("tls_minimum", Type::choice, "the lowest version of TLS")),
        proxies_key(),
        part("limits", "what clients may ask for"),
        of_front<&Front::limits, &GuardLimits::connections>(
            count("limits.connections", "open at a time; 0: as many as descriptors", 0, most_count)),
        of_front<&Front::limits, &GuardLimits::per_address>(
            count("limits.per_address", "open at a time of one address; 0: any number", 0, most_count)),
        of_front<&Front::limits, &GuardLimits::rate>(
            count("limits.rate", "requests a second of one address; 0: any number", 0, most_count)),
        of_front<&Front::limits, &GuardLimits::burst>(
            count("limits.burst", "requests at once beyond `rate`; 0: as many as `rate`", 0, most_count)),
        of_front<&Front::limits, &GuardLimits::body>(sized("limits.body", "bytes of a request's content: 413")),
        part("quarantine", "URLs that kill whoever serves them"),
        of_front<&Front::quarantine_deaths>(
            count("quarantine.deaths", "so many children in a row; 0: never", 0, 1'000)),
        of_front<&Front::quarantine_for>(time("quarantine.for", "it is answered 503 for so long", second, 24 * hour)),
        flagged<&Front::log_json, log_choices>(plain("log", Type::choice, "the form of the access log")),
    };
    for (Key& key : keys) key.kinds = Kinds::light;
    Key disk = of_front<&Front::cache_disk>(sized("cache.disk", "bytes on the disk for what memory has no room for"));
    disk.kinds = Kinds::accelerator;
    keys.push_back(disk);
    return keys;
}

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
        if (row.in_workers != Kinds::none) add(row.key, "workers.*.", row.in_workers);
    for (const Key& key : front_keys()) add(key, "workers.*.", key.kinds);
    keys.push_back({.path = "workers.*.routes",
                    .type = Type::items,
                    .doc = "what becomes of which request; the first entry that matches counts",
                    .required = true,
                    .kinds = Kinds::accelerator});
    for (const Row& row : rows) add(row.key, route_prefix, Kinds::every);
    return keys;
}

} // namespace mpsup::topology

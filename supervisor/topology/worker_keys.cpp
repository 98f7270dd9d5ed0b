// The keys of a worker: what it runs, and with how many processes.
#include "supervisor/topology/key_parts.h"
#include "supervisor/topology/placement.h"

namespace mpsup::topology {

namespace {

using Spec = WorkerSpec;

constexpr std::array mode_choices{Choice{"deployment"}, Choice{"development"}};
constexpr std::array pool_choices{Choice{"fixed"}, Choice{"dynamic"}, Choice{"ondemand"}};
constexpr std::array auto_choice{Choice{"auto"}};
constexpr std::array cgi_choices{Choice{"registry"}, Choice{"perlrun"}, Choice{"fork"}, Choice{"exec"}};
constexpr std::array dependency_choices{Choice{"healthy"}, Choice{"started"}};
constexpr std::array kind_choices{Choice{"static"}, Choice{"dynamic"}, Choice{"accelerator"}};

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

Gateway& gateway_of(Spec& spec) { return spec.gateway ? *spec.gateway : spec.gateway.emplace(); }

template <auto Member> constexpr Key gateway_file(std::string_view path, std::string_view doc) {
    return {.path = path,
            .type = Type::file,
            .doc = doc,
            .kinds = Kinds::dynamic,
            .get =
                [](const Spec& s) {
                    const bool is_there = s.gateway && !(s.gateway->tls.*Member).empty();
                    return is_there ? OptionalValue(s.gateway->tls.*Member) : std::nullopt;
                },
            .set = [](Spec& s, Value v) { gateway_of(s).tls.*Member = std::get<std::string>(std::move(v)); }};
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
constexpr Key with_type(Key key, Type type) {
    key.type = type;
    return key;
}
constexpr Key with_words(Key key, std::span<const Choice> words) {
    key.choices = words;
    return key;
}

} // namespace

std::vector<Key> make_worker_keys() {
    return {
        Key{.path = "workers.*.kind",
            .type = Type::choice,
            .doc = "what the worker does: hand out files, or run Perl",
            .required = true,
            .kinds = Kinds::every,
            .choices = kind_choices},
        Key{.path = "workers.*.on",
            .type = Type::names,
            .doc = "the machine that it runs on, or a list; may be left out where there is one",
            .kinds = Kinds::every,
            .get = [](const Spec& s) { return unless(s.on, {}); },
            .set = [](Spec& s, Value v) { s.on = std::get<std::vector<std::string>>(std::move(v)); }},
        Key{.path = "workers.*.listen",
            .type = Type::listeners,
            .doc = "ADDRESS:PORT that clients connect to, a port at the machine's own address, or a list; a dynamic "
                   "worker behind an accelerator has none",
            .kinds = Kinds::every,
            .get = listeners_of,
            .set = set_listeners},
        Key{.path = "workers.*.gateway",
            .type = Type::section,
            .doc = "where accelerators of other machines reach a dynamic worker without `listen`",
            .kinds = Kinds::dynamic,
            .shorthand = "listen"},
        Key{.path = "workers.*.gateway.listen",
            .type = Type::endpoint,
            .doc = "a port at the machine's own address, or ADDRESS:PORT",
            .kinds = Kinds::dynamic,
            .get =
                [](const Spec& s) {
                    return s.gateway ? OptionalValue(endpoint_text(s.gateway->listen)) : std::nullopt;
                },
            .set =
                [](Spec& s, Value v) {
                    gateway_of(s).listen = parse_endpoint(std::get<std::string>(v)).value_or(Address{});
                }},
        section("workers.*.gateway.tls", "the accelerators and the gateway know each other by certificates",
                Kinds::dynamic),
        gateway_file<&GatewayTls::cert>("workers.*.gateway.tls.cert", "what each shows the other, a PEM file"),
        gateway_file<&GatewayTls::key>("workers.*.gateway.tls.key", "its key"),
        gateway_file<&GatewayTls::ca>("workers.*.gateway.tls.ca",
                                      "the certificate of who must have signed the other's"),
        Key{.path = "workers.*.public",
            .type = Type::origin,
            .doc = "how clients call the worker, where that is not by its listener: https://www.example.org[:port]",
            .kinds = Kinds::every,
            .get = [](const Spec& s) { return unless(s.public_url, {}); },
            .set = [](Spec& s, Value v) { s.public_url = std::get<std::string>(std::move(v)); }},
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
            .doc = "variables that are added to the worker's clean environment; {file: PATH} is the content of a file",
            .kinds = Kinds::every,
            .get = [](const Spec& s) { return OptionalValue(s.env); },
            .set = [](Spec& s, Value v) { s.env = std::get<Environment>(std::move(v)); }},
        Key{.path = "workers.*.env_file",
            .type = Type::texts,
            .doc = "files with variables, NAME=value a line, relative to the folder of this one; `env` counts more",
            .kinds = Kinds::every},
        Key{.path = "workers.*.depends_on",
            .type = Type::words,
            .doc = "workers that must be started, or healthy, before this one is started; it is stopped before them",
            .kinds = Kinds::every,
            .choices = dependency_choices,
            .get = [](const Spec& s) { return unless(s.depends_on, {}); },
            .set = [](Spec& s, Value v) { s.depends_on = std::get<Words>(std::move(v)); }},
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
            .set = [](Spec& s, Value v) { s.cgi.modes = std::get<Words>(std::move(v)); }},
        Key{.path = "workers.*.mode",
            .type = Type::choice,
            .doc = "in development changed CGI scripts are compiled again, and PLACK_ENV says so",
            .kinds = Kinds::dynamic,
            .choices = mode_choices,
            .get =
                [](const Spec& s) { return OptionalValue(std::string(s.development ? "development" : "deployment")); },
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
        with_words(count<&Spec::pool, &Pool::max>("workers.*.pool.max", "never more; auto: what memory allows", 1,
                                                  most_children),
                   auto_choice),
        count<&Spec::pool, &Pool::min_spare>("workers.*.pool.min_spare", "idle ones that there should always be", 0,
                                             most_children),
        count<&Spec::pool, &Pool::max_spare>("workers.*.pool.max_spare", "idle ones beyond which the coldest leave", 0,
                                             most_children),
        span<&Spec::pool, &Pool::idle_timeout>("workers.*.pool.idle_timeout",
                                               "how long a child is idle before it may leave", 100),
        section("workers.*.recycle", "when a child is replaced by a fresh one", Kinds::dynamic),
        count<&Spec::recycle, &Recycle::requests>("workers.*.recycle.requests", "after so many requests", 1,
                                                  1'000'000'000),
        span<&Spec::recycle, &Recycle::age>("workers.*.recycle.age", "so long after its birth", second),
        span<&Spec::recycle, &Recycle::idle>("workers.*.recycle.idle", "so long after its last request", second),
        with_type(
            count<&Spec::recycle, &Recycle::rss>("workers.*.recycle.rss", "beyond so much resident memory", 1 << 20, 0),
            Type::size),
        with_type(count<&Spec::recycle, &Recycle::unshared>(
                      "workers.*.recycle.unshared", "beyond so much memory that it shares with nobody", 1 << 20, 0),
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
    };
}

} // namespace mpsup::topology

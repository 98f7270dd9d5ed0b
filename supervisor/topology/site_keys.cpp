// The keys of a site as a whole.
#include "supervisor/topology/key_parts.h"
#include "supervisor/topology/links.h"

#include <charconv>

namespace mpsup::topology {

namespace {

constexpr std::array binaries_choices{Choice{"one"}, Choice{"two"}, Choice{"dso"}};
constexpr std::array links_choices{Choice{"off"}, Choice{"redirect"}, Choice{"rewrite"}};

contract::Links::Mode links_mode(std::string_view word) {
    using enum contract::Links::Mode;
    if (word == "redirect") return redirect;
    return word == "rewrite" ? rewrite : off;
}

void set_vip(Topology& topology, Value value) {
    const std::string& text = std::get<std::string>(value);
    const auto slash = text.find('/');
    topology.vip.ip = text.substr(0, slash);
    std::from_chars(text.data() + slash + 1, text.data() + text.size(), topology.vip.bits);
}

// Beside `workers`, for every worker.
template <HookPoint Point> constexpr Key hook_of_site(std::string_view path, std::string_view doc) {
    return {.path = path,
            .type = Type::hooks,
            .doc = doc,
            .get_of_site = [](const Topology& t) { return hooks_at(t.hooks, Point); },
            .set_of_site = [](Topology& t, Value v) { set_hooks(t.hooks, Point, std::move(v)); }};
}

} // namespace

std::vector<Key> make_site_keys() {
    return {
        Key{.path = "site",
            .type = Type::name,
            .doc = "the name of the site: of its folders, sockets and processes",
            .required = true},
        Key{.path = "include",
            .type = Type::texts,
            .doc = "topology files that this one is merged over, relative to its folder: maps key by key, all else "
                   "replaces"},
        Key{.path = "binaries",
            .type = Type::choice,
            .doc = "how the programs are built: one big binary, a light and a heavy one, or one that loads Perl",
            .choices = binaries_choices},
        Key{.path = "links",
            .type = Type::choice,
            .doc = "links from one worker to paths of another: left alone, redirected by the worker they lead to, or "
                   "rewritten in pages",
            .choices = links_choices,
            .get_of_site =
                [](const Topology& t) { return unless(std::string(to_string(t.links)), std::string("off")); },
            .set_of_site = [](Topology& t, Value v) { t.links = links_mode(std::get<std::string>(v)); }},
        Key{.path = "moved",
            .type = Type::duration,
            .doc = "how long an address that nobody has any more says where things are; 0s: it is closed",
            .least = 0,
            .most = 365 * day,
            .get_of_site = [](const Topology& t) { return unless(t.moved, Topology{}.moved); },
            .set_of_site = [](Topology& t, Value v) { t.moved = std::get<Duration>(v); }},
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
        Key{.path = "machines",
            .type = Type::sections,
            .doc = "the machines of the site; one named `here` if left out"},
        Key{.path = "cluster", .type = Type::section, .doc = "what concerns several machines together"},
        Key{.path = "cluster.unavailable",
            .type = Type::share,
            .doc = "machines that may be out of service at a time, for a rollout or for whatever reason",
            .least = 1,
            .get_of_site =
                [](const Topology& t) {
                    return t.cluster.unavailable ? OptionalValue(to_string(*t.cluster.unavailable)) : std::nullopt;
                },
            .set_of_site = [](Topology& t, Value v) { t.cluster.unavailable = parse_share(std::get<std::string>(v)); }},
        Key{.path = "vip",
            .type = Type::section,
            .doc = "an address that follows a living machine, for several machines",
            .shorthand = "address"},
        Key{.path = "vip.address",
            .type = Type::ip_length,
            .doc = "the address, with the length of its network",
            .get_of_site =
                [](const Topology& t) { return t.vip.ip.empty() ? std::nullopt : OptionalValue(t.vip.text()); },
            .set_of_site = set_vip},
        Key{.path = "vip.on",
            .type = Type::names,
            .doc = "the machines that may have it: where nobody has it the first that can takes it, and keeps it; "
                   "those that listen on it if left out",
            .get_of_site = [](const Topology& t) { return unless(t.vip.on, {}); },
            .set_of_site = [](Topology& t, Value v) { t.vip.on = std::get<std::vector<std::string>>(std::move(v)); }},
        Key{.path = "machines.*.address", .type = Type::ip, .doc = "the machine's IP address", .required = true},
        Key{.path = "workers", .type = Type::sections, .doc = "what serves the site", .required = true},
    };
}

} // namespace mpsup::topology

#include "supervisor/topology/routes.h"

#include "supervisor/topology/diff.h"
#include "supervisor/topology/resolve.h"

#include "site_folder.h"

namespace mpsup::topology {
namespace {

using namespace std::chrono_literals;

class Routes : public SiteFolder {
protected:
    /// A site with an accelerator: `routes` begin on line 5, more keys of it on the line before.
    [[nodiscard]] static std::string site(const std::string& routes, const std::string& more = "") {
        return "site: s\nworkers:\n  front: {kind: accelerator, listen: 127.0.0.1:80,\n" + more + "    routes: [\n" +
               routes + "]}\n  pool: {kind: dynamic, app: app.psgi}\n";
    }
    [[nodiscard]] Topology loaded(const std::string& yaml) const {
        auto topology = load(yaml);
        EXPECT_TRUE(topology) << format_problems(topology.error());
        return topology ? *topology : Topology{};
    }
    [[nodiscard]] FrontSpec front(const std::string& yaml) const { return *loaded(yaml).workers.front().front; }
};

TEST_F(Routes, AreReadWithEverythingTheySay) {
    write("c.pem", "");
    write("k.pem", "");
    const FrontSpec spec = front(R"(site: s
workers:
  front:
    kind: accelerator
    listen: [127.0.0.1:80, {address: 0.0.0.0:443, tls: on, proxy_protocol: on}]
    tls: [{cert: c.pem, key: k.pem}]
    tls_minimum: "1.3"
    threads: 2
    trusted_proxies: [10.0.0.0/8, 127.0.0.1]
    limits: {connections: 1000, per_address: 50, rate: 20, burst: 40, body: 10MiB}
    quarantine: {deaths: 5, for: 2m}
    log: json
    timeouts: {response: 5s}
    cache: {size: 32MiB}
    routes:
      - {host: "*.Example.org", path: /static/, alias: htdocs, expires: {"*.css": 1h, "/": 1m}, listing: on, cache: off}
      - {path: "*.txt", root: htdocs, try: pool, precompressed: off, symlinks: off, types: {.foo: text/x-foo}}
      - {path: /api/, to: [127.0.0.1:90, 127.0.0.1:91], strip: on, retry: off, check: /up, eject: 3, timeouts: {connect: 1s}}
      - path: /
        to: pool
        cache: {default_ttl: 10s, stale_if_error: 1h, ignore_query: [utm_*]}
        buffer: {request: 2MiB, memory: 8MiB, disk: 16MiB}
        queue: {length: 9, timeout: 3s, target: 100ms}
        headers: {X-Frame-Options: DENY, Server: ""}
  pool: {kind: dynamic, app: app.psgi}
)");
    EXPECT_TRUE(spec.flags.at({"0.0.0.0", 443}).tls);
    EXPECT_TRUE(spec.flags.at({"0.0.0.0", 443}).proxy_protocol);
    EXPECT_FALSE(spec.flags.contains({"127.0.0.1", 80}));
    EXPECT_EQ(spec.rest.certificates, (std::vector<contract::Certificate>{{path("c.pem"), path("k.pem")}}));
    EXPECT_TRUE(spec.rest.tls13_only);
    EXPECT_EQ(spec.rest.threads, 2U);
    EXPECT_EQ(spec.rest.trusted_proxies.size(), 2U);
    EXPECT_EQ(spec.rest.limits, (contract::GuardLimits{1000, 50, 20, 40, 10 << 20}));
    EXPECT_EQ(spec.rest.quarantine_deaths, 5U);
    EXPECT_TRUE(spec.rest.log_json);
    ASSERT_EQ(spec.routes.size(), 4U);
    const RouteSpec& files = spec.routes[0];
    EXPECT_EQ(files.rule.host, "*.example.org");
    EXPECT_EQ(files.alias, path("htdocs"));
    EXPECT_EQ(files.rule.files.expires.size(), 2U);
    EXPECT_EQ(files.rule.files.expires[0].path.text, "*.css") << "in the order of the file";
    EXPECT_EQ(files.rule.files.expires[0].max_age, 1h);
    EXPECT_FALSE(files.rule.cache.on);
    EXPECT_EQ(files.place.mark.line, 16);
    EXPECT_EQ(spec.routes[1].fallback, "pool");
    EXPECT_TRUE(spec.routes[1].rule.files.precompressed.empty());
    EXPECT_EQ(spec.routes[1].rule.files.symlinks, contract::Symlinks::off);
    EXPECT_EQ(spec.routes[1].rule.files.types, (contract::TextPairs{{"foo", "text/x-foo"}}));
    const contract::Route& api = spec.routes[2].rule;
    EXPECT_EQ(api.timeouts.response, 5s) << "as the worker says";
    EXPECT_EQ(api.timeouts.connect, 1s);
    EXPECT_EQ(api.health.check_path, "/up");
    EXPECT_EQ(api.health.eject_after, 3U);
    EXPECT_FALSE(api.retry);
    const contract::Route& pool = spec.routes[3].rule;
    EXPECT_TRUE(pool.cache.on);
    EXPECT_EQ(pool.cache.default_ttl, 10s);
    EXPECT_EQ(pool.buffer, (contract::BufferRule{2 << 20, 8 << 20, 16 << 20}));
    EXPECT_EQ(pool.queue, (contract::QueueRule{9, 3s, 100ms}));
    EXPECT_EQ(pool.headers, (contract::TextPairs{{"X-Frame-Options", "DENY"}, {"Server", ""}}));
}

TEST_F(Routes, ComeBackFromTheirDocumentAsTheyWere) {
    const Topology topology =
        loaded(site("{path: /a/, to: pool, cache: on, queue: {length: 3}},\n"
                    "{path: /b, to: 127.0.0.1:90, cache: off, retry: on},\n"
                    "{root: htdocs, try: /index.html, precompressed: off, error_pages: htdocs, symlinks: owner,\n"
                    " expires: {/a/: immutable, \"*.x\": off, /: 0s}}",
                    "cache: {default_ttl: 5s}, retry: off, buffer: {request: 4KiB}, listing: on,"));
    const auto document = to_document(topology);
    const auto back = from_document(document);
    ASSERT_TRUE(back) << back.error().to_string();
    EXPECT_EQ(*back, topology);
    EXPECT_EQ(to_document(*back), document);
    EXPECT_TRUE(topology.workers[0].front->routes[2].rule.cache.on) << "as the worker says";
    const contract::Files& files = topology.workers[0].front->routes[2].rule.files;
    EXPECT_EQ(files.symlinks, contract::Symlinks::owner);
    ASSERT_EQ(files.expires.size(), 3U);
    EXPECT_EQ(files.expires[0].kind, contract::ExpiresRule::Kind::immutable);
    EXPECT_EQ(files.expires[1].kind, contract::ExpiresRule::Kind::off);
    EXPECT_EQ(files.expires[2].kind, contract::ExpiresRule::Kind::max_age);
    EXPECT_NE(document.find(R"({"path":"/b","to":["127.0.0.1:90"],"cache":{"when":"off"},"retry":"on"})"),
              std::string::npos)
        << document;
}

TEST_F(Routes, ThatMoveInTheFileAreNoChange) {
    const Topology before = loaded(site("{to: pool}"));
    EXPECT_TRUE(diff(before, loaded(site("\n\n{to: pool}"))).empty());
    const Diff changed = diff(before, loaded(site("{to: pool, cache: on}", "threads: 2,")));
    ASSERT_EQ(changed.changed.size(), 1U);
    EXPECT_EQ(changed.changed[0].keys, (std::vector<std::string>{"threads", "routes"}));
    EXPECT_EQ(changed.unchanged, (std::vector<std::string>{"pool"}));
}

TEST_F(Routes, LeadToWorkersThatExistAndAreReachedBySuch) {
    EXPECT_EQ(problems(site("{to: poll}")),
              "5:6 there is no worker `poll` (did you mean `pool`?)\n"
              "6:3 `pool` has no `listen` (ADDRESS:PORT that clients connect to), and no route of an "
              "accelerator leads to it\n");
    EXPECT_EQ(problems(site("{path: /a/, to: pool}, {to: front}")), "5:29 `front` leads back to itself\n");
    EXPECT_EQ(problems(site("{to: pool}") + "  docs: {kind: static, listen: 127.0.0.1:81, root: htdocs, try: front}\n"),
              "7:65 `front` is accelerator; a route leads to a dynamic worker\n");
    EXPECT_EQ(
        problems(site("{path: /a/, to: pool}, {to: perl}") +
                 "  perl: {kind: dynamic, listen: 127.0.0.1:81, app: app.psgi}\n"),
        "5:29 `perl` has a `listen` of its own; an accelerator leads to workers without one (take `listen` away from "
        "it, or lead to its address: `to: 127.0.0.1:81`)\n");
    EXPECT_EQ(problems(site("{to: pool}") + "  perl: {kind: dynamic, app: app.psgi}\n"),
              "7:3 `perl` has no `listen` (ADDRESS:PORT that clients connect to), and no route of an accelerator leads "
              "to it\n");
}

// faults.md 46: a proxy that leads to itself, also by way of another.
TEST_F(Routes, Fault46LeadNowhereInACircle) {
    EXPECT_EQ(problems(site("{path: /a/, to: pool}, {to: 127.0.0.1:80}")),
              "5:29 `127.0.0.1:80` leads back to `front` itself\n");
    EXPECT_EQ(problems(site("{path: /a/, to: pool}, {to: 127.0.0.1:81}") +
                       "  back: {kind: accelerator, listen: 127.0.0.1:81, routes: [{to: 127.0.0.1:80}]}\n"),
              "4:13 routes lead in a circle: `front` -> `back` -> `front`\n"
              "7:59 routes lead in a circle: `back` -> `front` -> `back`\n");
    EXPECT_EQ(problems(site("{path: /a/, to: pool}, {to: 127.0.0.1:81}") +
                       "  back: {kind: accelerator, listen: 127.0.0.1:81, routes: [{root: htdocs}]}\n"),
              "no problem");
}

TEST_F(Routes, ThatNothingReachesAreNamedWithTheOneThatIsInTheWay) {
    EXPECT_EQ(
        problems(site("{to: pool},\n{path: /static/, root: htdocs}")),
        "6:8 nothing reaches this route: line 5 takes all of it (the first route that matches counts: put this one "
        "before it)\n");
    EXPECT_EQ(problems(site("{path: /a, to: pool},\n{path: /a, root: htdocs}")),
              "6:8 the same host and path are in line 5 already\n");
    EXPECT_EQ(problems(site("{host: a.example, to: pool},\n{to: pool}")), "no problem");
    EXPECT_EQ(
        problems(site("{path: \"*.php\", to: pool},\n{path: /x/*.php, root: htdocs}")),
        "6:8 nothing reaches this route: line 5 takes all of it (the first route that matches counts: put this one "
        "before it)\n");
    EXPECT_EQ(problems(site("{path: /x/*.php, root: htdocs},\n{path: \"*.php\", to: pool}")), "no problem");
}

TEST_F(Routes, LeadToOneThing) {
    EXPECT_EQ(problems(site("{path: /b/, to: pool}, {path: /a/}")),
              "5:24 a route leads to one of `to` (a worker or addresses), `root` and `alias` (a folder)\n");
    EXPECT_EQ(problems(site("{to: pool, root: htdocs}")), "5:18 a route leads to one of `to`, `root` and `alias`; keep "
                                                          "one (files first, then a worker: `root` and `try`)\n");
    EXPECT_EQ(problems(site("{to: [pool, 127.0.0.1:9, 127.0.0.1:9]}")), "5:26 `127.0.0.1:9` stands twice in `to`\n");
    EXPECT_EQ(problems(site("{to: [127.0.0.1:9, pool]}")), "no problem");
    EXPECT_EQ(problems(site("{to: [pool, pool]}")), "5:13 `pool` stands twice in `to`\n");
    EXPECT_EQ(problems(site("{to: pool, try: /x}")),
              "5:17 `try` needs `root` or `alias`: it answers where there is no file\n");
    EXPECT_EQ(problems(site("{path: \"*.x\", to: pool, strip: on}")),
              "5:32 `strip` needs a path without `*`: the beginning that is taken off\n");
    EXPECT_EQ(problems(site("{path: /i/, root: htdocs, internal: on}, {to: pool}")), "no problem");
    EXPECT_EQ(
        problems(site("{to: pool},\n{path: /i/, root: htdocs, internal: on}")),
        "warning: 6:8 X-Accel-Redirect does not reach this route: line 5 takes all of it (put this one before it; "
        "X-Sendfile reaches it as it is)\n");
    EXPECT_EQ(problems(site("{path: /i/, to: pool, internal: on}, {to: pool}")),
              "5:33 `internal` is for files that an application names: it needs `root` or `alias`\n");
}

// faults.md 46: everything at once, with its place.
TEST_F(Routes, Fault46AreRefusedWithEveryValueThatIsWrong) {
    EXPECT_EQ(
        problems(
            site("{path: x, to: pool},\n{host: \"a:80\", path: /h/, to: pool},\n{path: /c/, to: pool, cahce: on},\n"
                 "{path: /d/, to: pool, cache: {default_tl: 5s}},\n{path: /e/, to: pool, cache: maybe},\n"
                 "{path: /f/, to: pool, headers: {\"a b\": c, Connection: close, X: }},\n"
                 "{path: /g/, root: nowhere},\n{path: /i/, to: \"127.0.0.1\"}, 7")),
        "5:8 `path` must be a pattern of paths: /x/ and all below it, /x alone, *.php, /a/*/b; found `x` (did you mean "
        "`/x`?)\n"
        "6:8 `host` is a name without a port; found `a:80` (did you mean `a`?)\n"
        "7:23 unknown key `cahce` (did you mean `cache`?)\n"
        "8:31 unknown key `default_tl` (did you mean `default_ttl`?)\n"
        "9:30 `cache` must be on or off; found `maybe`\n"
        "10:33 `a b` is no name of a header field\n"
        "10:43 `Connection` is set by mpsup itself\n"
        "10:62 `X` has no value (\"\" takes the field away)\n"
        "11:19 there is no `" +
            path("nowhere") +
            "`\n"
            "12:17 `to` must be the name of a dynamic worker, ADDRESS:PORT, or a list of addresses; found `127.0.0.1` "
            "(the port is missing: `127.0.0.1:8080`)\n"
            "12:31 `workers.front.routes[8]` must be a section with keys of its own\n"
            "12:31 a route leads to one of `to` (a worker or addresses), `root` and `alias` (a folder)\n");
    EXPECT_EQ(problems("site: s\nworkers:\n  f: {kind: accelerator, listen: 127.0.0.1:1}\n"),
              "3:3 `f` has no `routes` (what becomes of which request; the first entry that matches counts)\n");
    EXPECT_EQ(problems("site: s\nworkers:\n  f: {kind: accelerator, listen: 127.0.0.1:1, routes: {path: /}}\n"),
              "3:55 `routes` is a list of maps: - {path: /, to: …}\n");
}

TEST_F(Routes, SayWhatWasMeantByValuesThatAreNearlyRight) {
    EXPECT_EQ(
        problems(site("{host: \"*\", to: pool}")),
        "5:8 `host` must be a host name (example.org, *.example.org) or an IP address; found `*` (leave `host` away: "
        "a route without it is for every host)\n");
    const auto with_proxy = [&](const std::string& text) {
        return problems(site("{to: pool}", "trusted_proxies: [" + text + "],"));
    };
    EXPECT_EQ(with_proxy("10.0.0.0/33"),
              "4:19 `trusted_proxies` must be an IP address or a block of them (10.0.0.0/8), or a list of such; found "
              "`10.0.0.0/33` (the length behind the slash goes from 0 to 32)\n");
    EXPECT_TRUE(with_proxy("\"fe80::/129\"").ends_with("goes from 0 to 128)\n"));
    EXPECT_TRUE(with_proxy("10.0.0.0/x").ends_with("goes from 0 to 32)\n"));
    EXPECT_TRUE(with_proxy("10.0.0.1/8").ends_with("(the bits after the length must be 0)\n"));
    EXPECT_TRUE(with_proxy("\"[::1]\"").ends_with("(did you mean `::1`?)\n"));
    EXPECT_EQ(problems(site("{to: pool, cache: {size: 900TiB}}")),
              "5:26 `size` must be a size from 1MiB to 1TiB, with its unit (64KiB, 200MiB, 1GiB); found `900TiB`\n");
    EXPECT_EQ(problems(site("{to: pool, buffer: {disk: 9000TiB}}")),
              "5:27 `disk` must be a size up to 8192TiB, with its unit (64KiB, 200MiB, 1GiB); found `9000TiB`\n");
}

TEST_F(Routes, AndListenersAgreeAboutTls) {
    write("c.pem", "");
    EXPECT_EQ(
        problems("site: s\nworkers:\n  f: {kind: static, root: htdocs, listen: {address: 127.0.0.1:1, tls: on}}\n"),
        "3:43 a listener has `tls: on`, and there is no certificate (tls: [{cert: FILE, key: FILE}])\n");
    EXPECT_EQ(
        problems("site: s\nworkers:\n  f: {kind: static, root: htdocs, listen: 127.0.0.1:1, tls: {cert: c.pem, key: "
                 "c.pem}}\n"),
        "3:61 there are certificates, and no listener has `tls: on` (listen: [{address: 0.0.0.0:443, tls: on}])\n");
    EXPECT_EQ(problems("site: s\nworkers:\n  f: {kind: static, root: htdocs, listen: {address: 127.0.0.1:1, tls: on}, "
                       "tls: {cert: c.pem}}\n"),
              "3:81 a pair of `tls` has no `key`\n");
    EXPECT_EQ(
        problems("site: s\nworkers:\n  f: {kind: static, root: htdocs, listen: {address: 127.0.0.1:1, tsl: on}}\n"),
        "3:66 unknown key `tsl` (known here: address tls proxy_protocol)\n");
    EXPECT_EQ(problems("site: s\nworkers:\n  f: {kind: dynamic, app: app.psgi, listen: {address: 127.0.0.1:1, "
                       "proxy_protocol: on}}\n"),
              "3:45 `tls` and `proxy_protocol` are for accelerators and static workers\n");
}

TEST_F(Routes, OfAStaticWorkerAreItsOwnFiles) {
    const FrontSpec spec = front(static_worker("expires: 1d, compress: off, try: /index.html"));
    EXPECT_EQ(spec.own.rule.files.expires.size(), 1U);
    EXPECT_FALSE(spec.own.rule.files.compress);
    EXPECT_EQ(spec.own.fallback, "/index.html");
    EXPECT_EQ(problems("site: s\nworkers:\n  w: {kind: static, listen: 127.0.0.1:8080, alias: htdocs}\n"),
              "3:52 `alias` needs one path in `serves`: what is taken off before a file is looked up\n");
    EXPECT_EQ(
        problems(static_worker("cache: on")),
        "4:1 `cache` is for accelerator workers (what is kept of replies, and for how long); this one is static\n");
}

} // namespace
} // namespace mpsup::topology

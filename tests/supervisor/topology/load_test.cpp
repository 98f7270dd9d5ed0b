#include "supervisor/topology/dependencies.h"
#include "supervisor/topology/load.h"

#include "site_folder.h"

#include <chrono>
#include <ctime>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mpsup::topology {
namespace {

using namespace std::chrono_literals;

class TopologyLoader : public SiteFolder {};

constexpr auto whole = R"(site: gitweb
binaries: two
machines:
  here: {address: 127.0.0.1}
workers:
  httpd_docs:
    kind: static
    listen: 127.0.0.1:8080
    root: htdocs
    serves: [/static/]
  httpd_perl:
    kind: dynamic
    listen: [127.0.0.1:8081, "[::1]:8081"]
    app: ./app.psgi
    env: {LANG: C, EMPTY: "", NUMBER: 012}
    pool: 8
    health: {path: /up, every: 500ms, timeout: 1s}
    restart: {burst: 3, window: 1m, backoff: 200ms, max: 10s}
    stop: {grace: 5s}
x-note: [anything, {goes: here}]
)";

TEST_F(TopologyLoader, ReadsEveryKey) {
    const auto loaded = load(whole);
    ASSERT_TRUE(loaded) << format_problems(loaded.error());
    EXPECT_EQ(loaded->site, "gitweb");
    EXPECT_EQ(loaded->binaries, Binaries::two);
    EXPECT_EQ(loaded->machines, (std::vector<Machine>{{"here", "127.0.0.1"}}));
    ASSERT_EQ(loaded->workers.size(), 2U);
    const auto& docs = loaded->workers[0];
    EXPECT_EQ(docs.name, "httpd_docs");
    EXPECT_EQ(docs.kind, Kind::static_files);
    EXPECT_EQ(docs.root, path("htdocs"));
    EXPECT_EQ(docs.serves, (std::vector<std::string>{"/static/"}));
    const auto& perl = loaded->workers[1];
    EXPECT_EQ(perl.kind, Kind::dynamic);
    EXPECT_EQ(perl.listen, (std::vector<Address>{{"127.0.0.1", 8081}, {"::1", 8081}}));
    EXPECT_EQ(perl.app, path("app.psgi"));
    EXPECT_EQ(perl.env, (Environment{{"LANG", {"C"}}, {"EMPTY", {""}}, {"NUMBER", {"012"}}}));
    EXPECT_EQ(perl.pool.sized().max, 8);
    EXPECT_EQ(perl.health, (Health{.path = "/up", .every = 500ms, .timeout = 1s}));
    EXPECT_EQ(perl.restart, (Restart{3, 60s, 200ms, 10s}));
    EXPECT_EQ(perl.stop, (Stop{5s}));
}

TEST_F(TopologyLoader, FillsInDefaults) {
    const auto loaded = load("site: s\nworkers: {w: {kind: dynamic, listen: 127.0.0.1:1, app: app.psgi}}\n");
    ASSERT_TRUE(loaded) << format_problems(loaded.error());
    WorkerSpec expected{.name = "w", .kind = Kind::dynamic, .listen = {{"127.0.0.1", 1}}, .app = path("app.psgi")};
    EXPECT_EQ(loaded->workers, (std::vector{expected}));
    EXPECT_EQ(loaded->machines, (std::vector<Machine>{{"here", "127.0.0.1"}}));
    EXPECT_FALSE(loaded->workers[0].health.path);
}

TEST_F(TopologyLoader, KeepsTheOrderOfTheWorkers) {
    const auto loaded = load("site: s\nworkers:\n  z: {kind: static, listen: 127.0.0.1:3, root: .}\n"
                             "  a: {kind: static, listen: 127.0.0.1:2, root: /}\n");
    ASSERT_TRUE(loaded) << format_problems(loaded.error());
    EXPECT_EQ(loaded->workers[0].name, "z");
    EXPECT_EQ(loaded->workers[0].root, folder_.string());
    EXPECT_EQ(loaded->workers[1].root, "/");
    EXPECT_EQ(loaded->find("a"), &loaded->workers[1]);
    EXPECT_EQ(loaded->find("b"), nullptr);
}

TEST_F(TopologyLoader, ReportsEverythingAtOnceWithPlaceLineAndSuggestion) {
    const auto loaded = load("site: 9lives\nworkers:\n  docs:\n    kind: static\n    lisen: 127.0.0.1:8080\n"
                             "    root: nowhere\n  perl:\n    kind: dynamic\n    listen: 127.0.0.1:80800\n"
                             "    app: app.psgi\n    pool: many\n");
    ASSERT_FALSE(loaded);
    EXPECT_EQ(
        format_problems(loaded.error()),
        "site.yaml:1:7: error: `site` must be a name: a letter, then letters, digits, - and _, at most 32 in all; "
        "found `9lives`\n    site: 9lives\n          ^\n"
        "site.yaml:3:3: error: `docs` has no `listen` (ADDRESS:PORT that clients connect to)\n"
        "      docs:\n      ^\n"
        "site.yaml:5:5: error: unknown key `lisen`\n        lisen: 127.0.0.1:8080\n        ^\n"
        "    did you mean `listen`?\n"
        "site.yaml:6:11: error: there is no `" +
            path("nowhere") +
            "`\n        root: nowhere\n              ^\n"
            "site.yaml:9:13: error: `listen` must be ADDRESS:PORT (like 127.0.0.1:8080 or [::1]:8080), a port, or a "
            "list of "
            "such; "
            "found `127.0.0.1:80800`\n        listen: 127.0.0.1:80800\n                ^\n"
            "    ports go from 1 to 65535\n"
            "site.yaml:11:11: error: `pool` must be a whole number from 1 to 1000; found `many`\n"
            "        pool: many\n              ^\n");
}

TEST_F(TopologyLoader, CountsColumnsInCharacters) {
    EXPECT_EQ(problems("site: s\nworkers: {ä: 1, ö: 2}\n").substr(0, 30), "2:11 `ä` is no name of a work");
    EXPECT_NE(problems("site: s\nworkers: {ä: 1, ö: 2}\n").find("\n2:17 `ö`"), std::string::npos);
}

TEST_F(TopologyLoader, NamesWhatIsMissing) {
    EXPECT_EQ(problems("binaries: two\n"), "1:1 the key `site` is missing\n1:1 the key `workers` is missing\n");
    EXPECT_EQ(problems("site: s\nhistory: 2d\nworkers: {}\n"),
              "2:10 `history` must be a section with keys of its own\n3:10 `workers` is empty\n");
    EXPECT_TRUE(problems("site: s\nhistory: {raw: 2}\nworkers: {}\n").starts_with("2:16 `raw` needs a unit"));
    EXPECT_TRUE(problems("site: s\nhistory: {minute: 59s}\nworkers: {}\n").starts_with("2:19 `minute` must be a dur"));
    EXPECT_TRUE(problems("site: s\nhistory: {max: 1MiB}\nworkers: {}\n").starts_with("2:16 `max` must be"));
    EXPECT_TRUE(problems("site: s\nhistory: {rwa: 2d}\nworkers: {}\n").starts_with("2:11 unknown key `rwa`"));
    EXPECT_EQ(problems("site: s\nworkers: {}\n"), "2:10 `workers` is empty\n");
    EXPECT_EQ(problems("site: s\nworkers:\n"), "2:1 `workers` is empty\n");
    EXPECT_EQ(problems("site: s\nworkers: {w: {}}\n"), "2:11 `w` has no `kind` (static, dynamic or accelerator)\n");
    EXPECT_EQ(problems("site: s\nworkers: {w: {kind: static, listen: 127.0.0.1:1}}\n"),
              "2:11 `w` has no `root` (the folder with the files)\n");
    EXPECT_EQ(problems("site: s\nworkers: {x-only: 1}\n"), "2:10 `workers` is empty\n");
}

TEST_F(TopologyLoader, RefusesKeysOfTheOtherKindAndSaysWhatTheyAreFor) {
    EXPECT_EQ(problems(static_worker("app: app.psgi, pool: 3")),
              "4:1 `app` is for dynamic workers (the PSGI application, a .psgi file); this one is static\n"
              "4:16 `pool` is for dynamic workers (how many processes answer requests: a number, or "
              "bounds to stay within); this one is static\n");
}

TEST_F(TopologyLoader, WantsOfADynamicWorkerWithFilesWhichPathsTheyHave) {
    EXPECT_EQ(problems(dynamic_worker("root: htdocs")),
              "4:7 `root` of a dynamic worker needs `serves`: the beginnings of the paths that are files\n");
    EXPECT_EQ(problems(dynamic_worker("serves: /static/")),
              "4:9 `serves` of a dynamic worker needs `root`: the folder with the files\n");
    EXPECT_EQ(problems(dynamic_worker("root: htdocs, serves: /static/")), "no problem");
}

TEST_F(TopologyLoader, WantsAnApplicationOrAFolderOfScripts) {
    const std::string head = "site: s\nworkers:\n w: {kind: dynamic, listen: 127.0.0.1:1";
    EXPECT_EQ(problems(head + "}\n"), "3:2 `w` has no `app` (a .psgi file) and no `cgi` (a folder of scripts)\n");
    EXPECT_EQ(problems(head + ", cgi: htdocs}\n"), "no problem");
    EXPECT_EQ(problems(head + ", cgi: {dir: htdocs, mode: fork, modes: {'*.pl': exec}}}\n"), "no problem");
    EXPECT_EQ(problems(head + ", cgi: {mode: fork}}\n"), "3:47 `cgi` has no `dir` (the folder of the scripts)\n");
    EXPECT_EQ(problems(head + ", cgi: {dir: htdocs, modes: {a.cgi: often}}}\n"),
              "3:76 `modes` must be NAME: registry or perlrun or fork or exec, a line each; found `often`\n");
    EXPECT_EQ(problems(dynamic_worker("cgi: htdocs")), "4:6 `w` has both `app` and `cgi`; keep one\n");
}

TEST_F(TopologyLoader, ReadsPoolsOfEveryMode) {
    const auto pool_of = [&](const std::string& keys) {
        const auto loaded = load(dynamic_worker(keys));
        EXPECT_TRUE(loaded) << keys;
        return loaded ? loaded->workers[0].pool.sized() : Pool::Sized{};
    };
    EXPECT_EQ(pool_of("pool: 3").min, 3);
    EXPECT_EQ(pool_of("pool: {size: 3}").mode, PoolMode::fixed);
    const auto dynamic = pool_of("pool: {min: 2, max: 8}");
    EXPECT_EQ(dynamic.mode, PoolMode::dynamic);
    EXPECT_EQ(std::pair(dynamic.min, dynamic.max), std::pair(2, 8));
    EXPECT_EQ(std::pair(dynamic.min_spare, dynamic.max_spare), std::pair(1, 3));
    EXPECT_EQ(pool_of("pool: {mode: ondemand, max: 4, idle_timeout: 5s}").min, 0);
    EXPECT_EQ(pool_of("pool: {max: auto}").max, 0);
}

TEST_F(TopologyLoader, RefusesPoolsWhoseBoundsDoNotAgree) {
    EXPECT_EQ(problems(dynamic_worker("pool: {min: 5, max: 2}")), "4:21 `max` (2) is less than `min` (5)\n");
    EXPECT_EQ(problems(dynamic_worker("pool: {min_spare: 3, max_spare: 1}")),
              "4:33 `max_spare` is less than `min_spare`\n");
    EXPECT_EQ(problems(dynamic_worker("pool: {size: 3, max: 4}")),
              "4:14 `size` is for a pool that never changes; give it alone, or bounds without it\n");
    EXPECT_EQ(problems(dynamic_worker("pool: {mode: ondemand, min: 1}")),
              "4:14 an ondemand pool has no `min` and no spare children; give `max` and `idle_timeout`\n");
    EXPECT_EQ(problems(dynamic_worker("pool: {max: some}")),
              "4:13 `max` must be a whole number from 1 to 1000, or auto; found `some`\n");
}

TEST_F(TopologyLoader, ReadsLimitsOfRequestsAndChildren) {
    const auto loaded = load(dynamic_worker(
        "recycle: {requests: 1000, jitter: 10%, unshared: 200MiB, age: 1d}, request_timeout: 60s, slow: 2s, "
        "refork: {after: 500}, warmup: [/, '/search?q=x']"));
    ASSERT_TRUE(loaded);
    const WorkerSpec& worker = loaded->workers[0];
    EXPECT_EQ(worker.recycle.unshared, std::int64_t{200} << 20);
    EXPECT_EQ(worker.recycle.jitter, 10);
    EXPECT_EQ(worker.request_timeout.hard, Duration(60'000));
    EXPECT_EQ(worker.refork_after, 500);
    EXPECT_EQ(worker.warmup, (std::vector<std::string>{"/", "/search?q=x"}));
    EXPECT_EQ(problems(dynamic_worker("request_timeout: {soft: 5s, hard: 5s}")),
              "4:25 `soft` is not shorter than `hard`\n");
    EXPECT_EQ(problems(dynamic_worker("recycle: {unshared: 200}")),
              "4:21 `unshared` needs a unit; found `200` (did you mean `200MiB`?)\n");
    EXPECT_EQ(problems(dynamic_worker("recycle: {jitter: 120%}")),
              "4:19 `jitter` must be a percentage from 0% to 100%; found `120%`\n");
}

TEST_F(TopologyLoader, KnowsTheKeysOfLaterVersions) {
    EXPECT_EQ(problems(dynamic_worker("handler: My::Handler")), "4:1 `handler`: known, not in this version\n");
}

TEST_F(TopologyLoader, ReadsSectionsOfTheSite) {
    const auto workers = "workers:\n  d: {kind: static, listen: 127.0.0.1:1, root: htdocs}\n";
    const auto loaded = load(std::string("site: s\nlogs: {size: 1MiB, age: 2h, keep: 3}\n") + workers);
    ASSERT_TRUE(loaded) << format_problems(loaded.error());
    EXPECT_EQ(loaded->logs, (Logs{1 << 20, 2h, 3}));
    EXPECT_EQ(load(std::string("site: s\n") + workers)->logs, (Logs{100 << 20, 24h, 7}));
    const auto refused = load(std::string("site: s\nlogs: {size: 1B, keep: 0, old: 1}\n") + workers);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().size(), 3U) << format_problems(refused.error());
}

TEST_F(TopologyLoader, KeepsTheNameOfTheSupervisorsLog) {
    EXPECT_FALSE(load("site: s\nworkers:\n  supervisor: {kind: static, listen: 127.0.0.1:1, root: htdocs}\n"));
}

TEST_F(TopologyLoader, SuggestsTheRightSection) {
    EXPECT_EQ(problems(dynamic_worker("path: /up")), "4:1 unknown key `path` (did you mean `health.path`?)\n");
    EXPECT_EQ(problems("workers: {w: {kind: dynamic, listen: 127.0.0.1:1, app: app.psgi, site: s}}\nsite: s\n"),
              "1:66 unknown key `site` (did you mean `site`?)\n");
}

TEST_F(TopologyLoader, RefusesOverlappingListenersAndNamesBoth) {
    const auto two = [&](const std::string& a, const std::string& b) {
        return problems("site: s\nworkers:\n  a: {kind: static, root: htdocs, listen: '" + a +
                        "'}\n  b: {kind: static, root: htdocs, listen: '" + b + "'}\n");
    };
    EXPECT_EQ(two("127.0.0.1:80", "127.0.0.1:80"), "4:43 127.0.0.1:80 is taken by `a` (127.0.0.1:80, line 3)\n");
    EXPECT_EQ(two("0.0.0.0:80", "127.0.0.1:80"), "4:43 127.0.0.1:80 is taken by `a` (0.0.0.0:80, line 3)\n");
    EXPECT_EQ(two("127.0.0.1:80", "0.0.0.0:80"), "4:43 0.0.0.0:80 is taken by `a` (127.0.0.1:80, line 3)\n");
    EXPECT_EQ(two("127.0.0.1:80", "127.0.0.2:80"), "no problem");
    EXPECT_EQ(two("127.0.0.1:80", "127.0.0.1:81"), "no problem");
    EXPECT_EQ(two("0.0.0.0:80", "[::]:80"), "no problem");
    EXPECT_EQ(problems("site: s\nworkers: {a: {kind: static, root: htdocs, listen: ['127.0.0.1:1', '127.0.0.1:1']}}"),
              "2:67 127.0.0.1:1 is taken by `a` (127.0.0.1:1, line 2)\n");
}

TEST_F(TopologyLoader, RefusesDuplicateKeysOnce) {
    EXPECT_EQ(problems("site: a\nsite: b\n" + dynamic_worker("").substr(8)),
              "2:1 duplicate key `site`, first at line 1\n");
    EXPECT_EQ(problems(dynamic_worker("env: {A: 1, A: 2}, pool: 2, pool: nonsense")),
              "4:13 duplicate key `A`, first at line 4\n4:29 duplicate key `pool`, first at line 4\n");
    EXPECT_EQ(problems("site: s\nworkers:\n  w: {kind: static, listen: 127.0.0.1:1, root: htdocs}\n"
                       "  w: {kind: static, listen: 127.0.0.1:2, root: htdocs}\n"),
              "4:3 duplicate key `w`, first at line 3\n");
}

TEST_F(TopologyLoader, RefusesABackOffLongerThanItsMaximum) {
    EXPECT_EQ(problems(dynamic_worker("restart: {backoff: 2m}")), "4:10 `max` is shorter than `backoff`\n");
    EXPECT_EQ(problems(dynamic_worker("restart: {backoff: 2m,\nmax: 1m}")), "5:6 `max` is shorter than `backoff`\n");
}

TEST_F(TopologyLoader, RefusesSectionsThatAreNone) {
    EXPECT_EQ(problems("- site\n"), "1:1 a topology is a map of keys (site, workers, …)\n");
    EXPECT_EQ(problems("site: s\nworkers: [a]\n"), "2:10 `workers` must be a section with keys of its own\n");
    EXPECT_EQ(problems("site: s\nmachines: here\n" + dynamic_worker("").substr(8)),
              "2:11 `machines` must be a section with keys of its own\n");
    EXPECT_EQ(problems(dynamic_worker("health: /up")),
              "4:9 `workers.w.health` must be a section with keys of its own\n");
    EXPECT_EQ(problems("machines: {}\n" + dynamic_worker("")), "1:11 `machines` is empty\n");
    EXPECT_EQ(problems("machines: {x-a: {}}\n" + dynamic_worker("")), "1:11 `machines` is empty\n");
    EXPECT_EQ(problems("machines: {a: {}}\n" + dynamic_worker("")), "1:12 `a` has no `address`\n");
}

TEST_F(TopologyLoader, CutsAFloodOfProblems) {
    std::string yaml = dynamic_worker("");
    for (int i = 0; i < 5000; ++i) yaml += "k" + std::to_string(i) + ": 1\n";
    const auto loaded = load(yaml);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().size(), max_problems + 1);
    EXPECT_EQ(loaded.error().back().message, "and 4800 more problems");
}

TEST_F(TopologyLoader, ShortensLongLinesAroundTheirPlace) {
    const auto loaded = load("site: s\nworkers: {" + std::string(5000, ' ') + "9: {}}\n");
    ASSERT_FALSE(loaded);
    const auto text = format_problems(loaded.error());
    EXPECT_LT(text.size(), 600U);
    EXPECT_NE(text.find("(column 5011)"), std::string::npos) << text;
    EXPECT_NE(text.find("…"), std::string::npos);
}

TEST_F(TopologyLoader, KeepsControlCharactersFromTheTerminal) {
    const auto text = format_problems({{"a\x1b[2J.yaml", 1, 1, "bad \x07 thing \xff", "x\x1b", ""}});
    EXPECT_EQ(text, "a?[2J.yaml:1:1: error: bad ? thing ?\n    x?\n    ^\n");
}

class TopologyFile : public SiteFolder {
protected:
    [[nodiscard]] static std::string refusal(const std::string& path) {
        const auto loaded = load_file(path);
        return loaded ? "loaded" : loaded.error().front().message;
    }
};

TEST_F(TopologyFile, IsReadFromAnywhereWithItsPathsRelativeToItself) {
    const auto file = write("site.yaml", dynamic_worker(""));
    const auto here = std::filesystem::current_path();
    std::filesystem::current_path(folder_);
    const auto loaded = load_file("./site.yaml");
    std::filesystem::current_path(here);
    ASSERT_TRUE(loaded) << format_problems(loaded.error());
    EXPECT_EQ(loaded->topology.workers[0].app, path("app.psgi"));
}

TEST_F(TopologyFile, RefusesWhatIsNoRegularFileAtOnce) {
    EXPECT_EQ(refusal(path("missing.yaml")), "there is no such file");
    EXPECT_EQ(refusal(folder_), "is a folder");
    ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
    EXPECT_EQ(refusal(path("fifo")), "not a regular file");
    EXPECT_EQ(refusal("/dev/zero"), "not a regular file");
}

TEST_F(TopologyFile, RefusesEmptyAndUnreadableAndHugeOnes) {
    EXPECT_EQ(refusal(write("empty", "")), "the file is empty");
    EXPECT_EQ(refusal(write("blank", "\n  \n")), "the file is empty");
    EXPECT_EQ(refusal(write("comment", "# nothing\n")), "the file says nothing");
    const auto huge = write("huge", "");
    ASSERT_EQ(::truncate(huge.c_str(), 100'000'000), 0);
    EXPECT_EQ(refusal(huge), "larger than 512KiB; is this a topology file?");
    if (::geteuid() != 0) {
        const auto secret = write("secret", "site: s\n");
        ASSERT_EQ(::chmod(secret.c_str(), 0), 0);
        EXPECT_EQ(refusal(secret), "Permission denied");
    }
}

TEST_F(TopologyFile, IsNotObeyedAsRootWhenEverybodyMayWriteIt) {
    const auto file = write("site.yaml", dynamic_worker(""));
    ASSERT_EQ(::chmod(file.c_str(), 0666), 0);
    EXPECT_EQ(refusal(file), ::geteuid() == 0
                                 ? "everybody may write this file, and it would be obeyed as root; chmod o-w it"
                                 : "loaded");
}

TEST(DemoTopologies, AreValidWhereGitwebIsInstalled) {
    if (!std::filesystem::exists("/usr/share/gitweb")) GTEST_SKIP() << "the package gitweb is not installed";
    int count = 0;
    for (const auto& file : std::filesystem::directory_iterator(MPSUP_SOURCE_DIR "/topologies")) {
        if (file.path().extension() != ".yaml") continue;
        ++count;
        const auto loaded = load_file(file.path());
        ASSERT_TRUE(loaded) << format_problems(loaded.error());
        EXPECT_TRUE(loaded->warnings.empty()) << format_problems(loaded->warnings);
        EXPECT_EQ(loaded->topology.site, "gitweb");
        EXPECT_EQ(loaded->topology.find("httpd_perl")->app, MPSUP_SOURCE_DIR "/topologies/demo/site.psgi");
    }
    EXPECT_EQ(count, 11);
}

class HostileTopology : public SiteFolder {
protected:
    /// The first problem, after no more than 100 ms of our own CPU time (the machine may be busy with others).
    [[nodiscard]] std::string quick_refusal(const std::string& yaml) const {
        const auto start = std::clock();
        const auto loaded = load(yaml);
        const auto took = std::chrono::milliseconds((std::clock() - start) * 1000 / CLOCKS_PER_SEC);
#ifndef __SANITIZE_ADDRESS__
        EXPECT_LT(took, 100ms);
#else
        EXPECT_LT(took, 1000ms);
#endif
        return loaded ? "loaded" : loaded.error().front().message;
    }
};

TEST_F(HostileTopology, AliasesThatExplodeAreRefusedQuickly) {
    std::string yaml = "x-a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
    for (int i = 1; i <= 9; ++i) {
        yaml += "x-a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
        for (int k = 0; k < 9; ++k) yaml += (k ? ", *a" : "*a") + std::to_string(i - 1);
        yaml += "]\n";
    }
    EXPECT_EQ(quick_refusal(yaml), "more than 30000 values");
}

TEST_F(HostileTopology, EveryKindOfExcessIsRefusedQuickly) {
    EXPECT_EQ(quick_refusal("x-a: &x [*x]\n"), "this alias contains itself");
    EXPECT_EQ(quick_refusal("x-a: *nothing\n"), "not YAML: the referenced anchor is not defined");
    std::string aliases = "x-a: &x 1\nx-b: [";
    for (int i = 0; i <= max_alias_uses; ++i) aliases += "*x, ";
    EXPECT_EQ(quick_refusal(aliases + "1]\n"), "more than 100 aliases");
    EXPECT_EQ(quick_refusal("x-a: " + std::string(5'000, '[') + "\n"), "nested deeper than 100 levels");
    std::string brackets;
    for (int i = 0; i < 5'000; ++i) brackets += "[\n";
    EXPECT_EQ(quick_refusal(brackets), "nested deeper than 100 levels");
    EXPECT_EQ(quick_refusal(std::string(10'000, 'a')), "a line of more than 8KiB");
    EXPECT_EQ(quick_refusal(std::string(5'000, '{') + "\n"), "nested deeper than 100 levels");
    std::string dashes;
    for (int i = 0; i < 4'000; ++i) dashes += "- ";
    EXPECT_EQ(quick_refusal(dashes + "x\n"), "nested deeper than 100 levels");
    std::string many = "x-a: [";
    while (many.size() < 500'000) many += "1,\n";
    EXPECT_EQ(quick_refusal(many + "]\n"), "more than 30000 values");
    std::string lines;
    while (lines.size() < 500'000) lines += "a:\n";
    EXPECT_EQ(quick_refusal(lines), "more than 30000 values");
    EXPECT_EQ(quick_refusal(std::string(2'000'000, '\n')), "larger than 512KiB; is this a topology file?");
}

TEST_F(HostileTopology, AFullFileOfAnythingIsRefusedQuickly) {
    for (const std::string piece :
         {"a", "\"",   "'",    "? ", "&a ",    "*a ",   "!a ",  "a: ", "- \n",  "[",
          "]", "{a: ", "|\n ", "#",  "%YAML ", "---\n", "\n\n", ": ",  "a:\n ", "\"a\": \"\\n\", ",
          "ä", "<<: ", "[a, "}) {
        std::string yaml;
        std::string line;
        while (line.size() + piece.size() < max_line_bytes) line += piece;
        while (yaml.size() + line.size() + 1 < max_file_bytes) yaml += line + "\n";
        EXPECT_NE(quick_refusal(yaml), "loaded") << piece;
    }
}

TEST_F(HostileTopology, ArrivesHereOnlyAsText) {
    EXPECT_EQ(problems(std::string("site: a\0b\n", 10)), "1:8 a NUL byte; is this a text file?\n");
    EXPECT_EQ(problems("site: \xff\n"), "1:7 not valid UTF-8\n");
    EXPECT_EQ(problems("site: s\n\tworkers:\n"), "2:1 a tab in the indentation; use spaces\n");
    EXPECT_EQ(problems(dynamic_worker("env: {A: \"a\\0b\"}")), "4:10 a NUL byte in a value\n");
}

TEST_F(HostileTopology, SaysOneThing) {
    EXPECT_EQ(problems("site: s\n---\nsite: t\n"), "2:1 a second document; one file describes one site\n");
    EXPECT_EQ(problems("base: &b {a: 1}\nsite:\n  <<: *b\n"),
              "3:3 merge keys (<<) are not taken; write the keys out, or alias a whole value\n");
    EXPECT_EQ(problems("site: !!str s\n"), "1:7 tags are not taken: tag:yaml.org,2002:str\n");
    EXPECT_EQ(problems("? [a, b]\n: c\n"), "1:3 a key must be plain text\n");
    EXPECT_EQ(problems("site: [s\n"), "2:1 not YAML: end of sequence flow not found\n");
}

TEST_F(TopologyLoader, ReadsThreeProbes) {
    const auto loaded = load(dynamic_worker("health: {every: 1s, startup: 2m, readiness: {http: /ready, every: 3s},\n"
                                            "  liveness: {tcp: '127.0.0.1:8081', fails: 5}}"));
    ASSERT_TRUE(loaded);
    const Health& health = loaded->workers[0].health;
    EXPECT_EQ(health.within, 2min);
    EXPECT_EQ(health.readiness.http, "/ready");
    EXPECT_EQ(health.readiness.every, 3s);
    EXPECT_EQ(health.liveness.tcp, (std::vector<Address>{{"127.0.0.1", 8081}})) << "which is no listener of its own";
    EXPECT_EQ(health.fatal_fails(), 5);
    EXPECT_EQ(load(dynamic_worker("health: {liveness: {every: 9s}}"))->workers[0].health.fatal_fails(), 3);
    EXPECT_EQ(load(dynamic_worker(""))->workers[0].health.fatal_fails(), 0);
}

TEST_F(TopologyLoader, WantsOneWayForEachProbe) {
    EXPECT_EQ(
        problems(dynamic_worker("health: {liveness: {http: /a, tcp: '127.0.0.1:1'}, path: /b, readiness: {http: /c}}")),
        "4:36 a probe asks in one way; keep one of `http`, `tcp` and `exec`\n"
        "4:80 `path` and `readiness` both say what is asked; keep one\n");
}

TEST_F(TopologyLoader, StartsWorkersAfterThoseTheyDependOn) {
    const auto site = [](const std::string& a, const std::string& b, const std::string& c) {
        return "site: s\nworkers:\n  a: {kind: static, listen: 127.0.0.1:1, root: htdocs" + a +
               "}\n  b: {kind: static, listen: 127.0.0.1:2, root: htdocs" + b +
               "}\n  c: {kind: static, listen: 127.0.0.1:3, root: htdocs" + c + "}\n";
    };
    const auto loaded = load(site(", depends_on: {c: healthy}", "", ", depends_on: {b: started}"));
    ASSERT_TRUE(loaded);
    EXPECT_EQ(start_order(loaded->workers), (std::vector<std::string>{"b", "c", "a"}));
    EXPECT_EQ(start_order(load(site("", "", "")).value().workers), (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_EQ(problems(site(", depends_on: {d: healthy}", "", "")), "3:69 there is no worker `d`\n");
    EXPECT_EQ(problems(site(", depends_on: {a: healthy}", "", "")), "3:68 `a` waits for itself: a -> a\n");
    EXPECT_EQ(problems(site(", depends_on: {b: healthy}", ", depends_on: {c: started}", ", depends_on: {b: started}")),
              "3:68 `a` waits for itself: a -> b -> c -> b\n4:68 `b` waits for itself: b -> c -> b\n"
              "5:68 `c` waits for itself: c -> b -> c\n");
    EXPECT_TRUE(problems(site(", depends_on: {b: ready}", "", "")).contains("healthy or started"));
}

} // namespace
} // namespace mpsup::topology

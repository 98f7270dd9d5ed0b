#include "supervisor/topology/key_uses.h"

#include "supervisor/topology/resolve.h"

#include "site_folder.h"

namespace mpsup::topology {
namespace {

class KeyUses : public SiteFolder {
protected:
    /// `routes` begin on line 5, more keys of the accelerator on the line before.
    [[nodiscard]] static std::string site(const std::string& routes, const std::string& more = "") {
        return "site: s\nworkers:\n  front: {kind: accelerator, listen: 127.0.0.1:80,\n" + more + "    routes: [\n" +
               routes +
               "]}\n  pool: {kind: dynamic, listen: 127.0.0.1:81, app: app.psgi}\n"
               "  hidden: {kind: dynamic, app: app.psgi}\n  front2: {kind: accelerator, listen: "
               "127.0.0.1:82, routes: [{to: hidden}]}\n";
    }
    void expect(const std::string& routes, const std::string& expected, const std::string& more = "") const {
        EXPECT_EQ(problems(site(routes, more)), expected) << routes;
    }
};

constexpr auto take_away_files = " (take it away: an application says such things itself, by its header fields)\n";

TEST_F(KeyUses, OfFilesAreNoneWhereAnApplicationAnswers) {
    for (const std::string key : {"expires: 1h", "compress: on", "index: a.html", "fingerprinted: on",
                                  "precompressed: br", "symlinks: owner", "listing: on", "types: {a: text/x-a}"})
        expect("{to: hidden, " + key + "}", "5:14 `" + key.substr(0, key.find(':')) +
                                                "` is for files, and this route hands out none" + take_away_files);
    expect("{to: 127.0.0.1:9, expires: 1h}",
           std::string("5:19 `expires` is for files, and this route hands out none") + take_away_files);
    expect("{to: hidden, compress: off, listing: off}", "no problem");
    expect("{root: htdocs, expires: 1h, compress: on}", "no problem");
}

TEST_F(KeyUses, OfAnApplicationAreNoneWhereThereIsNone) {
    const std::string remedy = " (take it away, or name in `try` who answers where there is no file)\n";
    for (const std::string key : {"cache: on", "cache: {default_ttl: 1s}", "buffer: {disk: 1GiB}", "retry: on",
                                  "timeouts: {connect: 1s}", "request_headers: {A: b}"})
        expect("{root: htdocs, " + key + "}", "5:16 `" + key.substr(0, key.find(':')) +
                                                  "` is for what an application answers, and this route leads to none" +
                                                  remedy);
    expect("{root: htdocs, queue: {length: 9}}", "5:16 `queue` is for a pool, and this route leads to none" + remedy);
    expect("{root: htdocs, try: /a.html, cache: on}",
           "5:30 `cache` is for what an application answers, and this route leads to none" + remedy);
    expect("{root: htdocs, try: hidden, cache: on, queue: {length: 9}}", "no problem");
    expect("{root: htdocs, cache: off, retry: off}", "no problem");
}

TEST_F(KeyUses, OfAddressesAreNoneOfAPoolNorTheOtherWayRound) {
    const std::string watched = " (take it away: a pool is watched by `health` of its worker)\n";
    expect("{to: hidden, check: /up}", "5:14 `check` is for addresses, and this route leads to a pool" + watched);
    expect("{to: hidden, eject: 3}", "5:14 `eject` is for addresses, and this route leads to a pool" + watched);
    expect("{root: htdocs, try: hidden, slow_start: 1s}",
           "5:29 `slow_start` is for addresses, and this route leads to a pool" + watched);
    expect("{to: 127.0.0.1:9, queue: {length: 9}}",
           "5:19 `queue` is for a pool, and this route leads to addresses (take it away)\n");
    expect(
        "{root: htdocs, check: /up}",
        "5:16 `check` is for addresses, and this route leads to none (take it away, or name in `try` who answers where "
        "there is no file)\n");
    expect("{to: [127.0.0.1:9, 127.0.0.1:8], check: /up, eject: 3, slow_start: 1s}", "no problem");
    expect("{to: 127.0.0.1:9, check: /up}", "no problem");
    expect("{to: 127.0.0.1:9, eject: 3}", "warning: 5:19 `eject` does nothing here: the only address is never ejected "
                                          "(name more than one in `to`, or take it away)\n");
}

TEST_F(KeyUses, OfAWorkerAreForAnyOfItsRoutes) {
    expect("{path: /a/, root: htdocs}, {to: hidden}", "no problem", "expires: 1h, cache: on, queue: {length: 3},");
    expect("{to: hidden}", "warning: 4:1 `expires` is for files, and no route of this worker hands out any\n",
           "expires: 1h,");
    expect("{root: htdocs}",
           "warning: 4:1 `cache` is for what an application answers, and no route of this worker leads "
           "to such\n",
           "cache: on,");
    EXPECT_EQ(
        problems(static_worker("queue: {length: 3}")),
        "4:1 `queue` is for a pool, and this worker leads to none (take it away, or name in `try` who answers where "
        "there is no file)\n");
    EXPECT_EQ(problems(static_worker("try: 127.0.0.1:9, timeouts: {connect: 1s}")), "no problem");
}

TEST_F(KeyUses, OneContentDoesNotTakeMoreMemoryThanAllOfThem) {
    expect(
        "{to: hidden, buffer: {request: 2MiB, memory: 1MiB}}",
        "warning: 5:32 `buffer.request` (2.0MiB, of one content) is more than `buffer.memory` (1.0MiB, of all of them) "
        "(`memory` of many times as much, or a smaller `request`)\n");
    expect("{to: hidden, buffer: {memory: 512KiB}}",
           "no problem"); // nobody asked for so much of one
    expect(
        "{to: hidden}",
        "warning: 4:19 `buffer.request` (2.0MiB, of one content) is more than `buffer.memory` (1.0MiB, of all of them) "
        "(`memory` of many times as much, or a smaller `request`)\n",
        "buffer: {request: 2MiB, memory: 1MiB},");
    expect("{to: hidden, buffer: {request: 1MiB, memory: 1MiB}}", "no problem");
}

TEST_F(KeyUses, TheDiskOfACacheIsAsLargeAsItsFileCanBe) {
    expect("{to: hidden, cache: on}", "4:15 `cache.disk` is a size from 8MiB to 16TiB; found `4MiB`\n",
           "cache: {disk: 4MiB},");
    expect("{to: hidden, cache: on}", "4:15 `cache.disk` is a size from 8MiB to 16TiB; found `900TiB`\n",
           "cache: {disk: 900TiB},");
    expect("{to: hidden, cache: on}", "no problem", "cache: {disk: 8MiB},");
    expect("{to: hidden, cache: {disk: 8MiB}}",
           "5:22 unknown key `disk` (`cache.disk` stands in the worker, for all of its routes)\n");
}

TEST_F(KeyUses, PatternsOfOtherLanguagesAreDoubtful) {
    expect(
        "{path: \"/p/[\", to: hidden}",
        "warning: 5:8 `[` in `/p/[` stands for itself: patterns know `*` and `**` alone (a route for each path that is "
        "meant, or `*`)\n");
    expect("{path: /a%20b, to: hidden}", "warning: 5:8 `%20` in `/a%20b` stands for itself: paths are compared decoded "
                                         "(write the character that is meant)\n");
    expect(
        "{root: htdocs, expires: {\"*.{css,js}\": 1h}}",
        "warning: 5:26 `{` in `*.{css,js}` stands for itself: patterns know `*` and `**` alone (a route for each path "
        "that is meant, or `*`)\n");
    expect("{path: \"/a(b)+$\", to: hidden}", "no problem");
}

TEST_F(KeyUses, AreNoBusinessOfADocument) {
    const auto loaded = load(site("{root: htdocs, headers: {A: b}}"));
    ASSERT_TRUE(loaded);
    std::string document = to_document(*loaded);
    const auto at = document.find(R"("headers":{"A":"b"})");
    ASSERT_NE(at, std::string::npos) << document;
    document.insert(at, R"("queue":{"length":3},)");
    EXPECT_TRUE(from_document(document));
}

} // namespace
} // namespace mpsup::topology

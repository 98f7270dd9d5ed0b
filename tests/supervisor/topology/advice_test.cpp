#include "supervisor/topology/advice.h"

#include "base/units.h"
#include "site_folder.h"

namespace mpsup::topology {
namespace {

constexpr std::uint64_t gibibyte = 1ULL << 30U;

class Advice : public SiteFolder {
protected:
    // "code line:column", a line each, of a file that is valid.
    [[nodiscard]] std::string codes(const std::string& workers, std::uint64_t memory = 4 * gibibyte) {
        std::string text;
        for (const Problem& problem : warnings(workers, memory))
            text += std::string(problem.code) + " " + std::to_string(problem.line) + ":" +
                    std::to_string(problem.column) + "\n";
        return text;
    }
    [[nodiscard]] Problems warnings(const std::string& workers, std::uint64_t memory = 4 * gibibyte) {
        const auto loaded =
            load_files({write("site.yaml", "site: s\nworkers:\n" + workers)}, {}, variable_of_process, memory);
        if (!loaded) {
            ADD_FAILURE() << format_problems(loaded.error());
            return {};
        }
        for (const Problem& problem : loaded->warnings) {
            EXPECT_TRUE(problem.is_warning);
            EXPECT_FALSE(problem.suggestion.empty()) << "every advice has a remedy";
            EXPECT_FALSE(problem.code.empty());
        }
        return loaded->warnings;
    }

    static std::string front(const std::string& keys = "") {
        return "  front: {kind: accelerator, listen: 0.0.0.0:80, routes: [{path: /, to: app" + keys + "}]}\n";
    }
    static std::string other_front() {
        return "  front: {kind: accelerator, listen: 0.0.0.0:80, routes: [{path: /, to: 127.0.0.1:8081}]}\n";
    }
    static std::string app(const std::string& keys = "") {
        return "  app: {kind: dynamic, app: app.psgi" + keys + "}\n";
    }
    static std::string files() { return "  docs: {kind: static, listen: 0.0.0.0:8080, root: htdocs}\n"; }
};

TEST_F(Advice, IsSilentAboutAHeavyWorkerBehindAnAccelerator) {
    EXPECT_EQ(codes(front() + app()), "");
    EXPECT_EQ(codes(other_front() + app(", listen: 127.0.0.1:8081")), "");
    EXPECT_EQ(codes(files() + app(", listen: '[::1]:8081'")), "");
}

TEST_F(Advice, WarnsOfAHeavyWorkerThatIsReachedPastTheAccelerator) {
    EXPECT_EQ(codes(other_front() + app(", listen: 0.0.0.0:8081")), "heavy-public 4:47\n");
    EXPECT_EQ(codes(other_front() + app(", listen: [127.0.0.1:8081, 10.1.1.1:8082]")), "heavy-public 4:64\n");
    const auto text = format_problems(warnings(other_front() + app(", listen: 0.0.0.0:8081")));
    EXPECT_TRUE(text.contains("site.yaml:4:47: warning: `app` is reached at 0.0.0.0:8081 past the accelerator `front`"))
        << text;
    EXPECT_TRUE(text.contains(" [heavy-public]\n")) << text;
}

TEST_F(Advice, WarnsOfAHeavyWorkerThatKeepsTheConnectionsOfTheWorld) {
    EXPECT_EQ(codes(app(", listen: 0.0.0.0:8081")), "heavy-keep-alive 3:47\n");
    EXPECT_EQ(codes(app(", listen: '[2001:db8::1]:8081'")), "heavy-keep-alive 3:47\n");
    for (const char* address : {"10.0.0.1", "172.31.255.255", "192.168.1.1", "169.254.1.1", "127.9.9.9", "'[fd00::1]"})
        EXPECT_EQ(codes(app(std::string(", listen: ") + address + (address[0] == '\'' ? ":8081'" : ":8081"))), "")
            << address << " is no address of the world";
}

TEST_F(Advice, WarnsOfFilesThatAHeavyWorkerHandsOut) {
    EXPECT_EQ(codes(app(", listen: 127.0.0.1:8081, root: htdocs, serves: /static/")), "") << "nobody else could";
    EXPECT_EQ(codes(files() + app(", listen: 127.0.0.1:8081, root: htdocs, serves: /static/")), "heavy-files 4:85\n");
    const std::string kept = ", root: htdocs, serves: [/static/], expires: 1h";
    EXPECT_EQ(codes(front(", cache: on") + app(kept)), "") << "an accelerator keeps them";
    EXPECT_EQ(codes(front() + app(kept)), "heavy-files 4:61\n");
    const auto found = warnings(front() + app(", root: htdocs, serves: [/static/]"));
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].suggestion, "a route of `front`: {path: /static/, root: " + path("htdocs") + "}");
}

TEST_F(Advice, WarnsOfPoolsThatAreLargerThanTheMachine) {
    const std::string pool = ", listen: 127.0.0.1:8081, pool: {min: 1, max: 20}, recycle: {rss: 300MiB}";
    EXPECT_EQ(codes(app(pool)), "pool-memory 3:83\n");
    EXPECT_EQ(codes(app(pool), 6 * gibibyte), "");
    EXPECT_EQ(codes(app(pool), 0), "") << "it is not known";
    EXPECT_EQ(codes(app(", listen: 127.0.0.1:8081, pool: 20, recycle: {rss: 300MiB, unshared: 100MiB}")), "")
        << "what is shared is there once";
    EXPECT_EQ(codes(app(", listen: 127.0.0.1:8081, pool: 1000")), "") << "nobody knows what a child takes";
    EXPECT_EQ(codes(app(", listen: 127.0.0.1:8081, pool: {min: 1, max: auto}, recycle: {rss: 9GiB}")), "")
        << "that is measured";
    EXPECT_EQ(warnings(app(pool)).at(0).message,
              "20 children of `app` may have 300MiB each (`recycle.rss`): 5.9GiB in all, and this machine has 4.0GiB");
}

TEST_F(Advice, AddsUpThePoolsOfOneMachine) {
    const auto second =
        "  two: {kind: dynamic, app: app.psgi, listen: 127.0.0.1:8082, pool: 9, recycle: {unshared: 300MiB}}\n";
    const auto first = app(", listen: 127.0.0.1:8081, pool: 8, recycle: {rss: 200MiB}");
    EXPECT_EQ(codes(first), "");
    EXPECT_EQ(codes(first + second), "pool-memory 4:69\n") << "at the largest";
    EXPECT_EQ(codes(app(", listen: 127.0.0.1:8081, pool: 1000, recycle: {rss: 8000TiB}")), "pool-memory 3:69\n");
}

TEST_F(Advice, JudgesEachOfSeveralMachinesAlone) {
    const std::string machines = "machines: {a: {address: 10.0.0.1}, b: {address: 10.0.0.2}}\n";
    const auto pool = [](const char* name, const char* on, const char* port) {
        return std::string("  ") + name + ": {kind: dynamic, app: app.psgi, on: " + on + ", listen: " + port +
               ", pool: 8, recycle: {unshared: 300MiB}}\n";
    };
    EXPECT_EQ(codes(pool("one", "a", "1") + pool("two", "b", "1") + machines), "");
    const auto found = warnings(pool("one", "[a, b]", "1") + pool("two", "b", "2") + machines);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_TRUE(found[0].message.ends_with(": 4.7GiB in all on `b`, and this machine has 4.0GiB")) << found[0].message;
    const auto both = warnings("  front: {kind: accelerator, on: a, listen: 80, routes: [{to: one}]}\n" +
                               pool("one", "b", "8081") + machines);
    ASSERT_EQ(both.size(), 1U);
    EXPECT_EQ(both[0].code, "heavy-public");
    EXPECT_TRUE(both[0].message.starts_with("`one` is reached at 10.0.0.2:8081 past")) << both[0].message;
    EXPECT_EQ(both[0].suggestion, "a `gateway` in place of `listen`, and `to: one`");
}

TEST_F(Advice, WarnsOfACacheBeforeSessions) {
    EXPECT_EQ(codes(front(", cache: {default_ttl: 1m}") + app()), "cached-sessions 3:99\n");
    EXPECT_EQ(codes(front(", cache: on") + app()), "") << "what the application says counts";
    EXPECT_EQ(codes(front(", cache: {when: off, default_ttl: 1m}") + app()), "");
    EXPECT_EQ(codes(front(", cache: {default_ttl: 1m}, request_headers: {cookie: \"\"}") + app()), "")
        << "there are no sessions without cookies";
    EXPECT_EQ(
        codes("  front: {kind: accelerator, listen: 0.0.0.0:80, cache: {default_ttl: 1m}, routes: [{path: /news/, "
              "to: app}, {path: /, to: app, cache: off}]}\n" +
              app()),
        "");
    EXPECT_EQ(codes("  front: {kind: accelerator, listen: 0.0.0.0:80, cache: {default_ttl: 1m}, routes: [{path: /, "
                    "to: app}]}\n" +
                    app()),
              "cached-sessions 3:71\n");
}

TEST_F(Advice, IsNotGivenWhereSomebodyMeansIt) {
    EXPECT_EQ(codes(app(", listen: 0.0.0.0:8081, x-allow: heavy-keep-alive")), "");
    EXPECT_EQ(codes(app(", listen: 0.0.0.0:8081, x-allow: [heavy-public, heavy-keep-alive]")), "");
    EXPECT_EQ(codes(app(", listen: 0.0.0.0:8081, x-allow: [heavy-public]")), "heavy-keep-alive 3:47\n");
    EXPECT_EQ(codes(app(", listen: 0.0.0.0:8081") + "x-allow: [heavy-keep-alive]\n"), "");
}

TEST_F(Advice, IsNotNeededByTheTopologiesThatAreShipped) {
    if (!std::filesystem::exists("/usr/share/gitweb")) GTEST_SKIP() << "the package gitweb is not installed";
    for (const auto& file : std::filesystem::directory_iterator(MPSUP_SOURCE_DIR "/topologies")) {
        if (file.path().extension() != ".yaml") continue;
        const auto loaded = load_files({file.path().string()}, {}, variable_of_process, 16 * gibibyte);
        ASSERT_TRUE(loaded) << format_problems(loaded.error());
        EXPECT_EQ(format_problems(loaded->warnings), "");
    }
}

} // namespace
} // namespace mpsup::topology

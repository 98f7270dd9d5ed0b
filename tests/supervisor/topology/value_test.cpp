#include "supervisor/topology/value.h"

#include "site_folder.h"
#include "supervisor/topology/resolve.h"

#include <sys/stat.h>

namespace mpsup::topology {
namespace {

class TopologyValue : public SiteFolder {};

TEST_F(TopologyValue, IsTakenAsItIsWritten) {
    const auto loaded =
        load(dynamic_worker("env: {A: no, B: 012, C: 1e3, D: 2001-01-01, E: \"null\", F: 0x10, G: 1_000}"));
    ASSERT_TRUE(loaded) << format_problems(loaded.error());
    EXPECT_EQ(loaded->workers[0].env, (Environment{{"A", {"no"}},
                                                   {"B", {"012"}},
                                                   {"C", {"1e3"}},
                                                   {"D", {"2001-01-01"}},
                                                   {"E", {"null"}},
                                                   {"F", {"0x10"}},
                                                   {"G", {"1_000"}}}));
}

TEST_F(TopologyValue, OfANumberHasDigitsAndBounds) {
    const std::string range = "4:7 `pool` must be a whole number from 1 to 1000; found ";
    for (const std::string bad :
         {"0", "-1", "1001", "1e3", "0x10", "1_000", "3.0", "+3", "99999999999999999999", "two"})
        EXPECT_EQ(problems(dynamic_worker("pool: " + bad)), range + "`" + bad + "`\n");
    EXPECT_EQ(problems(dynamic_worker("pool: 012")), "4:7 `pool`: a number does not begin with 0; found `012`\n");
    EXPECT_EQ(problems(dynamic_worker("pool: 1000")), "no problem");
    EXPECT_EQ(problems(dynamic_worker("pool: [1]")), "4:7 `workers.w.pool` must be a section with keys of its own\n");
    EXPECT_EQ(problems(dynamic_worker("pool: ~")), "4:7 `workers.w.pool` is empty\n");
}

TEST_F(TopologyValue, OfATimeNeedsAUnit) {
    EXPECT_EQ(problems(dynamic_worker("stop: {grace: 30}")),
              "4:15 `grace` needs a unit; found `30` (did you mean `30s`?)\n");
    const std::string range =
        "4:15 `grace` must be a duration from 100ms to 1d, with its unit (500ms, 30s, 5m); found ";
    for (const std::string bad : {"99ms", "2d", "-1s", "s", "1 s", "1sec", "1e3s", "1h30m"})
        EXPECT_EQ(problems(dynamic_worker("stop: {grace: " + bad + "}")), range + "`" + bad + "`\n");
    EXPECT_EQ(problems(dynamic_worker("stop: {grace: 1.5s}")), "no problem");
}

TEST_F(TopologyValue, OfAListenerSaysWhatWasMeant) {
    const auto hint = [&](const std::string& listen) {
        const auto text = problems("site: s\nworkers: {w: {kind: static, root: htdocs, listen: '" + listen + "'}}\n");
        const auto open = text.rfind('(');
        return text.contains("found") ? text.substr(open, text.rfind(')') - open + 1) : text;
    };
    EXPECT_EQ(hint("8080"), "no problem") << "at the machine's own address";
    EXPECT_EQ(hint("0"), "(ports go from 1 to 65535)");
    EXPECT_EQ(hint("08080"), "(ports go from 1 to 65535)");
    EXPECT_EQ(hint("65536"), "(ports go from 1 to 65535)");
    EXPECT_EQ(hint(":8080"), "(did you mean `0.0.0.0:8080`?)");
    EXPECT_EQ(hint("*:8080"), "(did you mean `0.0.0.0:8080`?)");
    EXPECT_EQ(hint("localhost:8080"), "(did you mean `127.0.0.1:8080`?)");
    EXPECT_EQ(hint("127.0.0.1:0"), "(ports go from 1 to 65535)");
    EXPECT_EQ(hint("127.0.0.1:70000"), "(ports go from 1 to 65535)");
    EXPECT_EQ(hint("127.0.0.1"), "(the port is missing: `127.0.0.1:8080`)");
    EXPECT_EQ(problems("site: s\nworkers: {w: {kind: static, root: htdocs, listen: []}}\n"),
              "2:51 `listen` is empty\n");
    EXPECT_EQ(
        problems("site: s\nworkers: {w: {kind: static, root: htdocs, listen: [1, 127.0.0.1:2, [3]]}}\n").substr(0, 5),
        "2:68 ");
}

TEST_F(TopologyValue, OfAUrlPathBeginsWithASlash) {
    EXPECT_EQ(problems(static_worker("serves: static/")),
              "4:9 `serves` must be a path that begins with /, or a list of such; found `static/` "
              "(did you mean `/static/`?)\n");
    EXPECT_EQ(problems(static_worker("serves: [/a/, '/b c']")),
              "4:15 `serves` must be a path that begins with /, or a list of such; found `/b c`\n");
    EXPECT_EQ(problems(static_worker("serves: /static/")), "no problem");
    EXPECT_EQ(problems(dynamic_worker("health: {path: up}")),
              "4:16 `path` must be a path that begins with /; found `up` (did you mean `/up`?)\n");
    EXPECT_EQ(problems(dynamic_worker("health: {path: '/up?deep=1'}")), "no problem");
    EXPECT_EQ(problems(dynamic_worker("health: {path: \"/up HTTP/1.1\\r\\nX: y\"}")).substr(0, 47),
              "4:16 `path` must be a path that begins with /; ");
}

TEST_F(TopologyValue, OfAFileMustBeThere) {
    const auto app = [&](const std::string& name) {
        return problems("site: s\nworkers: {w: {kind: dynamic, listen: 127.0.0.1:1, app: '" + name + "'}}\n");
    };
    EXPECT_EQ(app("other.psgi"), "2:56 there is no `" + path("other.psgi") + "`\n");
    EXPECT_EQ(app("htdocs"), "2:56 `" + path("htdocs") + "` is a folder\n");
    EXPECT_EQ(app("app.psgi/x"), "2:56 `" + path("app.psgi/x") + "`: Not a directory\n");
    EXPECT_EQ(app(""), "2:56 `app` must be the path of a file; found ``\n");
    ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
    EXPECT_EQ(app("fifo"), "2:56 `" + path("fifo") + "` is not a regular file\n");
    EXPECT_EQ(app(path("app.psgi")), "no problem");
    EXPECT_EQ(app("htdocs/../app.psgi"), "no problem");
}

TEST_F(TopologyValue, OfAFolderMustBeOne) {
    EXPECT_EQ(problems("site: s\nworkers: {w: {kind: static, listen: 127.0.0.1:1, root: app.psgi}}\n"),
              "2:56 `" + path("app.psgi") + "` is not a folder\n");
    const auto loaded = load("site: s\nworkers: {w: {kind: static, listen: 127.0.0.1:1, root: ./htdocs//}}\n");
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->workers[0].root, path("htdocs"));
}

TEST_F(TopologyValue, OfAnEnvironmentIsNamedText) {
    EXPECT_EQ(problems(dynamic_worker("env: {1A: x, A-B: x, MPSUP_X: x, N: , L: [1]}")),
              "4:7 `1A` is no name of a variable\n4:14 `A-B` is no name of a variable\n"
              "4:22 `MPSUP_X`: names with MPSUP_ are set by mpsup itself\n"
              "4:34 `N` has no value; write \"\" for an empty one\n4:42 `env` must be NAME: value or NAME: {file: "
              "PATH}, a line each\n");
    EXPECT_EQ(problems(dynamic_worker("env: [A=1]")),
              "4:6 `env` must be NAME: value or NAME: {file: PATH}, a line each\n");
}

TEST_F(TopologyValue, OfASecretIsTheFileAndNotItsContent) {
    std::filesystem::permissions(write("db", "tiger\n"), std::filesystem::perms(0640));
    const auto loaded = load(dynamic_worker("env: {DB: {file: db}}"));
    ASSERT_TRUE(loaded) << format_problems(loaded.error());
    EXPECT_EQ(loaded->workers[0].env, (Environment{{"DB", {.secret_file = path("db")}}}));
    EXPECT_EQ(problems(dynamic_worker("env: {DB: {fil: db}}")), "4:12 unknown key `fil` (known here: file)\n");
    EXPECT_EQ(problems(dynamic_worker("env: {DB: {}}")), "4:11 `DB` has no `file` ({file: PATH}, or a text)\n");
}

TEST_F(TopologyValue, OfASecretMustBeReadableAndNobodyElses) {
    const auto of = [&](const std::string& file) {
        std::string text = problems(dynamic_worker("env: {DB: {file: " + file + "}}"));
        for (auto at = text.find(folder_.string()); at != std::string::npos; at = text.find(folder_.string()))
            text.erase(at, folder_.string().size() + 1);
        return text;
    };
    EXPECT_EQ(of("none"), "4:18 `none`: there is no such file\n");
    EXPECT_EQ(of("htdocs"), "4:18 `htdocs`: is a folder\n");
    write("db", "tiger\n"); // 0644
    EXPECT_EQ(of("db"), "4:18 `db`: others may reach it (chmod o-rwx it)\n");
    EXPECT_TRUE(from_document(R"({"version":1,"site":"s","workers":{"w":{"kind":"static","listen":"127.0.0.1:1",)"
                              R"("root":"/r","env":{"A":{"file":"/not/there"}}}}})"))
        << "a document is not looked up on the disk";
}

TEST_F(TopologyValue, OfACommandIsAProgramAndItsArguments) {
    const auto probe = [](const std::string& exec) {
        return dynamic_worker("health: {liveness: {exec: " + exec + "}}");
    };
    const auto words = load(probe("[sh, -c, exit 0]")).value().workers[0].health.liveness.exec;
    ASSERT_EQ(words.size(), 3U);
    EXPECT_TRUE(words[0].ends_with("/sh") && words[0].starts_with("/")) << "found in PATH: " << words[0];
    EXPECT_EQ(words[2], "exit 0");
    EXPECT_EQ(load(probe("/bin/true")).value().workers[0].health.liveness.exec,
              (std::vector<std::string>{"/bin/true"}));
    EXPECT_EQ(problems(probe("[nosuchprogram, a]")),
              "4:28 `nosuchprogram`: there is no such program in PATH (a path of it has a / in it)\n");
    EXPECT_EQ(problems(probe("[./app.psgi]")), "4:28 `./app.psgi` cannot be executed\n");
    EXPECT_EQ(problems(probe("[]")), "4:27 `exec` must be a program and its arguments, as a list: [/usr/bin/check, "
                                     "--fast]\n");
}

TEST_F(TopologyValue, OfAChoiceIsSuggested) {
    EXPECT_EQ(problems("site: s\nworkers: {w: {kind: dynamc, listen: 127.0.0.1:1}}\n"),
              "2:21 `kind` must be static or dynamic or accelerator; found `dynamc` (did you mean `dynamic`?)\n");
    EXPECT_EQ(problems("binaries: 2\n" + dynamic_worker("")), "1:11 `binaries` must be one or two or dso; found `2`\n");
}

TEST_F(TopologyValue, OfAMachineIsAnAddress) {
    EXPECT_EQ(problems("machines: {here: {address: localhost}}\n" + dynamic_worker("")),
              "1:28 `address` must be a numeric IP address; found `localhost`\n");
    EXPECT_EQ(load("machines: {here: {address: '::1'}}\n" + dynamic_worker("")).value().machines[0].ip, "::1");
}

TEST(Name, HasALetterFirst) {
    EXPECT_TRUE(is_name("httpd_docs-2"));
    EXPECT_TRUE(is_name(std::string(32, 'a')));
    for (const auto* bad : {"", "2a", "a.b", "a/b", "-a", "ä", "a b"}) EXPECT_FALSE(is_name(bad)) << bad;
    EXPECT_FALSE(is_name(std::string(33, 'a')));
}

} // namespace
} // namespace mpsup::topology

#include "supervisor/topology/links.h"

#include "supervisor/topology/resolve.h"

#include "site_folder.h"

namespace mpsup::topology {
namespace {

using contract::Links;

class SiteLinks : public SiteFolder {
protected:
    SiteLinks() { std::filesystem::create_directories(folder_ / "htdocs/static/deep"); }

    /// The files' keys are on line 4, the application's on line 5.
    [[nodiscard]] static std::string site(const std::string& files, const std::string& app = "",
                                          const std::string& mode = "rewrite", const std::string& more = "") {
        return "site: s\nlinks: " + mode + "\nworkers:\n  docs: {kind: static, listen: 127.0.0.1:8080, root: htdocs" +
               files + "}\n  app: {kind: dynamic, listen: 127.0.0.1:8081, app: app.psgi" + app + "}\n" + more;
    }
    void expect(const std::string& yaml, const std::string& expected) const {
        EXPECT_EQ(problems(yaml), expected) << yaml;
    }
};

constexpr auto files = ", serves: [/static/]";

TEST_F(SiteLinks, SayWhoHasWhichPath) {
    const auto topology = load(site(files, ", public: 'https://www.Example.org:443'"));
    ASSERT_TRUE(topology);
    const auto links = links_of(*topology);
    ASSERT_EQ(links.size(), 2U);
    Links expected{Links::Mode::rewrite, {{"http://127.0.0.1:8080", {"/static/"}}, {"https://www.example.org", {}}}, 0};
    EXPECT_EQ(links.at("docs"), expected);
    expected.own = 1;
    EXPECT_EQ(links.at("app"), expected);
    EXPECT_EQ(from_document(to_document(*topology)).value(), *topology);
    EXPECT_TRUE(links_of(*load(site(files, "", "off"))).empty());
    EXPECT_EQ(links_of(*load(site(files, "", "redirect"))).at("app").mode, Links::Mode::redirect);
}

TEST_F(SiteLinks, OfAWorkerThatServesFilesTooNameThemBesideAllElse) {
    const auto topology = load(site(files, ", root: htdocs, serves: /static/deep"));
    ASSERT_TRUE(topology);
    EXPECT_EQ(links_of(*topology).at("app").servers[1].serves, (contract::Texts{"/", "/static/deep"}));
}

TEST_F(SiteLinks, NeedOneServerForEachPath) {
    expect(site(""),
           "5:8 `app` has every path that is nobody else's, and `docs` (line 4) has the same: `links: rewrite` "
           "needs one server for each path (`serves` of a static worker names the paths that are its)\n");
    expect(
        site(", serves: [/static/, /]"),
        "5:8 `app` has every path that is nobody else's, and `docs` (line 4) has the same: `links: rewrite` needs one "
        "server for each path (`serves` of a static worker names the paths that are its)\n");
    expect(site(files, ", root: htdocs, serves: [/static/deep, /static]", "redirect"),
           "5:100 `/static` is in the `serves` of `app`, and `docs` (line 4) has the same: `links: redirect` needs one "
           "server for each path (`serves` of a static worker names the paths that are its)\n");
    expect(site("", "", "off"), "no problem");
    EXPECT_TRUE(load(site("", "", "off")));
}

TEST_F(SiteLinks, NeedOneServerForEachPathThatIsWrittenWhateverIsDoneAboutLinks) {
    expect(site(files, ", root: htdocs, serves: /static", "off"),
           "5:85 `/static` is in the `serves` of `app`, and `docs` (line 4) has the same: each path needs one server "
           "(`serves` of a static worker names the paths that are its)\n");
    EXPECT_TRUE(load(site(files, ", root: htdocs, serves: /static/deep", "off")));
}

TEST_F(SiteLinks, OfAServerOnEveryAddressNameAGuessAtItsHost) {
    const auto wild = [&](const std::string& mode, const std::string& more = "", const std::string& app = "") {
        std::string yaml = site(files, app, mode, more);
        return yaml.replace(yaml.find("127.0.0.1:8081"), 14, "0.0.0.0:8081");
    };
    const auto is_guess = [&](const std::string& yaml) {
        const auto topology = load(yaml);
        EXPECT_TRUE(topology) << yaml;
        return topology && links_of(*topology).at("docs").servers[1].any_host;
    };
    const std::string machine = "machines: {here: {address: 10.0.0.7}}\n";
    EXPECT_TRUE(is_guess(wild("redirect")));
    EXPECT_FALSE(is_guess(wild("redirect", machine)));
    EXPECT_FALSE(is_guess(wild("redirect", "", ", public: 'http://www.example.org'")));
    EXPECT_FALSE(is_guess(site(files, "", "redirect")));
    EXPECT_FALSE(links_of(*load(wild("redirect"))).at("docs").servers[0].any_host);
    expect(wild("rewrite"),
           "5:32 it listens on every address: `links: rewrite` cannot know what clients call it (write "
           "`public: \"http://www.example.org:8081\"`, or the address of the machine as "
           "`machines.NAME.address`)\n");
    EXPECT_TRUE(load(wild("rewrite", machine)));
    EXPECT_TRUE(load(wild("rewrite", "machines: {here: {address: 127.0.0.1}}\n")));
    EXPECT_TRUE(load(wild("rewrite", "", ", public: 'http://www.example.org'")));
}

TEST_F(SiteLinks, NeedPathsThatAreThere) {
    expect(site(", serves: [/static/, /img/]"), "4:81 `/img/` is nobody's: there is no `" + path("htdocs/img/") +
                                                    "` (the whole path of a request is appended to `root`)\n");
    expect(site(", serves: [/static/, /img/]", "", "off"),
           "warning: 4:81 `/img/` is nobody's: there is no `" + path("htdocs/img/") +
               "` (the whole path of a request is appended to `root`)\n");
    expect(site(", x-allow: missing-path, serves: [/static/, /img/]", "", "off"), "no problem");
    EXPECT_TRUE(load(site(", serves: [/static/, /img/]", "", "off")));
}

TEST_F(SiteLinks, NeedANameForEachServer) {
    const std::string same = ", public: 'http://www.example.org'";
    expect(site(files + same, same),
           "5:71 clients call it http://www.example.org, and `docs` (line 4) too: `links: rewrite` could not tell them "
           "apart (give each a `public` of its own)\n");
    expect(site(files, ", public: 'http://127.0.0.1:8080'"),
           "5:71 clients call it http://127.0.0.1:8080, and `docs` (line 4) too: `links: rewrite` could not tell them "
           "apart (give each a `public` of its own)\n");
}

TEST_F(SiteLinks, RefuseNamesThatAreNone) {
    const std::string must =
        "`public` must be http:// or https:// and a name or address, maybe a port, and no path; found ";
    expect(site(files, ", public: www.example.org", "off"),
           "5:71 " + must + "`www.example.org` (did you mean `https://www.example.org`?)\n");
    expect(site(files, ", public: 'https://www.example.org/shop'"),
           "5:71 " + must + "`https://www.example.org/shop` (did you mean `https://www.example.org`?)\n");
    expect(site(files, ", public: 'ftp://a'"), "5:71 " + must + "`ftp://a`\n");
    expect(site(files, ", public: 'https://u@a'"), "5:71 " + must + "`https://u@a`\n");
    expect(site(files, "", "rewrit"),
           "2:8 `links` must be off or redirect or rewrite; found `rewrit` (did you mean `rewrite`?)\n");
}

TEST_F(SiteLinks, DoNothingBehindAnAccelerator) {
    const std::string yaml =
        "site: s\nlinks: rewrite\nworkers:\n  app: {kind: dynamic, app: app.psgi}\n  front: {kind: "
        "accelerator, listen: 127.0.0.1:80, routes: [{to: app}]}\n";
    expect(yaml, "warning: 2:8 `links: rewrite` does nothing here: fewer than two static and dynamic workers have a "
                 "`listen` (take it away: behind an accelerator every link is right as it is)\n");
    EXPECT_TRUE(links_of(*load(yaml)).empty());
}

TEST_F(SiteLinks, FitIntoAMessage) {
    std::string serves = ", serves: [/static/";
    for (int i = 0; i < 40; ++i) {
        const std::string name = std::string(240, 'a') + std::to_string(i);
        std::filesystem::create_directory(folder_ / "htdocs" / name);
        serves += ",\n /" + name;
    }
    expect(site(serves + "]"), "2:8 the `serves` of all workers together are so long that a worker cannot be told\n");
}

} // namespace
} // namespace mpsup::topology

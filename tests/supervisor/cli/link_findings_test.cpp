#include "supervisor/cli/link_findings.h"
#include "supervisor/topology/moved.h"
#include "supervisor/topology/share.h"

#include <gtest/gtest.h>

namespace mpsup::cli {
namespace {

using contract::CrawledLink;
using contract::CrawledPage;

topology::WorkerSpec worker(const char* name, topology::Kind kind, const char* listen) {
    topology::WorkerSpec spec;
    spec.name = name;
    spec.kind = kind;
    if (listen) spec.listen = {*Address::parse(listen)};
    if (kind == topology::Kind::dynamic) spec.app = "/srv/app.psgi";
    if (kind == topology::Kind::static_files) {
        spec.root = "/srv/public";
        spec.serves = {"/static/"};
        spec.front.edit().own.rule.path = contract::PathPattern::parse("/").value();
    }
    return spec;
}

topology::RouteSpec route(const char* path, const char* to) {
    topology::RouteSpec spec;
    spec.rule.path = contract::PathPattern::parse(path).value();
    spec.to = {to};
    return spec;
}

// docs at :8080, app at :8081
topology::Topology two_servers() {
    topology::Topology topology;
    topology.workers = {worker("docs", topology::Kind::static_files, "127.0.0.1:8080"),
                        worker("app", topology::Kind::dynamic, "127.0.0.1:8081")};
    return topology;
}

// front at :8080, docs behind it at :8081, app behind it
topology::Topology accelerated() {
    topology::Topology topology;
    topology.workers = {worker("front", topology::Kind::accelerator, "127.0.0.1:8080"),
                        worker("docs", topology::Kind::static_files, "127.0.0.1:8081"),
                        worker("app", topology::Kind::dynamic, nullptr)};
    topology.workers[0].front.edit().routes = {route("/static/", "127.0.0.1:8081"), route("/", "app")};
    return topology;
}

contract::LinkFact page(CrawledPage page) {
    if (page.status == 0 && page.trouble.empty()) page.status = 200;
    if (page.from.empty()) page.from = "http://127.0.0.1:8081/from";
    return {.page = std::move(page)};
}
contract::LinkFact link(const char* from, const char* to) {
    return {.link = {.page = from, .line = 7, .of = "href", .reference = to, .target = to}};
}

// "code url", one a line.
std::string judged(const topology::Topology& topology, const std::vector<contract::LinkFact>& facts) {
    const CrawledSite site(topology, {"/run/pool", {}, {}});
    std::string text;
    const CheckedLinks links = judge(site, facts);
    for (const LinkFinding& each : links.findings) text += (text.empty() ? "" : "\n") + each.code + " " + each.url;
    for (const LinkFinding& each : links.notes) text += (text.empty() ? "" : "\n") + each.code + " (" + each.url + ")";
    return text;
}

constexpr auto pages = "http://127.0.0.1:8081";

TEST(CrawledSites, HaveFacesAndSecrets) {
    const auto two = two_servers();
    const CrawledSite site(two, {"/run/pool", {}, {}});
    ASSERT_EQ(site.faces().size(), 2U);
    EXPECT_EQ(site.faces()[0].origin, pages) << "pages first";
    EXPECT_TRUE(site.secrets().empty());
    const auto front = accelerated();
    const CrawledSite behind(front, {"/run/pool", {}, {}});
    ASSERT_EQ(behind.faces().size(), 1U);
    EXPECT_EQ(behind.secrets(), (std::vector<std::string>{"127.0.0.1:8081", "localhost:8081", "/run/pool/app.sock"}));
    const auto job = behind.job({"/demo/", "http://shop.example:8080/x"});
    ASSERT_TRUE(job) << job.error().what;
    EXPECT_EQ(job->start, (std::vector<std::string>{"http://127.0.0.1:8080/demo/", "http://shop.example:8080/x"}));
    EXPECT_EQ(job->servers.back(), (contract::CrawledServer{"http://shop.example:8080", "127.0.0.1:8080"}));
    EXPECT_FALSE(behind.job({"http://127.0.0.1:1/"}));
}

TEST(CrawledSites, MayCallAFaceLocalhostButNoBackend) {
    auto front = accelerated();
    front.workers[0].listen = {*Address::parse("0.0.0.0:8081")};
    front.workers[1].listen = {*Address::parse("127.0.0.2:8081")};
    front.workers[0].front.edit().routes[0].to = {"127.0.0.2:8081"};
    const CrawledSite elsewhere(front, {"/run/pool", {}, {}});
    EXPECT_EQ(elsewhere.secrets(), (std::vector<std::string>{"127.0.0.2:8081", "/run/pool/app.sock"}));
    front.workers[0].front.edit().routes[0].to = {"[::1]:8081"};
    const CrawledSite shared(front, {"/run/pool", {}, {}});
    EXPECT_EQ(shared.secrets(), (std::vector<std::string>{"[::1]:8081", "/run/pool/app.sock"}))
        << "that name is the front's, too";
    front.workers[0].listen = {*Address::parse("127.0.0.1:8080")};
    const CrawledSite apart(front, {"/run/pool", {}, {}});
    EXPECT_EQ(apart.secrets(), (std::vector<std::string>{"[::1]:8081", "localhost:8081", "/run/pool/app.sock"}));
}

TEST(CrawledSites, HaveNoFacesWhereOnlyRedirectsAre) {
    const auto before = two_servers();
    auto after = before;
    after.workers.erase(after.workers.begin());
    const auto moved = topology::with_moved(before, after, 0);
    ASSERT_TRUE(moved.find(topology::moved_worker));
    EXPECT_EQ(CrawledSite(moved, {}).faces().size(), 1U);
}

TEST(CrawledSites, AreCalledAsTheTopologySays) {
    auto topology = two_servers();
    topology.workers[1].public_url = "https://www.shop.example"; // TLS is a proxy's before it
    const CrawledSite site(topology, {});
    const auto job = site.job({"/", "https://www.shop.example/a"});
    ASSERT_TRUE(job) << job.error().what;
    EXPECT_EQ(job->servers[0], (contract::CrawledServer{"https://www.shop.example", "127.0.0.1:8081", false}));
    EXPECT_EQ(job->servers.size(), 2U);
    EXPECT_EQ(job->start, (std::vector<std::string>{"https://www.shop.example/", "https://www.shop.example/a"}));
    EXPECT_EQ(site.served("https://www.shop.example/page").worker, "app");
    ASSERT_TRUE(site.right_face("https://www.shop.example/static/a.css"));
    EXPECT_EQ(site.right_face("https://www.shop.example/static/a.css")->worker->name, "docs");
}

TEST(CrawledSites, AreOfAllMachines) {
    auto two = two_servers();
    two.machines = {{"web1", "10.9.0.1"}, {"app1", "10.9.0.2"}};
    two.workers[0].on = {"web1"};
    two.workers[0].listen = {{"0.0.0.0", 8080}};
    two.workers[1].on = {"app1"};
    two.workers[1].listen = {{"", 8081}};
    const auto origins = [](const CrawledSite& site) {
        std::string text;
        for (const PublicFace& face : site.faces()) text += face.origin + " ";
        return text;
    };
    const auto of_two = topology::over_all_machines(topology::share_of(two, "app1"));
    const CrawledSite site(of_two, {"/run/pool", {}, {}});
    EXPECT_EQ(origins(site), "http://10.9.0.2:8081 http://10.9.0.1:8080 ");
    EXPECT_EQ(site.job({"/"}).value().servers.at(1).address, "10.9.0.1:8080") << "from app1";
    EXPECT_EQ(site.served("http://10.9.0.1:8080/static/a.css").worker, "docs");
    ASSERT_TRUE(site.right_face("http://10.9.0.2:8081/static/a.css"));

    auto front = accelerated();
    front.machines = {{"web1", "10.9.0.1"}, {"web2", "10.9.0.2"}, {"app1", "10.9.0.3"}};
    front.vip = {"10.9.0.100", 24, {"web1", "web2"}};
    front.workers[0].on = {"web1", "web2"};
    front.workers[0].listen = {{"10.9.0.100", 80}, {"", 80}};
    front.workers[0].front.edit().routes[0].to = {"10.9.0.3:8081"};
    front.workers[1].on = {"app1"};
    front.workers[1].listen = {{"0.0.0.0", 8081}};
    front.workers[2].on = {"app1"};
    front.workers[2].gateway = topology::Gateway{{"", 8090}, {}};
    const auto of_three = topology::over_all_machines(topology::share_of(front, "web2"));
    const CrawledSite behind(of_three, {"/run/pool", {}, {}});
    EXPECT_EQ(origins(behind), "http://10.9.0.100 http://10.9.0.2 http://10.9.0.1 ");
    EXPECT_EQ(behind.secrets(), (std::vector<std::string>{"10.9.0.3:8081", "10.9.0.3:8090", "/run/pool/app.sock"}));
    EXPECT_EQ(behind.served("http://10.9.0.100/page").worker, "app");
    const CrawledSite narrowed(of_three, {"/run/pool", {}, {}}, {"web1"});
    EXPECT_EQ(origins(narrowed), "http://10.9.0.1 ") << "the vip may be on another machine";
    EXPECT_EQ(narrowed.secrets(), behind.secrets());
    EXPECT_EQ(narrowed.job({"http://10.9.0.2/"}).error().to_string(),
              "of web1 nothing listens at http://10.9.0.2; listeners are http://10.9.0.100, http://10.9.0.1");
    EXPECT_EQ(narrowed.job({"http://shop.example/"}).value().servers.back().address, "10.9.0.100:80");
    EXPECT_EQ(behind.job({"http://10.9.0.2/"}).value().servers.size(), 3U);
    const CrawledSite hidden(of_three, {"/run/pool", {}, {}}, {"app1"});
    EXPECT_EQ(hidden.job({"/"}).error().to_string(), "no worker of app1 listens where a client could ask");

    // The same port everywhere, of another worker on each.
    auto apart = two_servers();
    apart.machines = two.machines;
    apart.workers[0].on = {"web1"};
    apart.workers[1].on = {"app1"};
    for (auto& worker : apart.workers) worker.listen = {{"0.0.0.0", 8080}};
    const auto of_both = topology::over_all_machines(topology::share_of(apart, "app1"));
    EXPECT_EQ(CrawledSite(of_both, {"/run/pool", {}, {}}).served("http://10.9.0.1:8080/static/a.css").worker, "docs");
}

TEST(CrawledSites, ThatRedirectNeedNoRightLinks) {
    auto topology = two_servers();
    topology.links = contract::Links::Mode::redirect;
    EXPECT_EQ(judged(topology, {link("http://127.0.0.1:8081/", "http://127.0.0.1:8081/static/a.css"),
                                page({.url = "http://127.0.0.1:8081/static/a.css",
                                      .status = 307,
                                      .redirect = "http://127.0.0.1:8080/static/a.css"})}),
              "redirected (http://127.0.0.1:8081/static/a.css)")
        << "a note, and no finding";
    EXPECT_EQ(judged(topology, {page({.url = "http://127.0.0.1:8081/static/a.css", .status = 404})}),
              "broken-link http://127.0.0.1:8081/static/a.css")
        << "it did not arrive";
}

TEST(CrawledSites, KnowWhoServesWhat) {
    const auto topology = accelerated();
    const CrawledSite site(topology, {"/run/pool", {}, {}});
    EXPECT_EQ(site.served("http://127.0.0.1:8080/static/a").worker, "docs");
    EXPECT_EQ(site.served("http://127.0.0.1:8080/static/a").how, "files");
    EXPECT_EQ(site.served("http://127.0.0.1:8080/page").worker, "app");
    EXPECT_EQ(site.served("http://127.0.0.1:8080/page").how, "application");
    EXPECT_EQ(site.served("http://elsewhere.example/").worker, "");
    EXPECT_TRUE(site.has_light_files());
}

TEST(LinkFindings, AreNoneWhereNothingIsWrong) {
    EXPECT_EQ(judged(two_servers(), {page({.url = "http://127.0.0.1:8081/"}),
                                     link("http://127.0.0.1:8081/", "http://127.0.0.1:8080/static/a.css"),
                                     link("http://127.0.0.1:8081/", "https://elsewhere.example/"),
                                     page({.url = "http://127.0.0.1:8080/static/a.css", .has_date = true})}),
              "");
}

TEST(LinkFindings, OfLinksToTheWrongServer) {
    EXPECT_EQ(judged(two_servers(), {link("http://127.0.0.1:8081/", "http://127.0.0.1:8081/static/a.css"),
                                     link("http://127.0.0.1:8080/static/a.html", "http://127.0.0.1:8080/page"),
                                     page({.url = "http://127.0.0.1:8080/page", .status = 404})}),
              "wrong-tier http://127.0.0.1:8081/static/a.css\nwrong-tier http://127.0.0.1:8080/page")
        << "and a page that is not there because of it is not told twice";
    EXPECT_EQ(judged(accelerated(), {link("http://127.0.0.1:8080/", "http://127.0.0.1:8080/static/a.css"),
                                     link("http://127.0.0.1:8080/", "http://127.0.0.1:8081/page")}),
              "")
        << "a backend is another matter";
}

TEST(LinkFindings, OfPagesThatAreNotThere) {
    EXPECT_EQ(judged(two_servers(), {page({.url = "http://127.0.0.1:8081/a", .status = 404}),
                                     page({.url = "http://127.0.0.1:8081/b", .status = 503}),
                                     page({.url = "http://127.0.0.1:8081/c", .trouble = "no answer in time"}),
                                     page({.url = "http://127.0.0.1:8081/d", .status = 401}),
                                     page({.url = "http://127.0.0.1:8080/static/e", .status = 404})}),
              "broken-link http://127.0.0.1:8081/a\nbroken-link http://127.0.0.1:8081/b\n"
              "broken-link http://127.0.0.1:8081/c\nbroken-link http://127.0.0.1:8080/static/e");
}

TEST(LinkFindings, OfEveryErrorButWhatAsksWhoItIs) {
    for (const std::uint32_t status : {400U, 402U, 404U, 405U, 410U, 429U, 451U, 500U, 503U})
        EXPECT_EQ(judged(two_servers(), {page({.url = "http://127.0.0.1:8081/a", .status = status})}),
                  "broken-link http://127.0.0.1:8081/a")
            << status;
    for (const std::uint32_t status : {200U, 204U, 304U, 401U, 403U})
        EXPECT_EQ(judged(two_servers(), {page({.url = "http://127.0.0.1:8081/a", .status = status})}), "") << status;
}

TEST(LinkFindings, OfWhatWasNotLookedAt) {
    EXPECT_EQ(judged(two_servers(), {page({.url = "http://127.0.0.1:8081/a", .status = 200, .trouble = "compressed"})}),
              "not-checked http://127.0.0.1:8081/a");
    const auto topology = two_servers();
    const CrawledSite site(topology, {});
    const contract::LinkFact last{
        .link = {.page = "http://127.0.0.1:8081/", .line = 3, .target = "http://127.0.0.1:8081/b"},
        .is_last = true,
        .cut = "the time was up",
        .left = 7};
    const CheckedLinks cut = judge(site, {last});
    EXPECT_EQ(cut.findings,
              (std::vector<LinkFinding>{{"not-checked", "http://127.0.0.1:8081/b", "http://127.0.0.1:8081/", 3,
                                         "7 URLs were not asked for: the time was up"}}));
    EXPECT_EQ(cut.cut, "the time was up");
    EXPECT_EQ(judge(site, {{.is_last = true}}).findings, std::vector<LinkFinding>{});
}

TEST(LinkFindings, OfBackendsThatClientsHearOf) {
    EXPECT_EQ(
        judged(accelerated(), {page({.url = "http://127.0.0.1:8080/", .secrets = {{"Location", "127.0.0.1:8081"}}})}),
        "leaked-backend http://127.0.0.1:8080/");
}

TEST(LinkFindings, OfEachLoopOnce) {
    const auto moved = [](const std::string& from, const std::string& to) {
        return page({.url = pages + from, .status = 302, .redirect = pages + to});
    };
    EXPECT_EQ(judged(two_servers(), {moved("/in", "/a"), moved("/a", "/b"), moved("/b", "/a"), moved("/self", "/self"),
                                     moved("/x", "/y")}),
              "redirect-loop http://127.0.0.1:8081/a\nredirect-loop http://127.0.0.1:8081/self");
    auto deep = moved("/20", "/21");
    deep.page.redirects = 20;
    EXPECT_EQ(judged(two_servers(), {deep}), "redirect-loop http://127.0.0.1:8081/20");
}

TEST(LinkFindings, OfFilesFromTheHeavyWorker) {
    const auto css = page({.url = "http://127.0.0.1:8081/other/a.CSS", .has_date = true});
    EXPECT_EQ(judged(two_servers(), {css}), "heavy-file http://127.0.0.1:8081/other/a.CSS");
    EXPECT_EQ(judged(two_servers(), {page({.url = "http://127.0.0.1:8081/chart.png"})}), "")
        << "made when it is asked for";
    EXPECT_EQ(judged(two_servers(), {page({.url = "http://127.0.0.1:8081/page", .has_date = true})}), "");
    auto own = two_servers();
    own.workers[1].root = "/srv";
    own.workers[1].serves = {"/download/"};
    EXPECT_EQ(judged(own, {page({.url = "http://127.0.0.1:8081/download/x"})}),
              "heavy-file http://127.0.0.1:8081/download/x");
    own.workers.erase(own.workers.begin());
    EXPECT_EQ(judged(own, {css, page({.url = "http://127.0.0.1:8081/download/x"})}), "") << "who else should";
}

TEST(LinkFindings, OfCookiesThatAreLost) {
    const auto cookie = [](const char* value) {
        return judged(two_servers(), {page({.url = "http://127.0.0.1:8081/shop/login", .cookies = {value}}),
                                      page({.url = "http://127.0.0.1:8081/account/"})});
    };
    constexpr auto domain = "cookie-domain http://127.0.0.1:8081/shop/login";
    constexpr auto path = "cookie-path http://127.0.0.1:8081/shop/login";
    EXPECT_EQ(cookie("a=b"), "");
    EXPECT_EQ(cookie("a=b; Path=/shop; HttpOnly"), "");
    EXPECT_EQ(cookie("a=b; path=/account/"), "");
    EXPECT_EQ(cookie("a=b; Domain=127.0.0.1"), "");
    EXPECT_EQ(cookie("a=b; Path=/shop ; Secure"), "");
    EXPECT_EQ(cookie("a=b;\tPATH =\t/shop\t; Domain= 127.0.0.1 "), "");
    EXPECT_EQ(cookie("a=b; Path= /elsewhere/ "), path);
    EXPECT_EQ(cookie("a=b; Path=   ; Domain"), "");
    EXPECT_EQ(cookie("a=b; Domain=shop.example"), domain);
    EXPECT_EQ(cookie("a=b; Domain=.0.0.1"), domain);
    EXPECT_EQ(cookie("a=b; Path=/sho"), path);
    EXPECT_EQ(cookie("a=b; Path=/elsewhere/"), path);
    EXPECT_EQ(cookie("a=b; Path=shop"), path);
    EXPECT_EQ(judged(two_servers(),
                     {page({.url = "http://www.shop.example:8081/", .cookies = {"a=b; domain=Shop.example"}})}),
              "");
    EXPECT_EQ(
        judged(two_servers(), {page({.url = "http://www.shop.example:8081/", .cookies = {"a=b; domain=example"}})}),
        "cookie-domain http://www.shop.example:8081/");
}

TEST(LinkFindings, OfWaysBackToPlainHttp) {
    EXPECT_EQ(judged(two_servers(), {link("https://h/a", "http://h/b"), link("https://h/a", "http://elsewhere/")}),
              "mixed-scheme http://h/b");
}

} // namespace
} // namespace mpsup::cli

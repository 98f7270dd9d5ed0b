#include "supervisor/topology/share.h"

#include "supervisor/topology/diff.h"
#include "supervisor/topology/front.h"
#include "supervisor/topology/links.h"
#include "supervisor/topology/moved.h"
#include "supervisor/topology/placement.h"
#include "supervisor/topology/resolve.h"
#include "supervisor/topology/urls.h"

#include "site_folder.h"

#include <algorithm>

namespace mpsup::topology {
namespace {

class Shares : public SiteFolder {
protected:
    /// Accelerators web1 and web2, a file server on web2, pools on web2, app1 and app2.
    [[nodiscard]] Topology fleet(const std::string& pool = "gateway: 8090") const {
        const auto loaded = load(R"(site: s
machines:
  web1: {address: 10.9.0.1}
  web2: {address: 10.9.0.2}
  app1: {address: 10.9.0.3}
  app2: {address: 10.9.0.4}
vip: 10.9.0.100/24
workers:
  docs: {kind: static, on: web2, listen: 8081, root: htdocs, serves: [/static/]}
  front:
    kind: accelerator
    on: [web1, web2]
    listen: [80, 10.9.0.100:80]
    limits: {body: 2GiB}
    routes:
      - {path: /static/, to: "10.9.0.2:8081"}
      - {path: /files/, root: htdocs, try: perl}
      - {path: /, to: perl, timeouts: {response: 10m}}
  perl:
    kind: dynamic
    on: [app1, web2, app2]
    app: app.psgi
    health: {path: /up}
    stop: {grace: 7s}
    depends_on: {docs: started}
    )" + pool + "\n");
        EXPECT_TRUE(loaded) << format_problems(loaded.error());
        return loaded ? *loaded : Topology{};
    }
    [[nodiscard]] static std::vector<std::string> names(const std::vector<WorkerSpec>& workers) {
        std::vector<std::string> all;
        for (const WorkerSpec& worker : workers) all.push_back(worker.name);
        return all;
    }
    using Texts = std::vector<std::string>;
};

TEST_F(Shares, HoldTheWorkersOfTheMachineAndTheGatewaysOfItsPools) {
    const Topology whole = fleet();
    const Topology web1 = share_of(whole, "web1");
    EXPECT_EQ(web1.here, "web1");
    EXPECT_EQ(*web1.whole, whole);
    EXPECT_EQ(web1.site, "s");
    EXPECT_EQ(web1.machines, whole.machines);
    EXPECT_EQ(names(web1.workers), (Texts{"front"}));
    EXPECT_EQ(names(web1.others), (Texts{"docs", "perl"}));
    EXPECT_EQ(names(share_of(whole, "web2").workers), (Texts{"docs", "front", "perl", "perl-gateway"}));
    EXPECT_EQ(names(share_of(whole, "app1").workers), (Texts{"perl", "perl-gateway"}));
    EXPECT_EQ(share_of(web1, "app1"), share_of(whole, "app1")) << "of a share: of what that was made from";
    EXPECT_TRUE(share_of(whole, "app9").workers.empty());
    EXPECT_EQ(names(share_of(whole, "app9").others), (Texts{"docs", "front", "perl"}));
}

TEST_F(Shares, ListenAtTheAddressesOfTheirMachine) {
    const Topology whole = fleet();
    EXPECT_EQ(share_of(whole, "web1").find("front")->listen,
              (std::vector<Address>{{"10.9.0.1", 80}, {"10.9.0.100", 80}}));
    EXPECT_EQ(share_of(whole, "web2").find("front")->listen,
              (std::vector<Address>{{"10.9.0.2", 80}, {"10.9.0.100", 80}}));
    EXPECT_EQ(share_of(whole, "app2").find("perl-gateway")->listen, (std::vector<Address>{{"10.9.0.4", 8090}}));
    EXPECT_EQ(share_of(whole, "app2").find("perl")->gateway->listen, (Address{"10.9.0.4", 8090}));
}

TEST_F(Shares, LeadToTheirOwnPoolFirst) {
    const Topology whole = fleet();
    const auto backends = [&](const char* machine, std::size_t route) {
        Texts all;
        const auto front = front_of(*share_of(whole, machine).find("front"), {"/run", {}, {}});
        for (const auto& backend : front.routes.at(route).backends) all.push_back(backend.address);
        return all;
    };
    EXPECT_EQ(backends("web1", 2), (Texts{"10.9.0.3:8090", "10.9.0.2:8090", "10.9.0.4:8090"}));
    EXPECT_EQ(backends("web1", 1), backends("web1", 2)) << "try too";
    EXPECT_EQ(backends("web2", 2), (Texts{"unix:/run/perl.sock", "10.9.0.3:8090", "10.9.0.4:8090"}));
    EXPECT_EQ(backends("web2", 0), (Texts{"10.9.0.2:8081"}));
    const RouteSpec route = share_of(whole, "web1").find("front")->front->routes[2];
    EXPECT_EQ(route.to, (Texts{"perl"})) << "it is known whose addresses these are";
    EXPECT_EQ(route.socket, "");
    EXPECT_EQ(route.rule.health.check_path, "/up");
    const auto front = front_of(*share_of(whole, "web1").find("front"), {"/run", {}, {}});
    EXPECT_EQ(contract::decode_front(contract::encode_front(front)).value(), front) << "a worker takes it";
}

TEST_F(Shares, LeadToAddressesBesideAPool) {
    Topology whole = fleet();
    whole.workers[1].front.edit().routes[2].to.push_back("192.0.2.1:80");
    EXPECT_EQ(share_of(whole, "web1").find("front")->front->routes[2].elsewhere,
              (Texts{"10.9.0.3:8090", "10.9.0.2:8090", "10.9.0.4:8090"}));
}

TEST_F(Shares, LeadToListenersOfPoolsThatHaveSome) {
    const Topology web2 = share_of(fleet("listen: 8085"), "web2");
    EXPECT_EQ(web2.find("front")->front->routes[2].elsewhere,
              (Texts{"10.9.0.3:8085", "10.9.0.2:8085", "10.9.0.4:8085"}));
    EXPECT_EQ(web2.find("front")->front->routes[2].socket, "");
    EXPECT_EQ(web2.find("perl-gateway"), nullptr);
}

TEST_F(Shares, HaveGatewaysThatLeadToTheirPoolAlone) {
    const Topology app1 = share_of(fleet(), "app1");
    const WorkerSpec& gateway = *app1.find("perl-gateway");
    EXPECT_EQ(gateway.kind, Kind::accelerator);
    EXPECT_EQ(gateway.gateway_of, "perl");
    EXPECT_TRUE(is_gateway(gateway));
    EXPECT_EQ(gateway.on, (Texts{"app1"}));
    EXPECT_EQ(gateway.stop.grace, Duration(7'000));
    const auto front = front_of(gateway, {"/run", {}, {}});
    ASSERT_EQ(front.routes.size(), 1U);
    EXPECT_EQ(front.routes[0].path.text, "/");
    EXPECT_EQ(front.routes[0].pool, "perl");
    EXPECT_EQ(front.routes[0].backends, (std::vector<contract::Backend>{{"unix:/run/perl.sock"}}));
    EXPECT_FALSE(front.routes[0].cache.on);
    EXPECT_EQ(front.routes[0].timeouts.response, Duration(600'000)) << "it waits as long as they do";
    EXPECT_EQ(front.limits.body, 2ULL << 30U) << "and takes what they take";
    Texts trusted;
    for (const auto& block : front.trusted_proxies) trusted.push_back(block.text());
    EXPECT_EQ(trusted, (Texts{"10.9.0.1", "10.9.0.2"})) << "what these say of clients is believed";
    EXPECT_FALSE(front.listeners.at(0).tls);
    EXPECT_EQ(contract::decode_front(contract::encode_front(front)).value(), front) << "a worker takes it";
}

TEST_F(Shares, KnowEachOtherByCertificates) {
    const Topology whole = fleet("gateway: {listen: 8090, tls: {cert: app.psgi, key: app.psgi, ca: app.psgi}}");
    const GatewayTls tls{path("app.psgi"), path("app.psgi"), path("app.psgi")};
    EXPECT_EQ(share_of(whole, "web1").find("front")->front->routes[2].tls, tls);
    const WorkerSpec gateway = *share_of(whole, "app1").find("perl-gateway");
    EXPECT_EQ(gateway.gateway->tls, tls);
    EXPECT_TRUE(has_tls(gateway, gateway.listen[0]));
    EXPECT_EQ(gateway.front->rest.certificates, (std::vector<contract::Certificate>{{tls.cert, tls.key}}));
    EXPECT_EQ(front_of(gateway, {"/run", {}, {}}).client_ca, tls.ca);
    for (const char* machine : {"web1", "web2"}) {
        const auto front = front_of(*share_of(whole, machine).find("front"), {"/run", {}, {}});
        EXPECT_EQ(front.upstream_tls,
                  (std::vector<contract::UpstreamTls>{{.ca = tls.ca, .cert = tls.cert, .key = tls.key, .name = {}}}));
        for (const contract::Backend& backend : front.routes[2].backends)
            EXPECT_EQ(backend.tls, backend.address.starts_with("unix:") ? 0U : 1U) << backend.address;
        EXPECT_EQ(contract::decode_front(contract::encode_front(front)).value(), front) << "a worker takes it";
    }
}

TEST_F(Shares, WaitForNobodyOfAnotherMachine) {
    const Topology whole = fleet();
    EXPECT_EQ(share_of(whole, "web2").find("perl")->depends_on.size(), 1U);
    EXPECT_TRUE(share_of(whole, "app1").find("perl")->depends_on.empty());
}

TEST_F(Shares, AreTheWholeDocumentWithAName) {
    const Topology whole = fleet();
    for (const char* machine : {"web1", "web2", "app1", "app9"}) {
        const Topology share = share_of(whole, machine);
        const std::string document = to_document(share);
        const auto again = from_document(document);
        ASSERT_TRUE(again) << again.error().to_string();
        EXPECT_EQ(*again, share) << machine;
        EXPECT_EQ(to_document(*again), document);
        EXPECT_EQ(document, document_of_share(to_document(whole), machine));
    }
    EXPECT_EQ(problems("here: web1\n" + static_worker("")).substr(0, 23), "1:1 unknown key `here` ");
    const auto refused = from_document(R"({"version":1,"here":7,)" + to_document(whole).substr(13));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().to_string(), "topology document: here: no name of a machine");
}

TEST_F(Shares, RememberWhoAnswersAtAddressesThatWereGivenUp) {
    const Topology whole = fleet();
    Topology before = share_of(whole, "web1");
    before.workers[0].listen.push_back({"10.9.0.1", 99});
    const Topology after = with_moved(before, share_of(whole, "web1"), 1'000);
    ASSERT_EQ(names(after.workers), (Texts{"front", "moved"}));
    const auto again = from_document(to_document(after));
    ASSERT_TRUE(again) << again.error().to_string();
    EXPECT_EQ(*again, after);
    EXPECT_EQ(without_moved(*again), share_of(whole, "web1"));
    EXPECT_EQ(links_of_moved(after).servers.at(0).url, "http://10.9.0.1");
}

TEST_F(Shares, RememberWorkersThatAreOthersThanTheFileSays) {
    const Topology before = share_of(fleet("gateway: 8090\n    pool: {size: 7}"), "web2");
    const Topology whole = fleet("gateway: 8091");
    Topology now = share_of(whole, "web2");
    for (const char* name : {"docs", "perl"})
        *std::ranges::find(now.workers, name, &WorkerSpec::name) = *before.find(name);
    ASSERT_NE(now, share_of(whole, "web2"));
    const std::string document = to_document(now);
    const auto again = from_document(document);
    ASSERT_TRUE(again) << again.error().to_string();
    EXPECT_EQ(*again, now);
    EXPECT_EQ(to_document(*again), document);
    EXPECT_EQ(*again->whole, whole);
}

TEST_F(Shares, AreRefusedWhereAWorkerOfTheirsIsNoneThatItCouldBe) {
    const std::string whole = to_document(fleet()).substr(13);
    const auto refusal = [&](const std::string& woken) {
        const auto read = from_document(R"({"version":1,"here":"web1","woken":)" + woken + "," + whole);
        return read ? "" : read.error().to_string();
    };
    EXPECT_EQ(refusal("7"), "topology document: woken: no workers");
    EXPECT_EQ(refusal(R"({"docs":{"kind":"static","on":["web2"],"listen":"8081","root":"/x"}})"),
              "topology document: woken.docs: no worker of this machine");
    EXPECT_EQ(refusal(R"({"nosuch":{}})"), "topology document: woken.nosuch: no worker of this machine");
    EXPECT_NE(refusal(R"({"front":7})"), "");
    EXPECT_NE(refusal(R"({"front":{"kind":"accelerator","routes":[{"path":"/","to":["gone"]}]}})"), "");
    EXPECT_NE(from_document(R"({"version":1,"woken":{},)" + whole).error().to_string().find("woken"),
              std::string::npos);
}

TEST_F(Shares, AreReplacedForWhatConcernsThemAlone) {
    const Topology before = fleet("gateway: {listen: 8090, tls: {cert: app.psgi, key: app.psgi, ca: app.psgi}}");
    const auto changes = [&](Topology after, const char* machine) {
        return to_string(diff(share_of(before, machine), share_of(after, machine)));
    };
    Topology fewer = before;
    fewer.workers[2].on.pop_back();
    EXPECT_EQ(changes(fewer, "app1"), "") << "that is another's";
    EXPECT_EQ(changes(fewer, "app2"), "- perl\n- perl-gateway\n");
    EXPECT_EQ(changes(fewer, "web1"), "~ front (routes)\n") << "it leads there no more";
    Topology other = before;
    other.workers[2].gateway->tls.ca = "/other.pem";
    EXPECT_EQ(changes(other, "app1"), "~ perl-gateway (gateway.tls)\n") << "the pool serves on";
    EXPECT_EQ(changes(other, "web1"), "~ front (routes)\n");
    other = before;
    other.workers[2].gateway->listen.port = 9000;
    EXPECT_EQ(changes(other, "app1"), "~ perl-gateway (listen)\n");
    EXPECT_EQ(to_string(diff(before, fewer)), "~ perl (on)\n");
}

TEST_F(Shares, OfTheOnlyMachineHaveEverything) {
    const Topology whole = load(dynamic_worker("")).value();
    EXPECT_EQ(share_of(whole, "here").workers, whole.workers);
    EXPECT_TRUE(share_of(whole, "web1").workers.empty());
}

TEST_F(Shares, KnowTheUrlsOfAll) {
    const Topology whole = fleet();
    using Urls = std::map<std::string, std::string>;
    EXPECT_EQ(urls_of(share_of(whole, "web1")),
              (Urls{{"MPSUP_STATIC_URL", "http://10.9.0.1"}, {"MPSUP_DYNAMIC_URL", "http://10.9.0.1"}}))
        << "behind the accelerator, its own one";
    EXPECT_EQ(urls_of(share_of(whole, "web2")),
              (Urls{{"MPSUP_STATIC_URL", "http://10.9.0.2"}, {"MPSUP_DYNAMIC_URL", "http://10.9.0.2"}}));
    EXPECT_EQ(urls_of(share_of(whole, "app1")), urls_of(share_of(whole, "web1"))) << "the first of the list";
    EXPECT_TRUE(public_servers(share_of(whole, "app1")).empty()) << "an accelerator leads to all of them";
    EXPECT_EQ(layout_of(whole), "fleet");
}

TEST_F(Shares, LinkToServersOfOtherMachines) {
    const Topology whole = load(R"(site: s
links: rewrite
machines: {web1: {address: 10.9.0.1}, app1: {address: 10.9.0.2}, web2: {address: 10.9.0.3}}
workers:
  perl: {kind: dynamic, on: app1, app: app.psgi, listen: 0.0.0.0:8081}
  docs: {kind: static, on: [web1, web2], root: htdocs, serves: [/static/], listen: 8080}
)")
                               .value();
    const auto links = [&](const char* machine, const char* worker) {
        const auto found = links_of(share_of(whole, machine)).at(worker);
        return found.servers.at(0).url + " " + found.servers.at(1).url + " own " + std::to_string(found.own);
    };
    EXPECT_EQ(links("app1", "perl"), "http://10.9.0.2:8081 http://10.9.0.1:8080 own 0");
    EXPECT_EQ(links("web1", "docs"), "http://10.9.0.2:8081 http://10.9.0.1:8080 own 1");
    EXPECT_EQ(links("web2", "docs"), "http://10.9.0.2:8081 http://10.9.0.3:8080 own 1") << "its own address";
    EXPECT_EQ(servers_in_words(share_of(whole, "app1")), "http://10.9.0.2:8081 / http://10.9.0.1:8080 /static/");
    EXPECT_EQ(urls_of(share_of(whole, "app1")).at("MPSUP_STATIC_URL"), "http://10.9.0.1:8080");
    EXPECT_FALSE(link_server(share_of(whole, "app1"), whole.workers[0]).any_host) << "the machine's address is known";
}

} // namespace
} // namespace mpsup::topology

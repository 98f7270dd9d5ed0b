// An accelerator, a gateway on another machine that it reaches by TLS, and the pool there.
#include "worker/http/tls_client.h"

#include "tests/worker/accelerator/fake_upstream.h"
#include "tests/worker/accelerator/front_server.h"
#include "tests/worker/accelerator/origin.h"
#include "tests/worker/http/certificates.h"

#include <csignal>
#include <fstream>
#include <future>
#include <unistd.h>

namespace mpsup::accelerator {
namespace {

using namespace std::chrono_literals;

class UpstreamTls : public testing::Test {
protected:
    UpstreamTls() {
        std::signal(SIGPIPE, SIG_IGN); // as worker programs do
        files.make("ca", {});
        files.make("other-ca", {});
        files.make("gateway", {"127.0.0.1"}, 1, -10, "ca");
        files.make("front", {"front.example"}, 1, -10, "ca");
    }
    [[nodiscard]] std::string path(const std::string& name) const { return files.path() + "/" + name; }
    [[nodiscard]] contract::UpstreamTls usual() const {
        return {.ca = path("ca.crt"), .cert = path("front.crt"), .key = path("front.key"), .name = {}};
    }
    void open_gateway(const std::string& pair = "gateway") {
        http::TlsOptions options;
        options.pairs = {{path(pair + ".crt"), path(pair + ".key")}};
        options.client_authority = path("ca.crt");
        http::ListenerOptions listener;
        listener.tls = http::TlsKeeper::open(options).value();
        gateway.emplace(front_to({pool.address()}), 0, listener);
    }
    void open_front(const contract::UpstreamTls& tls) {
        contract::Front setup = front_to({"127.0.0.1:" + std::to_string(gateway->server().port())});
        setup.upstream_tls = {tls};
        setup.routes[0].backends[0].tls = 1;
        front.emplace(setup);
    }
    [[nodiscard]] bool reload() {
        std::promise<bool> done;
        front->server().post([&] { done.set_value(front->state().tls_clients()[0]->reload().has_value()); });
        return done.get_future().get();
    }
    // What the log says of a request that cannot be sent on.
    [[nodiscard]] std::string
    refusal(const contract::UpstreamTls& tls, const std::string& pair = "gateway",
            std::string_view request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") {
        open_gateway(pair);
        open_front(tls);
        testing::internal::CaptureStderr();
        EXPECT_EQ(status_of(front->ask(request)), 502);
        const std::string said = testing::internal::GetCapturedStderr();
        const std::size_t at = said.find("TLS: ");
        return at == std::string::npos ? said : said.substr(at + 5, said.find('\n', at) - at - 5);
    }

    const http::CertificateFolder files;
    FakeUpstream pool{
        "/tmp/mpsup-tls-pool-" + std::to_string(::getpid()), [](Conversation& conversation) {
            const std::string request = conversation.read_request();
            const std::size_t content = request.find("\r\n\r\n") + 4;
            if (request.starts_with("GET /large"))
                conversation.send(ok(std::string(5'000'000, 'x')));
            else if (request.starts_with("GET /socket"))
                conversation
                    .send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
                    .send("you said " + conversation.read_all());
            else
                conversation.send(ok("size " + std::to_string(request.size() - content)));
        }};
    std::optional<FrontServer> gateway;
    std::optional<FrontServer> front;
};

TEST_F(UpstreamTls, CarriesRequestsOnKeptConnections) {
    open_gateway();
    open_front(usual());
    for (int i = 0; i < 5; ++i) EXPECT_EQ(content_of(front->get("/")), "size 0");
    EXPECT_EQ(gateway->server().connections(), 1U);
    EXPECT_EQ(content_of(front->get("/large")).size(), 5'000'000U);
    const std::string content(3'000'000, 'y');
    EXPECT_EQ(content_of(front->ask(
                  "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3000000\r\n\r\n" + content)),
              "size 3000000");
}

TEST_F(UpstreamTls, CarriesTunnels) {
    open_gateway();
    open_front(usual());
    http::TestClient client = front->connect();
    client.send("GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    EXPECT_TRUE(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 101 "));
    client.send("hello").stop_sending();
    EXPECT_EQ(client.read_all(), "you said hello");
}

TEST_F(UpstreamTls, KnowsTheGatewayByItsAddressOrItsName) {
    files.make("elsewhere", {"127.0.0.2", "gateway.example"}, 1, -10, "ca");
    EXPECT_EQ(refusal(usual(), "elsewhere"), "its certificate: IP address mismatch");
    contract::UpstreamTls named = usual();
    named.name = "other.example";
    EXPECT_EQ(refusal(named, "elsewhere"), "its certificate: hostname mismatch");
    named.name = "gateway.example";
    open_front(named);
    EXPECT_EQ(content_of(front->get("/")), "size 0");
}

TEST_F(UpstreamTls, BelievesNobodyElse) {
    contract::UpstreamTls other = usual();
    other.ca = path("other-ca.crt");
    EXPECT_EQ(refusal(other), "its certificate: unable to get local issuer certificate");
    files.make("old", {"127.0.0.1"}, -1, -10, "ca");
    EXPECT_EQ(refusal(usual(), "old"), "its certificate: certificate has expired");
}

TEST_F(UpstreamTls, HasToShowAGoodCertificate) {
    contract::UpstreamTls without = usual();
    without.cert = without.key = {};
    EXPECT_EQ(refusal(without), "tlsv13 alert certificate required");
    EXPECT_EQ(
        refusal(without, "gateway", "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx"),
        "tlsv13 alert certificate required");
    files.make("front", {"front.example"}, 1, -10, "other-ca");
    EXPECT_EQ(refusal(usual()), "tlsv1 alert unknown ca");
    files.make("front", {"front.example"}, -1, -10, "ca");
    EXPECT_EQ(refusal(usual()), "sslv3 alert certificate expired");
}

TEST_F(UpstreamTls, IsNotWhatThePortSpeaks) {
    gateway.emplace(front_to({pool.address()}));
    open_front(usual());
    testing::internal::CaptureStderr();
    EXPECT_EQ(status_of(front->get("/")), 502);
    EXPECT_TRUE(testing::internal::GetCapturedStderr().contains("TLS: wrong version number"));
}

TEST_F(UpstreamTls, ShowsWhatIsOnTheDisk) {
    open_gateway();
    open_front(usual());
    std::vector<http::TestClient> tunnels; // each takes a kept connection, so the next request needs a new one
    const auto status_on_new_connection = [&] {
        tunnels.push_back(front->connect());
        tunnels.back().send("GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
        EXPECT_TRUE(tunnels.back().read_until("\r\n\r\n").starts_with("HTTP/1.1 101 "));
        return status_of(front->get("/"));
    };
    EXPECT_EQ(status_on_new_connection(), 200);
    std::ofstream(path("front.crt")) << "-----BEGIN CERTIFICATE-----\nhalf";
    EXPECT_FALSE(reload());
    EXPECT_EQ(status_on_new_connection(), 200) << "with what was there before";
    files.make("front", {"front.example"}, -1, -10, "ca");
    EXPECT_FALSE(reload()) << "it has expired";
    EXPECT_EQ(status_on_new_connection(), 200);
    files.make("front", {"front.example"}, 1, -10, "other-ca");
    EXPECT_TRUE(reload());
    EXPECT_EQ(status_on_new_connection(), 502);
    files.make("front", {"front.example"}, 1, -10, "ca");
    EXPECT_TRUE(reload());
    EXPECT_EQ(status_of(front->get("/")), 200);
}

TEST_F(UpstreamTls, NeedsFilesThatCanBeRead) {
    contract::Front setup = front_to({"127.0.0.1:1"});
    setup.upstream_tls = {usual()};
    setup.routes[0].backends[0].tls = 1;
    setup.upstream_tls[0].ca = path("none.crt");
    const auto made = AcceleratorState::make(setup, nullptr);
    ASSERT_FALSE(made);
    EXPECT_TRUE(made.error().to_string().contains("none.crt"));
    setup.upstream_tls = {usual()};
    setup.upstream_tls[0].key = path("gateway.key");
    EXPECT_FALSE(AcceleratorState::make(setup, nullptr));
}

} // namespace
} // namespace mpsup::accelerator

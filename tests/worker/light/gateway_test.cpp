// Two real mpsup-light processes, as on two machines: an accelerator, and a gateway that it reaches by TLS, with a pool behind.
#include "tests/worker/accelerator/fake_upstream.h"
#include "tests/worker/http/certificates.h"
#include "tests/worker/light/light_process.h"

#include <atomic>
#include <filesystem>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

namespace mpsup::static_files {
namespace {

using namespace std::chrono_literals;
using accelerator::Conversation;
using accelerator::FakeUpstream;

class Gateway : public testing::Test {
protected:
    Gateway() {
        certificates.make("ca", {});
        certificates.make("gateway", {"127.0.0.1"}, 1, -10, "ca");
        certificates.make("front", {}, 1, -10, "ca");
        light.emplace(files.path(), LightProcess::Options{.serves = {}, .front = gateway_front()});
        address = "127.0.0.1:" + std::to_string(light->port());
        front.emplace(files.path(), LightProcess::Options{.serves = {}, .front = accelerator_front()});
    }
    [[nodiscard]] std::string path(const std::string& name) const { return certificates.path() + "/" + name; }
    [[nodiscard]] static contract::Front front_to(const contract::Backend& backend) {
        contract::Front made;
        contract::Route& route = made.routes.emplace_back();
        route.target = contract::Route::Target::upstream;
        route.backends = {backend};
        return made;
    }
    [[nodiscard]] contract::Front gateway_front() const {
        contract::Front made = front_to({pool.address()});
        made.routes[0].pool = "app";
        made.listeners = {{.address = "127.0.0.1:1", .tls = true}};
        made.certificates = {{path("gateway.crt"), path("gateway.key")}};
        made.client_ca = path("ca.crt");
        return made;
    }
    [[nodiscard]] contract::Front accelerator_front() const {
        contract::Front made = front_to({address, 1});
        made.upstream_tls = {{.ca = path("ca.crt"), .cert = path("front.crt"), .key = path("front.key"), .name = {}}};
        return made;
    }
    // On a connection of its own.
    [[nodiscard]] std::string get(std::string_view target) const {
        Client client = front->connect();
        client.send("GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        return client.read_all();
    }
    // What the gateway shows to whoever connects.
    [[nodiscard]] std::string shown() const {
        const Client client = light->connect();
        return http::TlsVisit(client.fd(), "", {}).common_name;
    }
    [[nodiscard]] static std::uint64_t in_flight(LightProcess& process) {
        return contract::decode_in_flight(process.ask({.what = contract::Question::What::in_flight})).value_or(99);
    }

    Folder files;
    const http::CertificateFolder certificates;
    std::atomic<bool> held = true;
    FakeUpstream pool{"/tmp/mpsup-gateway-pool-" + std::to_string(::getpid()), [this](Conversation& conversation) {
                          const std::string request = conversation.read_request();
                          while (request.starts_with("GET /held") && held) std::this_thread::yield();
                          conversation.send(accelerator::ok("the pool"));
                      }};
    std::string address;
    std::optional<LightProcess> light, front;
};

TEST_F(Gateway, LeadsRequestsOfAnotherMachineToThePool) {
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(get("/").ends_with("\r\n\r\nthe pool"));
    EXPECT_EQ(shown(), "gateway");
}

TEST_F(Gateway, SaysHowMuchItHasInHand) {
    EXPECT_EQ(in_flight(*light), 0U);
    Client client = front->connect();
    client.send("GET /held HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (in_flight(*light) != 1 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    EXPECT_EQ(in_flight(*light), 1U);
    EXPECT_EQ(in_flight(*front), 1U);
    held = false;
    EXPECT_TRUE(client.read_all().ends_with("\r\n\r\nthe pool"));
    while (in_flight(*light) != 0 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    EXPECT_EQ(in_flight(*light), 0U);
}

TEST_F(Gateway, GetsNothingNewWhileItIsOut) {
    Client running = front->connect();
    running.send("GET /held HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (in_flight(*light) != 1 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    front->say(contract::Backends{{address}});
    EXPECT_TRUE(front->ask({.what = contract::Question::What::backends}).contains(R"("state":"out","in_flight":1)"));
    const std::string refused = get("/");
    EXPECT_TRUE(refused.starts_with("HTTP/1.1 503 ")) << refused;
    EXPECT_TRUE(refused.contains("\r\nRetry-After: "));
    held = false;
    EXPECT_TRUE(running.read_all().ends_with("\r\n\r\nthe pool")) << "what runs finishes";
    front->say(contract::Backends{});
    EXPECT_EQ(in_flight(*front), 0U);
    EXPECT_TRUE(get("/").ends_with("\r\n\r\nthe pool"));
}

TEST_F(Gateway, AndWhoeverAsksItTakeRenewedPairsWithoutAFailedRequest) {
    const auto replace = [&](const std::string& of, const std::string& with) {
        std::filesystem::rename(path(with + ".key"), path(of + ".key"));
        EXPECT_TRUE(get("/").ends_with("the pool")) << "with half of a pair";
        std::filesystem::rename(path(with + ".crt"), path(of + ".crt"));
    };
    certificates.make("new-gateway", {"127.0.0.1"}, 1, -10, "ca");
    certificates.make("new-front", {}, 1, -10, "ca");
    replace("gateway", "new-gateway");
    replace("front", "new-front");
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (shown() != "new-gateway" && std::chrono::steady_clock::now() < end)
        ASSERT_TRUE(get("/").ends_with("the pool"));
    EXPECT_EQ(shown(), "new-gateway");
    EXPECT_TRUE(get("/").ends_with("the pool"));
}

TEST_F(Gateway, IsNotAskedByWhoHasNoCertificate) {
    contract::Front stranger = accelerator_front();
    stranger.upstream_tls[0].cert = stranger.upstream_tls[0].key = {};
    front.emplace(files.path(), LightProcess::Options{.serves = {}, .front = stranger});
    EXPECT_TRUE(get("/").starts_with("HTTP/1.1 502 "));
    const Client visitor = light->connect();
    const http::TlsVisit visit(visitor.fd(), "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", {});
    EXPECT_EQ(visit.received, "");
}

} // namespace
} // namespace mpsup::static_files

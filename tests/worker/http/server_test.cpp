// What comes before requests, and many loops in one process, over real connections.
#include "worker/http/event_server.h"

#include "tests/worker/http/server.h"

#include <atomic>
#include <deque>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <set>

namespace mpsup::http {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

// Says which client it sees, and in which thread.
class WhoHandler final : public Handler {
public:
    Verdict begin(const Request& request, const Client& client, LogNotes&, Reply& reply) override {
        if (request.path == "/later") return Verdict::later;
        reply.text = client.address + " " + (client.trusted ? "trusted" : "strange") + " " + thread() + "\n";
        return Verdict::answered;
    }
    Task<> serve(Exchange& exchange) override {
        Reply reply;
        reply.text = exchange.client().local_address + ":" + std::to_string(exchange.client().local_port) + "\n";
        static_cast<void>(co_await exchange.send(reply));
    }
    void attach(boost::asio::io_context&) override { attached = true; }
    void detach() noexcept override { detached = true; }

    static std::string thread() { return std::to_string(std::hash<std::thread::id>()(std::this_thread::get_id())); }
    std::atomic<bool> attached = false, detached = false;
};

EventServer::Options quick() {
    EventServer::Options options;
    options.tick = 20ms;
    options.connection.deadlines.handshake = 100ms;
    return options;
}

TEST(ProxyListener, BelievesWhatTheProxySays) {
    WhoHandler handler;
    const TestServer server(&handler, quick(), {.tls = {}, .proxy_protocol = true, .trusted = true});
    TestClient client = server.connect();
    client.send("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n" + std::string(get));
    EXPECT_TRUE(client.read_until(" trusted").ends_with("\r\n\r\n192.0.2.1 trusted"));
    client.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(client.read_until("443\n").ends_with("192.0.2.2:443\n"));
    EXPECT_TRUE(server.logs("192.0.2.1 - - ["));
}

TEST(ProxyListener, PutsTogetherAHeaderThatComesInPieces) {
    WhoHandler handler;
    const TestServer server(&handler, quick(), {.tls = {}, .proxy_protocol = true});
    TestClient client = server.connect();
    for (const char c : std::string_view("PROXY TCP4 192.0.2.9 192.0.2.2 1 2\r\n")) client.send({&c, 1});
    client.send(get);
    EXPECT_TRUE(client.read_until(" strange").ends_with("\r\n\r\n192.0.2.9 strange"));
}

TEST(ProxyListener, HangsUpOnOthers) {
    WhoHandler handler;
    const TestServer server(&handler, quick(), {.tls = {}, .proxy_protocol = true});
    for (const std::string_view bytes : {get, std::string_view("PROXY TCP5\r\n"), std::string_view("PROXY TC")}) {
        TestClient client = server.connect();
        client.send(bytes);
        const std::string reply = client.read_all();
        EXPECT_TRUE(reply.empty() || reply == "[reset]") << reply;
    }
}

TEST(ProxyListener, TakesTheConnectionsOwnAddressForLocalOnes) {
    WhoHandler handler;
    const TestServer server(&handler, quick(), {.tls = {}, .proxy_protocol = true});
    TestClient client = server.connect();
    client.send(std::string("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16) + std::string(get));
    EXPECT_TRUE(client.read_until(" strange").ends_with("\r\n\r\n127.0.0.1 strange"));
}

TEST(Guarded, LimitsConnectionsOfOneAddress) {
    WhoHandler handler;
    EventServer::Options options = quick();
    options.guards.connections = 2;
    const TestServer server(&handler, options);
    TestClient one = server.connect();
    TestClient two = server.connect();
    one.send(get).read_until("strange");
    two.send(get).read_until("strange");
    EXPECT_TRUE(server.connect().read_all().starts_with("HTTP/1.1 429 "));
    one.hang_up();
    bool again = false;
    for (const auto end = Clock::now() + 10s; !again && Clock::now() < end;) {
        TestClient client = server.connect();
        again = client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    .read_all()
                    .starts_with("HTTP/1.1 200");
    }
    EXPECT_TRUE(again);
}

// Connections behind a proxy, each from the address that its number names.
struct Guest {
    Guest(const TestServer& server, int number) : client(server.connect()) {
        client.send("PROXY TCP4 192.0." + std::to_string(number / 250) + "." + std::to_string(number % 250) +
                    " 192.0.2.2 1 443\r\n");
    }
    bool is_let_in() { return !client.send(get).read_until("\n\r\n").contains(" 429 "); }
    void leave() { client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").read_all(); }
    TestClient client;
};

TEST(Guarded, CountsNobodyOutWhoWasNotCountedIn) {
    WhoHandler handler;
    EventServer::Options options = quick();
    options.guards = {.connections = 1, .addresses = 128};
    const TestServer server(&handler, options, {.tls = {}, .proxy_protocol = true});
    std::deque<Guest> crowd;
    for (int i = 0; i < 500; ++i) EXPECT_TRUE(crowd.emplace_back(server, i).is_let_in());
    int number = 499; // of somebody for whom there was no place
    while (!Guest(server, number).is_let_in()) --number;
    Guest uncounted = std::move(crowd[static_cast<std::size_t>(number)]);
    crowd.erase(crowd.begin() + number);
    for (Guest& guest : crowd) guest.leave();
    Guest counted(server, number);
    EXPECT_TRUE(counted.is_let_in());
    EXPECT_FALSE(Guest(server, number).is_let_in());
    uncounted.leave();
    EXPECT_FALSE(Guest(server, number).is_let_in()) << "the one that was counted is still there";
}

TEST(Guarded, LimitsTheRateOfOneAddress) {
    WhoHandler handler;
    EventServer::Options options = quick();
    options.guards.rate = 0.01;
    options.guards.burst = 2;
    const TestServer server(&handler, options);
    TestClient client = server.connect();
    client.send(get).read_until("strange");
    client.send(get).read_until("strange");
    const std::string reply = client.send(get).read_until("Requests\n");
    EXPECT_TRUE(reply.contains("HTTP/1.1 429 Too Many Requests\r\n"));
    EXPECT_TRUE(reply.contains("\r\nRetry-After: 100\r\n")) << reply;
    EXPECT_TRUE(server.logs("\" 429 "));
}

TEST(Guarded, ClosesIdleConnectionsForNewOnes) {
    WhoHandler handler;
    EventServer::Options options = quick();
    options.connections = 10;
    const TestServer server(&handler, options);
    std::vector<TestClient> idle;
    for (int i = 0; i < 10; ++i) {
        idle.push_back(server.connect());
        idle.back().send(get).read_until("strange");
    }
    TestClient late = server.connect();
    EXPECT_TRUE(late.send(get).read_until("strange").contains("200 OK"));
}

TEST(ManyLoops, ShareTheConnectionsEvenly) {
    std::array<WhoHandler, 4> handlers;
    std::array<Handler*, 4> pointers{};
    std::ranges::transform(handlers, pointers.begin(), [](WhoHandler& handler) { return &handler; });
    TestServer server(pointers, quick());
    std::vector<TestClient> clients;
    std::multiset<std::string> threads;
    for (int i = 0; i < 40; ++i) {
        clients.push_back(server.connect());
        const std::string reply = clients.back().send(get).read_until("\n127.0.0.1 strange ");
        threads.insert(clients.back().read_until("\n"));
    }
    EXPECT_EQ(threads.count(*threads.begin()), 10U);
    EXPECT_EQ((std::set<std::string>(threads.begin(), threads.end()).size()), 4U);
    clients.clear();
    server.stop();
    EXPECT_EQ(std::ranges::count(server.log(), '\n'), 40);
    for (const WhoHandler& handler : handlers) EXPECT_TRUE(handler.attached && handler.detached);
}

TEST(ManyLoops, DrainAndReopenTogether) {
    std::array<WhoHandler, 2> handlers;
    const std::array<Handler*, 2> pointers{&handlers[0], &handlers[1]};
    TestServer server(pointers, quick());
    std::vector<TestClient> clients;
    for (int i = 0; i < 4; ++i) {
        clients.push_back(server.connect());
        clients.back().send(get).read_until("strange");
    }
    server.drain(10s);
    for (TestClient& client : clients) {
        std::string reply;
        for (int i = 0; i < 10'000 && !reply.contains("Connection: close"); ++i)
            reply = client.send(get).read_until("strange");
        EXPECT_TRUE(reply.contains("\r\nConnection: close\r\n"));
    }
    clients.clear();
    server.wait();
}

} // namespace
} // namespace mpsup::http

// The real mpsup-light process, over a real contract socket and real connections.
#include "tests/worker/light/light_process.h"

#include "base/listener.h"
#include "tests/worker/http/corpus.h"

#include <csignal>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <thread>

namespace mpsup::static_files {
namespace {

using namespace std::chrono_literals;

class Light : public testing::Test {
protected:
    Light() {
        files.write("index.html", "<p>hello</p>");
        files.write("static/site.css", "body {}");
        files.write("static/big.bin", std::string(3'000'000, 'x'));
    }
    static std::string get(Client& client, std::string_view path) {
        client.send("GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n\r\n");
        return client.read_reply();
    }
    // Requests until one reply says that the connection ends: the news of a drain travel beside the requests.
    static std::string get_until_told_to_leave(Client& client) {
        std::string reply;
        for (int i = 0; i < 10'000 && !reply.contains("\r\nConnection: close\r\n"); ++i) reply = get(client, "/");
        return reply;
    }
    // The count follows the reply by a moment, so it is polled, for two seconds at most.
    static std::uint64_t requests_of(const LightProcess& light, std::uint64_t expected) {
        const auto end = std::chrono::steady_clock::now() + 2s;
        while (light.scoreboard().requests < expected && std::chrono::steady_clock::now() < end)
            std::this_thread::yield();
        return light.scoreboard().requests;
    }
    static int status(const std::string& reply) { return reply.size() < 12 ? 0 : std::stoi(reply.substr(9, 3)); }

    Folder files;
};

TEST_F(Light, SaysWhoItIs) {
    LightProcess light(files.path(), {});
    EXPECT_EQ(light.hello().role, contract::Role::light);
    EXPECT_EQ(light.hello().identity.worker, "docs");
    EXPECT_EQ(light.hello().identity.uuid, "u-1");
    EXPECT_EQ(light.hello().pid, light.pid());
}

TEST_F(Light, ServesFilesOverOneConnection) {
    LightProcess light(files.path(), {});
    Client client = light.connect();
    for (int i = 0; i < 3; ++i) {
        const std::string reply = get(client, "/static/site.css");
        EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 OK\r\n")) << reply;
        EXPECT_TRUE(reply.contains("\r\nContent-Type: text/css; charset=utf-8\r\n")) << reply;
        EXPECT_TRUE(reply.ends_with("\r\n\r\nbody {}")) << reply;
    }
    EXPECT_EQ(status(get(client, "/nothing")), 404);
    EXPECT_TRUE(get(client, "/").ends_with("<p>hello</p>"));
}

TEST_F(Light, SendsLargeFilesWhole) {
    LightProcess light(files.path(), {});
    Client client = light.connect();
    const std::string reply = get(client, "/static/big.bin");
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_EQ(reply.size() - reply.find("\r\n\r\n") - 4, 3'000'000U);
    EXPECT_EQ(status(get(client, "/static/site.css")), 200);
}

TEST_F(Light, AnswersPipelinedRequestsInOrder) {
    LightProcess light(files.path(), {});
    Client client = light.connect();
    std::string requests;
    for (int i = 0; i < 100; ++i)
        requests +=
            i % 2 == 0 ? "GET /static/site.css HTTP/1.1\r\nHost: x\r\n\r\n" : "GET /none HTTP/1.1\r\nHost: x\r\n\r\n";
    client.send(requests);
    for (int i = 0; i < 100; ++i) ASSERT_EQ(status(client.read_reply()), i % 2 == 0 ? 200 : 404) << i;
}

TEST_F(Light, AcceptsPublicConnectionsOnlyWhenToldToServe) {
    LightProcess light(files.path(), {.serves = {}, .grace = 5s, .serve = false, .descriptors = 0});
    Client probe = light.connect_private();
    EXPECT_EQ(status(get(probe, "/")), 200);
    Client early = light.connect(); // waits in the kernel's queue
    early.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(status(get(probe, "/")), 200);
    EXPECT_EQ(requests_of(light, 2), 2U);
    light.say(contract::Serve{});
    EXPECT_EQ(status(early.read_reply()), 200);
}

TEST_F(Light, DrainsAndExitsWithCodeZero) {
    LightProcess light(files.path(), {});
    Client busy = light.connect();
    EXPECT_EQ(status(get(busy, "/")), 200);
    light.say(contract::Drain{5s});
    const std::string last = get_until_told_to_leave(busy);
    EXPECT_TRUE(last.starts_with("HTTP/1.1 200 OK\r\n")) << last;
    EXPECT_TRUE(last.contains("\r\nConnection: close\r\n")) << last;
    EXPECT_EQ(busy.read_all(), "");
    EXPECT_EQ(light.wait_for_exit(), 0);
}

TEST_F(Light, GivesUpOnClientsAtTheEndOfItsGrace) {
    LightProcess light(files.path(), {});
    Client idle = light.connect();
    EXPECT_EQ(status(get(idle, "/")), 200);
    light.say(contract::Drain{300ms});
    EXPECT_EQ(light.wait_for_exit(), 0);
}

TEST_F(Light, ServesOnWhenTheSupervisorIsGoneAndSaysHelloToTheNext) {
    LightProcess light(files.path(), {});
    Client client = light.connect();
    EXPECT_EQ(status(get(client, "/")), 200);
    light.hang_up();
    const auto hello = light.comes_back();
    ASSERT_TRUE(hello);
    EXPECT_EQ(hello->pid, light.pid());
    EXPECT_EQ(hello->identity.uuid, "u-1");
    EXPECT_EQ(hello->stage, contract::Stage::serving);
    EXPECT_EQ(hello->fds, (std::vector{contract::FdRole::public_listener, contract::FdRole::scoreboard}));
    ASSERT_EQ(light.handed_back().size(), 2U);
    EXPECT_TRUE(is_listening(light.handed_back()[0].get()));
    EXPECT_TRUE(contract::ScoreboardReader::open(light.handed_back()[1].get()));
    EXPECT_EQ(status(get(client, "/")), 200);
    light.say(contract::Drain{5s});
    EXPECT_EQ(status(get_until_told_to_leave(client)), 200);
    EXPECT_EQ(light.wait_for_exit(), 0);
}

TEST_F(Light, SaysThatItDrainsWhenItComesBack) {
    LightProcess light(files.path(), {});
    Client client = light.connect();
    EXPECT_EQ(status(get(client, "/")), 200); // it stays for this client
    light.say(contract::Drain{5s});
    light.hang_up();
    const auto hello = light.comes_back();
    ASSERT_TRUE(hello);
    EXPECT_EQ(hello->stage, contract::Stage::draining);
    EXPECT_EQ(hello->fds, std::vector{contract::FdRole::scoreboard});
}

TEST_F(Light, LooksForASupervisorUntilOneKeepsIt) {
    LightProcess light(files.path(), {});
    light.hang_up();
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(light.comes_back());
        light.hang_up();
    }
    Client client = light.connect();
    EXPECT_EQ(status(get(client, "/")), 200);
}

TEST_F(Light, DrainsOnSigterm) {
    LightProcess light(files.path(), {});
    light.signal(SIGTERM);
    EXPECT_EQ(light.wait_for_exit(), 0);
}

TEST_F(Light, SaysWhyItCannotStart) {
    LightProcess light(files.path("nowhere"), {});
    EXPECT_EQ(light.wait_for_exit(), 1);
}

TEST_F(Light, CountsRequestsInItsScoreboard) {
    LightProcess light(files.path(), {});
    Client client = light.connect();
    for (int i = 0; i < 5; ++i) EXPECT_EQ(status(get(client, "/")), 200);
    client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(status(client.read_all()), 200);
    EXPECT_EQ(requests_of(light, 6), 6U);
    EXPECT_EQ(light.scoreboard().activity, '_');
}

TEST_F(Light, LogsEveryRequest) {
    LightProcess light(files.path(), {});
    Client client = light.connect();
    client.send("GET /static/site.css HTTP/1.1\r\nHost: x\r\nUser-Agent: a\"b\r\nReferer: http://r/\r\n\r\n");
    EXPECT_EQ(status(client.read_reply()), 200);
    client.send("BAD\x1b[31m\r\n\r\n");
    EXPECT_EQ(status(client.read_all()), 400);
    light.signal(SIGTERM);
    EXPECT_EQ(light.wait_for_exit(), 0);
    const std::string log = light.access_log();
    EXPECT_TRUE(log.starts_with("127.0.0.1 - - [")) << log;
    EXPECT_TRUE(log.contains("] \"GET /static/site.css HTTP/1.1\" 200 7 \"http://r/\" \"a\\\"b\"\n")) << log;
    EXPECT_TRUE(log.contains("] \"BAD\\x1b[31m\" 400 ")) << log;
}

TEST_F(Light, LetsTheClientReadTheRefusalOfAnUpload) {
    LightProcess light(files.path(), {});
    Client client = light.connect();
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + std::string(60'000, 'u'));
    const std::string reply = client.read_all();
    EXPECT_EQ(status(reply), 405) << reply;
    EXPECT_TRUE(reply.contains("\r\nAllow: GET, HEAD\r\n"));
    EXPECT_FALSE(reply.contains("[reset]")) << reply;
}

TEST_F(Light, CutsTheReplyWhenTheFileShrinks) {
    files.write("static/huge.bin", "");
    std::filesystem::resize_file(files.path("static/huge.bin"), 64'000'000);
    LightProcess light(files.path(), {});
    Client client = light.connect();
    client.send("GET /static/huge.bin HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
    // The kernel's buffers are full long before the end, so the rest is not sent yet.
    char first[1] = {};
    ASSERT_EQ(::recv(client.fd(), first, 1, MSG_PEEK), 1);
    std::filesystem::resize_file(files.path("static/huge.bin"), 100);
    const std::string reply = client.read_all();
    EXPECT_LT(reply.size(), 64'000'000U);
    EXPECT_FALSE(reply.contains("hello"));
    Client next = light.connect();
    EXPECT_EQ(status(get(next, "/")), 200);
}

TEST_F(Light, Fault23SurvivesRunningOutOfDescriptors) {
    LightProcess light(files.path(), {.serves = {}, .grace = 5s, .serve = true, .descriptors = 40});
    std::vector<Client> crowd;
    for (int i = 0; i < 80; ++i) crowd.push_back(light.connect());
    for (Client& client : crowd) client.send("GET / HTTP/1.0\r\n\r\n");
    int served = 0;
    for (Client& client : crowd) {
        const std::string reply = client.read_all();
        const bool is_served = status(reply) == 200 || status(reply) == 503;
        served += is_served ? 1 : 0;
        // Who had said nothing yet makes room for others.
        EXPECT_TRUE(is_served || reply.empty() || reply == "[reset]") << reply;
    }
    EXPECT_GE(served, 40);
    Client after = light.connect();
    EXPECT_EQ(status(get(after, "/")), 200);
}

TEST_F(Light, AnswersTheWholeCorpusAndKeepsServing) {
    LightProcess light(files.path(), {});
    for (const auto& test : http::load_corpus()) {
        Client good_before = light.connect();
        ASSERT_EQ(status(get(good_before, "/")), 200) << "before " << test.name;
        Client client = light.connect();
        client.send(test.bytes);
        client.stop_sending();
        const std::string reply = client.read_all();
        EXPECT_FALSE(reply.contains("[reset]")) << test.name;
        const bool only_other_methods = status(reply) == 405;
        EXPECT_TRUE(!test.scored || only_other_methods || http::passes(test.expected, status(reply), true))
            << test.name << " expects " << test.expected << ", got " << reply.substr(0, 60);
        ASSERT_EQ(status(get(good_before, "/")), 200) << "after " << test.name;
    }
}

} // namespace
} // namespace mpsup::static_files

// An accelerator between real sockets: what clients get of what upstreams say.
#include "worker/accelerator/forwarding.h"

#include "base/listener.h"
#include "tests/worker/accelerator/fake_upstream.h"
#include "tests/worker/accelerator/front_server.h"
#include "tests/worker/accelerator/origin.h"

#include <gtest/gtest.h>
#include <latch>
#include <set>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mpsup::accelerator {
namespace {

using namespace std::chrono_literals;

// Answers every request of a connection with what a function of it says.
FakeUpstream::Script each(std::function<std::string(const std::string&)> answer) {
    return [answer = std::move(answer)](Conversation& conversation) {
        for (std::string request; !(request = conversation.read_request()).empty();) conversation.send(answer(request));
    };
}
FakeUpstream::Script always(std::string response) {
    return each([response = std::move(response)](const std::string&) { return response; });
}

std::string socket_path() {
    static std::atomic<int> count = 0;
    return "/tmp/mpsup-pool-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

TEST(Forwarding, PassesRequestAndResponse) {
    std::string seen;
    FakeUpstream upstream(each([&](const std::string& request) {
        seen = request;
        return ok("hello", "X-Thing: 1\r\n");
    }));
    const FrontServer front(front_to({upstream.address()}));
    const std::string reply = front.get("/a?b", "X-Mine: 2\r\n");
    EXPECT_EQ(status_of(reply), 200);
    EXPECT_EQ(content_of(reply), "hello");
    EXPECT_TRUE(reply.contains("X-Thing: 1\r\n"));
    EXPECT_TRUE(reply.contains("Via: 1.1 mpsup\r\n"));
    EXPECT_TRUE(seen.starts_with("GET /a?b HTTP/1.1\r\nHost: example.org\r\n"));
    EXPECT_TRUE(seen.contains("X-Mine: 2\r\n"));
    EXPECT_TRUE(seen.contains("X-Forwarded-For: 127.0.0.1\r\n"));
}

TEST(Forwarding, KeepsConnectionsToBackends) {
    FakeUpstream upstream(always(ok("hello")));
    const FrontServer front(front_to({upstream.address()}));
    for (int i = 0; i < 5; ++i) EXPECT_EQ(content_of(front.get("/")), "hello");
    EXPECT_EQ(upstream.connections(), 1);
}

TEST(Forwarding, MakesOneConnectionForEachRequestOfAPool) {
    FakeUpstream upstream(socket_path(), [](Conversation& conversation) {
        const std::string request = conversation.read_request();
        conversation.send(
            ok(request.contains("Connection: close\r\n") ? "closes" : "stays", "Mpsup-Child: 4711 3 100\r\n"));
    });
    FrontServer front(front_to({upstream.address()}));
    for (int i = 0; i < 3; ++i) {
        const std::string reply = front.get("/");
        EXPECT_EQ(content_of(reply), "closes");
        EXPECT_FALSE(reply.contains("Mpsup"));
    }
    EXPECT_EQ(upstream.connections(), 3);
}

TEST(Forwarding, ReadsTheWholeRequestFirst) {
    std::string seen;
    FakeUpstream upstream(each([&](const std::string& request) {
        seen = request;
        return ok("done");
    }));
    const FrontServer front(front_to({upstream.address()}));
    http::TestClient client = front.connect();
    client.send("POST /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    EXPECT_EQ(upstream.connections(), 0);
    client.send("6\r\n world\r\n0\r\n\r\n");
    EXPECT_EQ(content_of(client.read_all()), "done");
    EXPECT_TRUE(seen.contains("\r\nContent-Length: 11\r\n")) << seen;
    EXPECT_FALSE(seen.contains("Transfer-Encoding"));
    EXPECT_TRUE(seen.ends_with("\r\n\r\nhello world"));
}

TEST(Forwarding, Fault63PutsLargeUploadsOnDisk) {
    std::size_t size = 0;
    FakeUpstream upstream(each([&](const std::string& request) {
        size = request.size() - request.find("\r\n\r\n") - 4;
        return ok("done");
    }));
    contract::Front setup = front_to({upstream.address()});
    setup.routes[0].buffer.request = 10'000;
    const FrontServer front(setup);
    const std::string content(3'000'000, 'x');
    EXPECT_EQ(content_of(front.ask(
                  "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3000000\r\n\r\n" + content)),
              "done");
    EXPECT_EQ(size, content.size());
}

TEST(Forwarding, Fault63RefusesWhatNeverFits) {
    FakeUpstream upstream(always(ok("done")));
    contract::Front setup = front_to({upstream.address()});
    setup.routes[0].buffer = {10'000, 10'000, 20'000};
    const FrontServer front(setup);
    EXPECT_EQ(status_of(front.ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 40000\r\n\r\n")), 413);
    const std::string chunk = "9c40\r\n" + std::string(40'000, 'x') + "\r\n0\r\n\r\n";
    EXPECT_EQ(status_of(front.ask("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk)), 413);
    EXPECT_EQ(upstream.connections(), 0);
}

TEST(Forwarding, Fault34AnswersWhenTheDiskIsFull) {
    FakeUpstream upstream(always(ok("done")));
    contract::Front setup = front_to({upstream.address()});
    setup.routes[0].buffer.request = 0;
    setup.buffer_folder = "/tmp/mpsup-there-is-no-such-folder";
    const FrontServer front(setup);
    EXPECT_EQ(status_of(front.ask("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello")),
              507);
    EXPECT_EQ(status_of(front.get("/")), 200);
}

TEST(Forwarding, FreesTheChildBeforeASlowClientHasRead) {
    const std::string content(12'000'000, 'x');
    std::atomic<bool> free = false;
    FakeUpstream upstream(socket_path(), [&](Conversation& conversation) {
        conversation.read_request();
        conversation.send(ok(content));
        conversation.hang_up();
        free = true;
    });
    contract::Front setup = front_to({upstream.address()});
    setup.routes[0].buffer.request = 1'000'000;
    const FrontServer front(setup);
    http::TestClient client = front.connect();
    client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const auto end = http::Clock::now() + 10s;
    while (!free && http::Clock::now() < end) std::this_thread::yield();
    EXPECT_TRUE(free) << "though the client has not read a byte";
    EXPECT_EQ(content_of(client.read_all()), content);
}

TEST(Forwarding, LetsTheUpstreamWaitWhenThereIsNoRoom) {
    const std::string block(1'000'000, 'x');
    std::atomic<int> sent = 0;
    FakeUpstream upstream([&](Conversation& conversation) {
        conversation.read_request();
        conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 40000000\r\n\r\n");
        for (; sent < 40 && conversation.try_send(block); ++sent) {
        }
    });
    contract::Front setup = front_to({upstream.address()});
    setup.routes[0].buffer = {100'000, 100'000, 200'000};
    FrontServer front(setup);
    http::TestClient client = front.connect();
    client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    client.read_some(1);
    std::size_t got = 1;
    for (std::string piece; !(piece = client.read_some(1'000'000)).empty();) got += piece.size();
    EXPECT_GT(got, 40'000'000U);
    EXPECT_EQ(front.state().budget().disk(), 0U);
    EXPECT_EQ(front.state().budget().memory(), 0U);
}

TEST(Forwarding, StreamsEvents) {
    std::atomic<bool> go_on = false;
    FakeUpstream upstream([&](Conversation& conversation) {
        conversation.read_request();
        conversation.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
        conversation.send("data: 1\n\n");
        while (!go_on) std::this_thread::yield();
        conversation.send("data: 2\n\n");
    });
    const FrontServer front(front_to({upstream.address()}));
    http::TestClient client = front.connect();
    client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(client.read_until("data: 1\n\n").contains("text/event-stream"));
    go_on = true;
    EXPECT_TRUE(client.read_all().contains("data: 2\n\n"));
}

TEST(Forwarding, GivesSmallChunkedResponsesALength) {
    FakeUpstream upstream(
        always("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"));
    const FrontServer front(front_to({upstream.address()}));
    const std::string reply = front.get("/");
    EXPECT_TRUE(reply.contains("Content-Length: 11\r\n"));
    EXPECT_EQ(content_of(reply), "hello world");
}

TEST(Forwarding, PassesHeadAndStatusWithoutContent) {
    FakeUpstream upstream(each([](const std::string& request) {
        if (request.starts_with("HEAD")) return std::string("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
        return std::string("HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n");
    }));
    const FrontServer front(front_to({upstream.address()}));
    const std::string head = front.ask("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(head.contains("Content-Length: 5\r\n"));
    EXPECT_EQ(content_of(head), "");
    EXPECT_EQ(status_of(front.get("/")), 204);
    EXPECT_EQ(upstream.connections(), 1);
}

TEST(Forwarding, LetsAWebSocketThrough) {
    FakeUpstream upstream([&](Conversation& conversation) {
        const std::string request = conversation.read_request();
        if (!request.contains("Upgrade: websocket\r\n")) return;
        conversation.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                          "Sec-WebSocket-Accept: y\r\n\r\nfirst;");
        conversation.send("echo:" + conversation.read_all());
    });
    const FrontServer front(front_to({upstream.address()}));
    http::TestClient client = front.connect();
    client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
                "Sec-WebSocket-Key: k\r\n\r\n");
    const std::string head = client.read_until("first;");
    EXPECT_TRUE(head.starts_with("HTTP/1.1 101 ")) << head;
    EXPECT_TRUE(head.contains("Sec-WebSocket-Accept: y\r\n"));
    client.send("from the client").stop_sending();
    EXPECT_EQ(client.read_all(), "echo:from the client");
}

TEST(Forwarding, PassesEarlyHints) {
    FakeUpstream upstream(always("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + ok("hello")));
    const FrontServer front(front_to({upstream.address()}));
    EXPECT_TRUE(front.get("/").starts_with("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n"));
}

TEST(Forwarding, Fault61CutsWhatIsNotWhole) {
    for (const char* broken : {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello",
                               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX"}) {
        FakeUpstream upstream([&](Conversation& conversation) {
            conversation.read_request();
            conversation.send(broken);
        });
        const FrontServer front(front_to({upstream.address()}));
        const std::string reply = front.get("/");
        EXPECT_FALSE(reply.ends_with("0\r\n\r\n")) << reply;
        EXPECT_TRUE(reply.empty() || reply.contains("[reset]") || reply.contains("Content-Length: 100")) << reply;
    }
}

TEST(Forwarding, Fault61AnswersBadGateway) {
    for (const char* nonsense :
         {"", "nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
          "HTTP/1.1 200 OK\nContent-Length: 0\n\n", "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", "HTTP/1.1 200 OK\r\n",
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"}) {
        FakeUpstream upstream([&](Conversation& conversation) {
            conversation.read_request();
            conversation.send(nonsense);
        });
        const FrontServer front(front_to({upstream.address()}));
        EXPECT_EQ(status_of(front.get("/")), 502) << nonsense;
    }
}

TEST(Forwarding, Fault61DoesNotUseAConnectionWithExtraBytesAgain) {
    FakeUpstream upstream(always(ok("hello") + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"));
    const FrontServer front(front_to({upstream.address()}));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(content_of(front.get("/")), "hello");
    EXPECT_EQ(upstream.connections(), 3);
}

TEST(Forwarding, Fault61TakesNothingForAnAnswerThatCameBeforeTheRequest) {
    std::atomic<int> sent = 0;
    FakeUpstream upstream([&](Conversation& conversation) {
        const std::string request = conversation.read_request();
        if (!request.starts_with("GET /first ")) return conversation.send(ok("good")), void();
        conversation.send(ok("first"));
        while (sent == 0) std::this_thread::yield();
        conversation.send(ok("evil"));
        sent = 2;
        conversation.read_all();
    });
    const FrontServer front(front_to({upstream.address()}));
    EXPECT_EQ(content_of(front.get("/first")), "first");
    sent = 1;
    while (sent == 1) std::this_thread::yield();
    EXPECT_EQ(content_of(front.get("/second")), "good");
}

TEST(Forwarding, Fault62DoesNotCountAKeptConnectionThatHadEnded) {
    std::atomic<bool> end = false;
    std::atomic<bool> ended = false;
    FakeUpstream upstream([&](Conversation& conversation) {
        conversation.read_request();
        conversation.send(ok("good"));
        while (!end) std::this_thread::yield();
        conversation.hang_up();
        ended = true;
    });
    const FrontServer front(front_to({upstream.address()}));
    EXPECT_EQ(content_of(front.get("/")), "good");
    end = true;
    while (!ended) std::this_thread::yield();
    EXPECT_EQ(content_of(front.get("/")), "good");
    EXPECT_EQ(upstream.connections(), 2);
}

TEST(Forwarding, Fault61StopsReadingAHeadWithoutEnd) {
    FakeUpstream upstream([&](Conversation& conversation) {
        conversation.read_request();
        conversation.send("HTTP/1.1 200 OK\r\n");
        while (conversation.try_send("X-Field: " + std::string(1000, 'x') + "\r\n")) {
        }
    });
    const FrontServer front(front_to({upstream.address()}));
    EXPECT_EQ(status_of(front.get("/")), 502);
}

TEST(Forwarding, Fault62TriesASafeRequestOnceMore) {
    std::atomic<int> count = 0;
    FakeUpstream upstream([&](Conversation& conversation) {
        conversation.read_request();
        if (++count == 1) return;
        conversation.send(ok("second"));
    });
    const FrontServer front(front_to({upstream.address()}));
    EXPECT_EQ(content_of(front.get("/")), "second");
    EXPECT_EQ(count, 2);
}

TEST(Forwarding, Fault62NeverSendsAPostTwice) {
    std::atomic<int> count = 0;
    FakeUpstream upstream([&](Conversation& conversation) {
        conversation.read_request();
        ++count;
    });
    const FrontServer front(front_to({upstream.address()}));
    EXPECT_EQ(status_of(front.ask("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi")),
              502);
    EXPECT_EQ(count, 1);
}

TEST(Forwarding, Fault62GoesToAnotherBackendWhenOneRefuses) {
    FakeUpstream gone(always(ok("gone")));
    FakeUpstream there(always(ok("there")));
    const std::string address = gone.address();
    gone.stop();
    const FrontServer front(front_to({address, there.address()}));
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(content_of(front.get("/")), "there");
        EXPECT_EQ(
            content_of(front.ask("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi")),
            "there");
    }
}

TEST(Forwarding, Fault62AnswersWhenAllAreDown) {
    FakeUpstream gone(always(ok("gone")));
    const std::string address = gone.address();
    gone.stop();
    const FrontServer front(front_to({address}));
    EXPECT_EQ(status_of(front.get("/")), 502);
    const FrontServer pool(front_to({"unix:/tmp/mpsup-there-is-no-such-socket"}));
    const std::string reply = pool.get("/");
    EXPECT_EQ(status_of(reply), 503);
    EXPECT_TRUE(reply.contains("Retry-After: "));
}

TEST(Forwarding, Fault62SendsNothingToABackendWhoseChecksFail) {
    std::atomic<bool> well = true;
    std::atomic<int> served = 0;
    FakeUpstream sick([&](Conversation& conversation) {
        for (std::string request; !(request = conversation.read_request()).empty();) {
            const bool check = request.starts_with("GET /check ");
            if (!check) ++served;
            conversation.send(!check || well ? ok("sick") : "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
        }
    });
    FakeUpstream healthy(always(ok("healthy")));
    contract::Front setup = front_to({sick.address(), healthy.address()});
    setup.routes[0].health.check_path = "/check";
    setup.routes[0].health.check_every = 10ms;
    setup.routes[0].health.slow_start = 0ms;
    FrontServer front(setup);
    const auto becomes = [&](BackendState state) {
        const auto end = http::Clock::now() + 10s;
        Backends& backends = front.state().destination(0)->backends();
        while (backends.view()[0].state != state && http::Clock::now() < end) std::this_thread::yield();
        return backends.view()[0].state == state;
    };
    well = false;
    EXPECT_TRUE(becomes(BackendState::down));
    const int before = served;
    for (int i = 0; i < 6; ++i) EXPECT_EQ(content_of(front.get("/")), "healthy");
    EXPECT_EQ(served, before);
    well = true;
    EXPECT_TRUE(becomes(BackendState::up));
}

TEST(Forwarding, Fault62AnswersInTimeWhenAnUpstreamHangs) {
    FakeUpstream upstream([&](Conversation& conversation) {
        conversation.read_request();
        conversation.read_all();
    });
    contract::Front setup = front_to({upstream.address()});
    setup.routes[0].timeouts.response = 200ms;
    const FrontServer front(setup);
    EXPECT_EQ(status_of(front.get("/")), 504);
}

TEST(Forwarding, Fault62GivesUpAnAnswerThatStops) {
    FakeUpstream upstream([&](Conversation& conversation) {
        conversation.read_request();
        conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
        conversation.read_all();
    });
    contract::Front setup = front_to({upstream.address()});
    setup.routes[0].timeouts.idle = 200ms;
    const FrontServer front(setup);
    const std::string reply = front.get("/");
    EXPECT_TRUE(reply.empty() || reply.ends_with("[reset]") || reply.ends_with("hello")) << reply;
}

TEST(Forwarding, TellsAFullQueueFromASlowChild) {
    const std::string path = socket_path();
    const Fd nobody_accepts = listen_unix(path, SOCK_STREAM, 0600).value();
    contract::Front setup = front_to({"unix:" + path});
    setup.routes[0].queue.timeout = 200ms;
    const FrontServer front(setup);
    const std::string reply = front.get("/");
    EXPECT_EQ(status_of(reply), 503);
    EXPECT_TRUE(reply.contains("Retry-After: "));
    FakeUpstream slow(socket_path(), [](Conversation& conversation) {
        conversation.read_request();
        conversation.read_all();
    });
    setup.routes[0].backends[0].address = slow.address();
    setup.routes[0].timeouts.response = 400ms;
    const FrontServer other(setup);
    EXPECT_EQ(status_of(other.get("/")), 504);
}

TEST(Forwarding, WhatAChildIsAtDoesNotWait) {
    std::latch began(1), is_over(1);
    FakeUpstream pool(socket_path(), [&](Conversation& conversation) {
        const bool is_slow = conversation.read_request().starts_with("GET /slow ");
        if (is_slow) began.count_down();
        if (is_slow) is_over.wait();
        conversation.send(ok("fine"));
    });
    contract::Front setup = front_to({pool.address()});
    setup.routes[0].queue.length = 1;
    const FrontServer front(setup);
    http::TestClient slow = front.connect();
    slow.send("GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    began.wait();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(status_of(front.get("/")), 200);
    is_over.count_down();
    EXPECT_EQ(status_of(slow.read_all()), 200);
}

TEST(Forwarding, QuarantinesWhatKillsChildren) {
    std::atomic<int> count = 0;
    FakeUpstream upstream(socket_path(), [&](Conversation& conversation) {
        const std::string request = conversation.read_request();
        ++count;
        if (!request.starts_with("GET /kills ")) conversation.send(ok("fine"));
    });
    const FrontServer front(front_to({upstream.address()}));
    EXPECT_EQ(status_of(front.get("/kills")), 502); // twice, for it is safe
    EXPECT_EQ(status_of(front.get("/kills")), 502);
    const int before = count;
    const std::string refused = front.get("/kills");
    EXPECT_EQ(status_of(refused), 503);
    EXPECT_TRUE(refused.contains("\r\nRetry-After: 60\r\n") || refused.contains("\r\nRetry-After: 59\r\n")) << refused;
    EXPECT_EQ(count, before);
    EXPECT_EQ(status_of(front.get("/other")), 200);
}

// What a pool's child, `pid`, says that ends in the midst of its answer.
std::string half_of(pid_t pid, int generation = 1) {
    return "HTTP/1.1 200 OK\r\nMpsup-Child: " + std::to_string(pid) + " " + std::to_string(generation) +
           " 1\r\nContent-Length: 10\r\n\r\nhalf";
}

pid_t dead_child() {
    const pid_t dead = ::fork();
    if (dead == 0) ::_exit(0);
    ::waitpid(dead, nullptr, 0);
    return dead;
}

TEST(Forwarding, QuarantinesWhatKillsChildrenInTheMidstOfAnAnswer) {
    const pid_t dead = dead_child();
    FakeUpstream upstream(socket_path(), [&](Conversation& conversation) {
        const std::string request = conversation.read_request();
        conversation.send(half_of(request.starts_with("GET /kills ") ? dead : ::getpid()));
    });
    const FrontServer front(front_to({upstream.address()}));
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(status_of(front.get("/kills")), 200) << i;
        EXPECT_EQ(status_of(front.get("/gives-up")), 200) << i;
    }
    EXPECT_EQ(status_of(front.get("/kills")), 503);
    EXPECT_EQ(status_of(front.get("/gives-up")), 200) << "its child lives on";
}

// Their master ends those that a restart finds busy, at the end of its grace.
TEST(Forwarding, QuarantinesNothingForTheEndOfAnEarlierGeneration) {
    const pid_t dead = dead_child();
    std::atomic<int> generation = 1;
    FakeUpstream upstream(socket_path(), [&](Conversation& conversation) {
        const std::string request = conversation.read_request();
        conversation.send(request.starts_with("GET /new ") ? half_of(::getpid(), 2) : half_of(dead, generation));
    });
    const FrontServer front(front_to({upstream.address()}));
    EXPECT_EQ(status_of(front.get("/new")), 200);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(status_of(front.get("/")), 200) << i;
    generation = 2;
    for (int i = 0; i < 3; ++i) EXPECT_EQ(status_of(front.get("/")), 200) << i;
    EXPECT_EQ(status_of(front.get("/")), 503);
}

TEST(Forwarding, CancelsWhatNobodyWaitsFor) {
    std::atomic<bool> hung_up = false;
    FakeUpstream upstream([&](Conversation& conversation) {
        conversation.read_request();
        conversation.read_all();
        hung_up = true;
    });
    const FrontServer front(front_to({upstream.address()}));
    http::TestClient client = front.connect();
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto end = http::Clock::now() + 10s;
    while (upstream.connections() == 0 && http::Clock::now() < end) std::this_thread::yield();
    client.hang_up();
    while (!hung_up && http::Clock::now() < end) std::this_thread::yield();
    EXPECT_TRUE(hung_up);
}

TEST(Forwarding, AnswersMaintenance) {
    FakeUpstream upstream(always(ok("hello")));
    FrontServer front(front_to({upstream.address()}));
    front.state().set_maintenance(true);
    const std::string reply = front.get("/");
    EXPECT_EQ(status_of(reply), 503);
    EXPECT_TRUE(reply.contains("Retry-After: "));
    front.state().set_maintenance(false);
    EXPECT_EQ(status_of(front.get("/")), 200);
}

TEST(Forwarding, RewritesTheBackendsAddress) {
    FakeUpstream* self = nullptr;
    FakeUpstream upstream(
        each([&](const std::string&) { return ok("", "Location: http://" + self->address() + "/there\r\n"); }));
    self = &upstream;
    const FrontServer front(front_to({upstream.address()}));
    EXPECT_TRUE(front.get("/").contains("Location: http://example.org/there\r\n"));
}

// A pool of this machine, and the same elsewhere.
class OwnAndOthers : public testing::Test {
protected:
    static constexpr auto by_pool = "pool";
    static constexpr auto by_other = "other";

    [[nodiscard]] contract::Front setup() const {
        contract::Front made = front_to({"unix:" + path, other.address()});
        made.routes[0].health.eject_after = 2;
        return made;
    }
    // As a child does: one request a connection.
    [[nodiscard]] static FakeUpstream::Script child() {
        return [](Conversation& conversation) {
            const std::string request = conversation.read_request();
            const bool closes = request.contains("Connection: close\r\n");
            conversation.send(ok(closes ? by_pool : "not asked to close", "Mpsup-Child: 4711 3 100\r\n"));
        };
    }
    const std::string path = socket_path();
    FakeUpstream other{each([](const std::string& request) {
        return ok(request.contains("Connection: close") ? "asked to close" : by_other);
    })};
};

TEST_F(OwnAndOthers, AreAskedInThatOrder) {
    const FakeUpstream pool(path, child());
    const FrontServer front(setup());
    for (int i = 0; i < 5; ++i) EXPECT_EQ(content_of(front.get("/")), by_pool);
    EXPECT_EQ(other.connections(), 0);
}

TEST_F(OwnAndOthers, TheOthersTakeWhatThePoolCannotBegin) {
    const Fd listener = listen_unix(path, SOCK_STREAM, 0600).value(); // nobody accepts
    FrontServer front(setup());
    http::TestClient first = front.connect();
    first.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const auto waits = [&] { return front.state().destination(0)->queue().waiting_since().has_value(); };
    const auto end = http::Clock::now() + 10s;
    while (!waits() && http::Clock::now() < end) std::this_thread::yield();
    ASSERT_TRUE(waits());
    while (front.state().destination(0)->queue().is_short(http::Clock::now())) std::this_thread::yield();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(content_of(front.get("/")), by_other);
    EXPECT_EQ(other.connections(), 1) << "which is kept";
}

TEST_F(OwnAndOthers, TheOthersTakeOverWhenThePoolIsGone) {
    FrontServer front(setup());
    for (int i = 0; i < 4; ++i) EXPECT_EQ(content_of(front.get("/")), by_other);
    EXPECT_EQ(front.state().destination(0)->backends().view()[0].state, BackendState::ejected);
    EXPECT_EQ(content_of(front.ask("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx")),
              by_other);
}

TEST_F(OwnAndOthers, ThePoolTakesAllWhenTheOthersAreOut) {
    const FakeUpstream pool(path, child());
    FrontServer front(setup());
    const std::vector<std::string> out{other.address()};
    front.state().set_out(out);
    other.stop();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(content_of(front.get("/")), by_pool);
}

TEST(Forwarding, SendsNothingToBackendsThatAreOut) {
    FakeUpstream a(always(ok("a")));
    FakeUpstream b(always(ok("b")));
    FrontServer front(front_to({a.address(), b.address()}));
    front.state().set_out(std::vector{a.address()});
    for (int i = 0; i < 4; ++i) EXPECT_EQ(content_of(front.get("/")), "b");
    front.state().set_out(std::vector{a.address(), b.address()});
    const std::string refused = front.get("/");
    EXPECT_EQ(status_of(refused), 503);
    EXPECT_TRUE(refused.contains("\r\nRetry-After: "));
    front.state().set_out({});
    std::set<std::string> seen;
    for (int i = 0; i < 4; ++i) seen.insert(content_of(front.get("/")));
    EXPECT_EQ(seen, (std::set<std::string>{"a", "b"}));
}

} // namespace
} // namespace mpsup::accelerator

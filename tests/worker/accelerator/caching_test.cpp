// An accelerator with a cache, between real sockets.
#include "tests/worker/accelerator/origin.h"
#include "worker/accelerator/forwarding.h"

#include <barrier>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <gtest/gtest.h>

namespace mpsup::accelerator {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view post =
    "POST / HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi";

std::string numbered(int count, std::string_view fields) { return ok("answer " + std::to_string(count), fields); }

TEST(Caching, AnswersFromTheStore) {
    Origin origin([](const std::string&, int count) { return numbered(count, "Cache-Control: max-age=60\r\n"); });
    const FrontServer front(origin.front(), memory);
    const std::string first = front.get("/");
    EXPECT_EQ(content_of(first), "answer 1");
    EXPECT_TRUE(field(first, "Cache-Status").contains("fwd=uri-miss")) << first;
    EXPECT_TRUE(field(first, "Cache-Status").contains("stored"));
    const std::string second = front.get("/");
    EXPECT_EQ(content_of(second), "answer 1");
    EXPECT_TRUE(field(second, "Cache-Status").starts_with("mpsup; hit; ttl=")) << second;
    EXPECT_NE(field(second, "Age"), "none");
    EXPECT_EQ(origin.count, 1);
}

// Where nothing is kept they may be for somebody else.
TEST(Caching, ShowsTheTagsOfWhatItKeepsToNobody) {
    Origin origin([](const std::string&, int count) {
        return numbered(count, "Cache-Control: max-age=60\r\nCache-Tag: a\r\nsurrogate-key: b\r\nX-Last: 1\r\n");
    });
    const FrontServer front(origin.front(), memory);
    for (const std::string_view path : {"/", "/", "/?second"}) {
        const std::string reply = front.get(path);
        EXPECT_EQ(field(reply, "Cache-Tag"), "none") << reply;
        EXPECT_EQ(field(reply, "surrogate-key"), "none") << reply;
        EXPECT_EQ(field(reply, "X-Last"), "1");
        EXPECT_NE(field(reply, "X-Request-Id"), "none");
    }
    EXPECT_EQ(field(front.ask(post), "Cache-Tag"), "none");
    EXPECT_EQ(origin.count, 3);
    auto without = origin.front();
    without.routes[0].cache.on = false;
    EXPECT_EQ(field(FrontServer(without).get("/"), "Cache-Tag"), "a");
}

TEST(Caching, StoresLargeResponses) {
    const std::string content(500'000, 'x');
    Origin origin([&](const std::string&, int) { return ok(content, "Cache-Control: max-age=60\r\n"); });
    const FrontServer front(origin.front(), memory);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(content_of(front.get("/")), content);
    EXPECT_EQ(origin.count, 1);
}

TEST(Caching, AnswersConditionsHeadsAndRangesFromACopy) {
    Origin origin(
        [](const std::string&, int) { return ok("0123456789", "Cache-Control: max-age=60\r\nETag: \"a\"\r\n"); });
    const FrontServer front(origin.front(), memory);
    static_cast<void>(front.get("/"));
    const std::string same = front.get("/", "If-None-Match: \"a\"\r\n");
    EXPECT_EQ(status_of(same), 304);
    EXPECT_EQ(field(same, "ETag"), "\"a\"");
    const std::string part = front.get("/", "Range: bytes=2-4\r\n");
    EXPECT_EQ(status_of(part), 206);
    EXPECT_EQ(content_of(part), "234");
    EXPECT_EQ(field(part, "Content-Range"), "bytes 2-4/10");
    EXPECT_EQ(status_of(front.get("/", "Range: bytes=20-\r\n")), 416);
    const std::string two = front.get("/", "Range: bytes=0-0,9-9\r\n");
    EXPECT_TRUE(field(two, "Content-Type").starts_with("multipart/byteranges; boundary=")) << two;
    EXPECT_TRUE(content_of(two).contains("Content-Range: bytes 9-9/10\r\n\r\n9\r\n"));
    const std::string head = front.ask("HEAD / HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(field(head, "Content-Length"), "10");
    EXPECT_EQ(content_of(head), "");
    EXPECT_EQ(origin.count, 1);
}

class CachingOnDisk : public testing::Test {
protected:
    CachingOnDisk() {
        std::string pattern = "/tmp/mpsup-caching-XXXXXX";
        folder = ::mkdtemp(pattern.data());
    }
    ~CachingOnDisk() override { std::filesystem::remove_all(folder); }
    contract::Front front(Origin& origin) const {
        contract::Front made = origin.front();
        made.cache_folder = folder + "/cache";
        made.cache_disk = 64 << 20;
        return made;
    }
    std::string folder;
};

TEST_F(CachingOnDisk, AnswersWhatMemoryLost) {
    Origin origin([](const std::string& request, int) {
        const std::string path = request.substr(4, request.find(' ', 4) - 4);
        return ok(path + std::string(20'000, 'x'), "Cache-Control: max-age=60\r\n");
    });
    {
        const FrontServer server(front(origin), 1 << 20);
        for (int i = 0; i < 100; ++i) static_cast<void>(server.get("/" + std::to_string(i)));
        for (int i = 0; i < 100; ++i)
            EXPECT_TRUE(content_of(server.get("/" + std::to_string(i))).starts_with("/" + std::to_string(i) + "x"));
        EXPECT_EQ(origin.count, 100);
    }
    const FrontServer server(front(origin), 1 << 20); // with another memory
    for (int i = 0; i < 30; ++i)
        EXPECT_TRUE(field(server.get("/" + std::to_string(i)), "Cache-Status").starts_with("mpsup; hit"));
    EXPECT_EQ(origin.count, 100);
}

TEST_F(CachingOnDisk, SendsWhatNeverWasInMemory) {
    std::string content;
    while (content.size() < 6'000'000) content += std::to_string(content.size()) + " ";
    Origin origin([&](const std::string&, int) { return ok(content, "Cache-Control: max-age=60\r\nETag: \"a\"\r\n"); });
    const FrontServer server(front(origin), 1 << 20);
    EXPECT_EQ(content_of(server.get("/")), content);
    server.store().disk()->finish();
    EXPECT_EQ(content_of(server.get("/")), content);
    const std::string part = server.get("/", "Range: bytes=5000000-5200000\r\n");
    EXPECT_EQ(status_of(part), 206);
    EXPECT_EQ(content_of(part), content.substr(5'000'000, 200'001));
    EXPECT_EQ(field(part, "Content-Range"), "bytes 5000000-5200000/" + std::to_string(content.size()));
    EXPECT_EQ(status_of(server.get("/", "If-None-Match: \"a\"\r\n")), 304);
    const std::string head = server.ask("HEAD / HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(field(head, "Content-Length"), std::to_string(content.size()));
    EXPECT_EQ(content_of(head), "");
    EXPECT_EQ(origin.count, 1);
}

TEST_F(CachingOnDisk, ReadsNoContentForAHead) {
    std::string content;
    while (content.size() < 6'000'000) content += std::to_string(content.size()) + " ";
    Origin origin([&](const std::string&, int) { return ok(content, "Cache-Control: max-age=60\r\n"); });
    const FrontServer server(front(origin), 1 << 20);
    static_cast<void>(server.get("/"));
    server.store().disk()->finish();
    {
        std::fstream file(folder + "/cache/tier", std::ios::binary | std::ios::in | std::ios::out);
        const std::string image{std::istreambuf_iterator<char>(file), {}};
        const std::size_t at = image.find(content.substr(1000, 1000));
        ASSERT_NE(at, std::string::npos);
        file.seekp(static_cast<std::streamoff>(at));
        file.put('?');
    }
    const std::string both = server.ask("HEAD / HTTP/1.1\r\nHost: example.org\r\n\r\n"
                                        "HEAD / HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(field(both, "Content-Length"), std::to_string(content.size()));
    EXPECT_EQ(status_of(content_of(both)), 200) << both;
    EXPECT_EQ(server.store().disk()->stats().damaged, 0U);
    EXPECT_EQ(origin.count, 1);
}

// Threads that read are the tier's, and may come back later than that.
TEST_F(CachingOnDisk, TellsNothingToALoopThatHasEnded) {
    const std::string content(300'000, 'x');
    Origin origin([&](const std::string&, int) { return ok(content, "Cache-Control: max-age=60\r\n"); });
    FrontServer server(front(origin), 1 << 20);
    static_cast<void>(server.get("/"));
    cache::DiskTier& disk = *server.store().disk();
    disk.finish();
    const auto accelerator = Accelerator::make(server.state()).value();
    boost::asio::io_context loop;
    accelerator->attach(loop);
    std::promise<void> go_on;
    std::barrier<> all(3); // two threads read, and this one
    const auto keep_busy = [&](const std::function<void()>& with) {
        for (int i = 0; i < 2; ++i) ASSERT_TRUE(disk.load({1, 1}, [with](const cache::Hit&) { with(); }));
    };
    keep_busy([go = go_on.get_future().share()] { go.wait(); });
    http::Request request;
    request.method = "GET";
    request.target = request.path = "/";
    request.authority = "example.org";
    const cache::CacheRequest asked = accelerator->state().read_for_cache(request, false, 0);
    boost::asio::co_spawn(loop, accelerator->find(asked, {}), boost::asio::detached);
    loop.poll();
    accelerator->detach();
    go_on.set_value();
    keep_busy([&] { all.arrive_and_wait(); });
    all.arrive_and_wait(); // what was asked for before has been read
    EXPECT_EQ(loop.poll(), 0U);
}

TEST_F(CachingOnDisk, IsErasedByUnsafeRequests) {
    const std::string content(300'000, 'x');
    Origin origin([&](const std::string&, int) { return ok(content, "Cache-Control: max-age=60\r\n"); });
    const FrontServer server(front(origin), 1 << 20);
    static_cast<void>(server.get("/"));
    static_cast<void>(server.get("/"));
    EXPECT_EQ(origin.count, 1);
    EXPECT_EQ(status_of(server.ask(post)), 200);
    EXPECT_EQ(content_of(server.get("/")), content);
    EXPECT_EQ(origin.count, 3);
}

TEST(Caching, ValidatesWhatIsStale) {
    Origin origin([](const std::string& request, int count) {
        if (request.contains("If-None-Match: \"a\"\r\n"))
            return std::string(
                "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nCache-Control: max-age=0\r\nX-New: 1\r\n\r\n");
        return numbered(count, "Cache-Control: max-age=0\r\nETag: \"a\"\r\n");
    });
    const FrontServer front(origin.front(), memory);
    static_cast<void>(front.get("/"));
    const std::string second = front.get("/");
    EXPECT_EQ(status_of(second), 200);
    EXPECT_EQ(content_of(second), "answer 1");
    EXPECT_EQ(field(second, "X-New"), "1");
    EXPECT_TRUE(field(second, "Cache-Status").contains("fwd-status=304")) << second;
    EXPECT_EQ(origin.count, 2);
}

TEST(Caching, Fault70FetchesOnceForMany) {
    std::atomic<bool> go_on = false;
    Origin origin([&](const std::string&, int count) {
        while (!go_on) std::this_thread::yield();
        return numbered(count, "Cache-Control: max-age=60\r\n");
    });
    const FrontServer front(origin.front(), memory);
    std::vector<http::TestClient> clients;
    for (int i = 0; i < 50; ++i) {
        clients.push_back(front.connect());
        clients.back().send("GET / HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n");
    }
    std::this_thread::sleep_for(50ms); // until most of them wait; those that come later find it stored
    go_on = true;
    for (http::TestClient& client : clients) EXPECT_EQ(content_of(client.read_all()), "answer 1");
    EXPECT_EQ(origin.count, 1);
}

TEST(Caching, SendsStaleWhileItRenews) {
    Origin origin([](const std::string&, int count) {
        return numbered(count, "Cache-Control: max-age=0, stale-while-revalidate=60\r\n");
    });
    const FrontServer front(origin.front(), memory);
    EXPECT_EQ(content_of(front.get("/")), "answer 1");
    EXPECT_EQ(content_of(front.get("/")), "answer 1");
    const auto end = http::Clock::now() + 10s;
    while (content_of(front.get("/")) == "answer 1" && http::Clock::now() < end) std::this_thread::yield();
    EXPECT_GE(origin.count, 2);
}

TEST(Caching, SendsStaleWhenTheUpstreamFails) {
    Origin origin([](const std::string&, int count) {
        if (count > 1) return std::string("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
        return numbered(count, "Cache-Control: max-age=0, stale-if-error=60\r\n");
    });
    const FrontServer front(origin.front(), memory);
    EXPECT_EQ(content_of(front.get("/")), "answer 1");
    EXPECT_EQ(content_of(front.get("/")), "answer 1");
    EXPECT_EQ(origin.count, 2);
    origin.upstream().stop();
    const std::string last = front.get("/");
    EXPECT_EQ(content_of(last), "answer 1");
    EXPECT_TRUE(field(last, "Cache-Status").contains("stale-if-error")) << last;
}

TEST(Caching, ForgetsWhatAnUnsafeRequestChanges) {
    Origin origin([](const std::string&, int count) { return numbered(count, "Cache-Control: max-age=60\r\n"); });
    const FrontServer front(origin.front(), memory);
    static_cast<void>(front.get("/"));
    EXPECT_EQ(status_of(front.ask(post)), 200);
    EXPECT_EQ(content_of(front.get("/")), "answer 3");
}

TEST(Caching, Fault61NeverStoresWhatIsNotWhole) {
    Origin origin([](const std::string&, int count) {
        if (count == 1)
            return std::string(
                "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX");
        return numbered(count, "Cache-Control: max-age=60\r\n");
    });
    const FrontServer front(origin.front(), memory);
    static_cast<void>(front.get("/"));
    EXPECT_EQ(content_of(front.get("/")), "answer 2");
}

TEST(Caching, Fault68KeepsClientsApart) {
    Origin origin([](const std::string&, int count) { return numbered(count, "Cache-Control: max-age=60\r\n"); });
    contract::Front setup = origin.front();
    setup.trusted_proxies.push_back(contract::Cidr::parse("127.0.0.1").value());
    const FrontServer front(setup, memory);
    EXPECT_EQ(content_of(front.get("/")), "answer 1");
    EXPECT_EQ(content_of(front.get("/", "X-HTTP-Method-Override: DELETE\r\n")), "answer 1");
    EXPECT_EQ(content_of(front.ask("GET / HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n")), "answer 2");
    // A GET with content goes through, and nothing is learnt from it.
    const std::string fat =
        "GET /fat HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi";
    EXPECT_EQ(content_of(front.ask(fat)), "answer 3");
    EXPECT_EQ(content_of(front.get("/fat")), "answer 4");
}

TEST(Caching, Fault69KeepsWhatIsPrivate) {
    Origin origin([](const std::string& request, int count) {
        if (request.contains("/private")) return numbered(count, "Cache-Control: private, max-age=60\r\n");
        if (request.contains("/cookie")) return numbered(count, "Cache-Control: max-age=60\r\nSet-Cookie: a=b\r\n");
        return numbered(count, "Cache-Control: max-age=60\r\n");
    });
    const FrontServer front(origin.front(), memory);
    for (const char* path : {"/private.css", "/cookie.css"}) {
        const std::string first = content_of(front.get(path));
        EXPECT_NE(content_of(front.get(path)), first) << path;
    }
    const std::string mine = content_of(front.get("/", "Authorization: Basic x\r\n"));
    EXPECT_NE(content_of(front.get("/", "Authorization: Basic y\r\n")), mine);
}

TEST(Caching, Fault71LetsNoClientPurge) {
    Origin origin([](const std::string& request, int count) {
        if (!request.starts_with("GET ")) return std::string("HTTP/1.1 405 Not Allowed\r\nContent-Length: 0\r\n\r\n");
        return numbered(count, "Cache-Control: max-age=60\r\nCache-Tag: a\r\n");
    });
    const FrontServer front(origin.front(), memory);
    static_cast<void>(front.get("/"));
    for (const char* line : {"PURGE / HTTP/1.1", "BAN / HTTP/1.1", "REFRESH / HTTP/1.1", "DELETE / HTTP/1.1"})
        EXPECT_GE(status_of(front.ask(std::string(line) + "\r\nHost: example.org\r\nConnection: close\r\n"
                                                          "X-Purge: 1\r\nCache-Tag: a\r\nSurrogate-Key: a\r\n\r\n")),
                  400)
            << line;
    for (const char* field :
         {"X-Purge: 1", "Cache-Tag: a", "X-Purge-Regex: .*", "Surrogate-Key: a", "X-Accel-Expires: 0"})
        EXPECT_EQ(content_of(front.get("/", std::string(field) + "\r\n")), "answer 1") << field;
}

TEST(Caching, AnswersOnlyFromTheStoreWhenAskedTo) {
    Origin origin([](const std::string&, int count) { return numbered(count, ""); });
    const FrontServer front(origin.front(), memory);
    EXPECT_EQ(status_of(front.get("/", "Cache-Control: only-if-cached\r\n")), 504);
    EXPECT_EQ(origin.count, 0);
}

TEST(Caching, ObeysTheApplicationBeforeAnybodyElse) {
    Origin origin([](const std::string&, int count) {
        return numbered(count, "Cache-Control: no-cache\r\nX-Accel-Expires: 60\r\n");
    });
    const FrontServer front(origin.front(), memory);
    EXPECT_EQ(content_of(front.get("/")), "answer 1");
    const std::string second = front.get("/");
    EXPECT_EQ(content_of(second), "answer 1");
    EXPECT_EQ(field(second, "Cache-Control"), "no-cache") << "to the client it says what it said";
}

TEST(Caching, KeepsNothingThatTheApplicationSaysExpiresAtOnce) {
    Origin origin([](const std::string&, int count) {
        return numbered(count, "Cache-Control: max-age=60\r\nETag: \"a\"\r\nX-Accel-Expires: 0\r\n");
    });
    const FrontServer front(origin.front(), memory);
    for (const char* content : {"answer 1", "answer 2"}) {
        const std::string reply = front.get("/");
        EXPECT_EQ(content_of(reply), content);
        EXPECT_FALSE(field(reply, "Cache-Status").contains("stored")) << reply;
        EXPECT_FALSE(origin.upstream().last_request().contains("If-None-Match")) << "there is nothing to validate";
    }
}

TEST(Caching, ObeysTheApplicationWhenItValidatesToo) {
    Origin origin([](const std::string& request, int count) {
        if (!request.contains("If-None-Match")) return numbered(count, "Cache-Control: no-cache\r\nETag: \"a\"\r\n");
        const std::string seconds = request.contains("/kept") ? "60" : "0";
        return "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nX-Accel-Expires: " + seconds + "\r\n\r\n";
    });
    const FrontServer front(origin.front(), memory);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(content_of(front.get("/kept")), "answer 1");
    EXPECT_EQ(origin.count, 2);
    for (const char* content : {"answer 3", "answer 3", "answer 5"}) EXPECT_EQ(content_of(front.get("/not")), content);
}

TEST(Caching, NeverStoresWhatWasFetchedBeforeAnUnsafeRequestChangedIt) {
    std::atomic<bool> go_on = false;
    Origin origin([&](const std::string&, int count) {
        while (count == 1 && !go_on) std::this_thread::yield();
        return numbered(count, "Cache-Control: max-age=60\r\n");
    });
    const FrontServer front(origin.front(), memory);
    http::TestClient early = front.connect();
    early.send("GET / HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n");
    while (origin.count == 0) std::this_thread::yield();
    static_cast<void>(front.ask(post));
    go_on = true;
    EXPECT_EQ(content_of(early.read_all()), "answer 1");
    EXPECT_EQ(content_of(front.get("/")), "answer 3");
    EXPECT_EQ(content_of(front.get("/")), "answer 3");
}

TEST(Caching, NeverRenewsWhatAnUnsafeRequestChangedMeanwhile) {
    std::atomic<bool> go_on = false;
    Origin origin([&](const std::string&, int count) {
        while (count == 2 && !go_on) std::this_thread::yield();
        return numbered(count, "Cache-Control: max-age=0, stale-while-revalidate=60\r\n");
    });
    const FrontServer front(origin.front(), memory);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(content_of(front.get("/")), "answer 1");
    while (origin.count < 2) std::this_thread::yield();
    static_cast<void>(front.ask(post));
    http::TestClient late = front.connect();
    late.send("GET / HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n");
    go_on = true;
    EXPECT_EQ(content_of(late.read_all()), "answer 4");
}

TEST(Caching, RenewsWhatItStoredByTheSameAddress) {
    Origin origin([](const std::string&, int count) {
        return numbered(count, "Cache-Control: max-age=0, stale-while-revalidate=60\r\nContent-Location: /p?q\r\n");
    });
    contract::Front setup = origin.front();
    setup.routes[0].strip_prefix = "/app";
    const FrontServer front(setup, memory);
    const auto end = http::Clock::now() + 10s;
    std::string reply = front.get("/app/p?q");
    while (content_of(reply) == "answer 1" && http::Clock::now() < end) reply = front.get("/app/p?q");
    EXPECT_NE(content_of(reply), "answer 1");
    EXPECT_EQ(field(reply, "Content-Location"), "/app/p?q");
    for (const std::string& request : origin.upstream().requests()) {
        EXPECT_TRUE(request.starts_with("GET /p?q HTTP/1.1\r\nHost: example.org\r\n")) << request;
        EXPECT_TRUE(request.contains("\r\nX-Forwarded-Prefix: /app\r\n")) << request;
        EXPECT_FALSE(request.contains("X-Request-Start: t=0\r\n")) << request;
    }
}

TEST(Caching, LetsNobodyWaitForAnAnswerThatNamesAFile) {
    std::atomic<bool> go_on = false;
    Origin origin([&](const std::string&, int count) {
        while (count == 2 && !go_on) std::this_thread::yield();
        return numbered(count, "X-Accel-Redirect: /nowhere\r\n");
    });
    contract::Front setup = origin.front();
    setup.routes[0].cache.wait = 60s;
    const FrontServer front(setup, memory);
    EXPECT_EQ(status_of(front.get("/")), 404);
    http::TestClient held = front.connect();
    held.send("GET / HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n");
    while (origin.count < 2) std::this_thread::yield();
    EXPECT_EQ(status_of(front.get("/")), 404) << "it is known not to be for everybody";
    go_on = true;
    EXPECT_EQ(status_of(held.read_all()), 404);
}

TEST(Caching, LetsNobodyWaitForAnAnswerToWhoLoggedIn) {
    std::atomic<bool> go_on = false;
    Origin origin([&](const std::string& request, int count) {
        while (request.contains("Authorization: Basic x") && !go_on) std::this_thread::yield();
        return numbered(count, "Cache-Control: max-age=60\r\n");
    });
    contract::Front setup = origin.front();
    setup.routes[0].cache.wait = 60s;
    const FrontServer front(setup, memory);
    http::TestClient held = front.connect();
    held.send("GET / HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\nAuthorization: Basic x\r\n\r\n");
    while (origin.count < 1) std::this_thread::yield();
    EXPECT_EQ(content_of(front.get("/", "Authorization: Basic y\r\n")), "answer 2");
    EXPECT_EQ(content_of(front.get("/")), "answer 3") << "nor does anybody else";
    go_on = true;
    EXPECT_EQ(content_of(held.read_all()), "answer 1");
}

TEST(Caching, ForgetsWhatAnUnsafeRequestChangesThoughAFileAnswersIt) {
    Origin origin([](const std::string& request, int count) {
        return numbered(count, request.starts_with("POST") ? "X-Accel-Redirect: /nowhere\r\n"
                                                           : "Cache-Control: max-age=60\r\n");
    });
    const FrontServer front(origin.front(), memory);
    EXPECT_EQ(content_of(front.get("/")), "answer 1");
    static_cast<void>(front.ask(post));
    EXPECT_EQ(content_of(front.get("/")), "answer 3");
}

TEST(Caching, TakesAwayFieldsThatTheRouteGivesNoValue) {
    Origin origin(
        [](const std::string&, int count) { return numbered(count, "Cache-Control: max-age=60\r\nX-Inner: 1\r\n"); });
    contract::Front setup = origin.front();
    setup.routes[0].headers = {{"X-Inner", ""}, {"X-Site", "a"}};
    const FrontServer front(setup, memory);
    for (int i = 0; i < 2; ++i) {
        const std::string reply = front.get("/");
        EXPECT_EQ(content_of(reply), "answer 1");
        EXPECT_FALSE(reply.contains("X-Inner")) << reply;
        EXPECT_EQ(field(reply, "X-Site"), "a");
    }
}

TEST(Caching, Fault62CountsErrorsThatStaleResponsesHide) {
    std::atomic<bool> ill = false;
    FakeUpstream sick([&](Conversation& conversation) {
        while (!conversation.read_request().empty())
            conversation.send(ill ? "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 1000\r\n\r\nx"
                                  : ok("well", "Cache-Control: max-age=0, stale-if-error=60\r\n"));
    });
    FakeUpstream other([&](Conversation& conversation) {
        while (!conversation.read_request().empty())
            conversation.send(ok("well", "Cache-Control: max-age=0, stale-if-error=60\r\n"));
    });
    contract::Front setup = front_to({sick.address(), other.address()});
    setup.routes[0].cache.on = true;
    FrontServer front(setup, memory);
    EXPECT_EQ(content_of(front.get("/")), "well");
    ill = true;
    for (int i = 0; i < 40; ++i) EXPECT_EQ(content_of(front.get("/")), "well");
    EXPECT_EQ(front.state().destination(0)->backends().view()[0].state, BackendState::ejected);
}

} // namespace
} // namespace mpsup::accelerator

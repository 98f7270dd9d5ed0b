// Responses that are fetched for the cache and not for their client alone, between real sockets.
#include "tests/worker/accelerator/origin.h"

#include <gtest/gtest.h>

namespace mpsup::accelerator {
namespace {

using namespace std::chrono_literals;

TEST(Filling, AnswersAClientsConditionThoughItHasNothingStored) {
    Origin origin([](const std::string& request, int) {
        EXPECT_FALSE(request.contains("If-None-Match")) << "all of it is wanted";
        if (request.starts_with("GET /private ")) return ok("0123456789", "Cache-Control: private\r\nETag: \"a\"\r\n");
        return ok("0123456789", "Cache-Control: max-age=60\r\nETag: \"a\"\r\nX-Other: 1\r\n"
                                "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n");
    });
    const FrontServer front(origin.front(), memory);
    const std::string same = front.get("/", "If-None-Match: \"b\", W/\"a\"\r\n");
    EXPECT_EQ(status_of(same), 304);
    EXPECT_EQ(content_of(same), "");
    EXPECT_EQ(field(same, "ETag"), "\"a\"");
    EXPECT_EQ(field(same, "X-Other"), "none");
    EXPECT_TRUE(field(same, "Cache-Status").contains("fwd=uri-miss; fwd-status=200; ttl=60; stored")) << same;
    EXPECT_EQ(content_of(front.get("/")), "0123456789");
    EXPECT_EQ(origin.count, 1) << "the first one brought it into the store";
    EXPECT_EQ(status_of(front.get("/?1", "If-None-Match: \"b\"\r\n")), 200);
    EXPECT_EQ(status_of(front.get("/?2", "If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT\r\n")), 304);
    EXPECT_EQ(status_of(front.get("/?3", "If-Modified-Since: Wed, 31 Dec 2025 23:59:59 GMT\r\n")), 200);
    EXPECT_EQ(status_of(front.get("/private", "If-None-Match: \"a\"\r\n")), 304);
    http::TestClient client = front.connect();
    client.send("GET /?4 HTTP/1.1\r\nHost: example.org\r\nIf-None-Match: \"a\"\r\n\r\n"
                "GET /?4 HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n");
    const std::string both = client.read_all();
    EXPECT_EQ(status_of(both), 304);
    EXPECT_TRUE(both.ends_with("\r\n\r\n0123456789")) << "one connection is enough for both";
}

// RFC 9110 section 13.1.3.
TEST(Filling, KnowsNothingOfDatesWhereTheOriginSaysNone) {
    Origin origin([](const std::string& request, int) {
        const std::string kept = request.starts_with("GET /kept ") ? "max-age=60" : "no-store";
        return ok("0123456789", "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nCache-Control: " + kept + "\r\n");
    });
    const FrontServer front(origin.front(), memory);
    for (const char* path : {"/", "/kept"})
        EXPECT_EQ(content_of(front.get(path, "If-Modified-Since: Fri, 02 Jan 2026 00:00:00 GMT\r\n")), "0123456789")
            << path;
}

// RFC 9110 section 14.2; a copy is made when somebody asks for all of it.
TEST(Filling, AsksForAPartAsAPart) {
    Origin origin([](const std::string& request, int) -> std::string {
        const bool if_same = !request.contains("If-Range") || request.contains("If-Range: \"a\"");
        if (request.contains("Range: bytes=90-"))
            return "HTTP/1.1 416 Range Not Satisfiable\r\nCache-Control: max-age=60\r\nContent-Length: 0\r\n\r\n";
        if (request.contains("\nRange: bytes=2-4") && if_same)
            return "HTTP/1.1 206 Partial Content\r\nCache-Control: max-age=60\r\nETag: \"a\"\r\n"
                   "Content-Range: bytes 2-4/10\r\nContent-Length: 3\r\n\r\n234";
        return ok("0123456789", "Cache-Control: max-age=60\r\nETag: \"a\"\r\n");
    });
    const FrontServer front(origin.front(), memory);
    for (int i = 1; i <= 2; ++i) {
        const std::string part = front.get("/", "Range: bytes=2-4\r\n");
        EXPECT_EQ(status_of(part), 206);
        EXPECT_EQ(content_of(part), "234");
        EXPECT_EQ(field(part, "Content-Range"), "bytes 2-4/10");
        EXPECT_EQ(origin.count, i) << "parts are not kept";
    }
    EXPECT_EQ(status_of(front.get("/", "Range: bytes=90-\r\n")), 416);
    EXPECT_EQ(content_of(front.get("/")), "0123456789") << "nor is what was said of one";
    EXPECT_EQ(origin.count, 4);
    EXPECT_EQ(content_of(front.get("/", "Range: bytes=2-4\r\n")), "234");
    EXPECT_EQ(origin.count, 4) << "now it is here";
    EXPECT_EQ(content_of(front.get("/?2", "Range: bytes=2-4\r\nIf-Range: \"b\"\r\n")), "0123456789");
    EXPECT_EQ(content_of(front.get("/?2")), "0123456789");
    EXPECT_EQ(origin.count, 5) << "a whole answer is kept, whatever was asked for";
}

TEST(Filling, SendsPartsOfWhatIsTooLargeForOnePiece) {
    std::string content(6'000'000, '.');
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>('a' + i % 23);
    Origin origin([&](const std::string&, int) {
        return ok(content, "Cache-Control: max-age=60\r\nContent-Type: text/plain\r\n");
    });
    contract::Front setup = origin.front();
    setup.routes[0].headers = {{"X-Route", "1"}};
    const FrontServer front(setup, std::uint64_t{64} << 20U);
    EXPECT_EQ(content_of(front.get("/")), content);
    const std::string part = front.get("/", "Range: bytes=100-5000099\r\n");
    EXPECT_EQ(status_of(part), 206);
    EXPECT_EQ(field(part, "Content-Range"), "bytes 100-5000099/6000000");
    EXPECT_EQ(field(part, "Content-Length"), "5000000");
    EXPECT_EQ(field(part, "X-Route"), "1");
    EXPECT_TRUE(content_of(part) == content.substr(100, 5'000'000));
    const std::string two = front.get("/", "Range: bytes=0-0, 10-5000009\r\n");
    EXPECT_EQ(status_of(two), 206);
    EXPECT_EQ(field(two, "Content-Type"), "multipart/byteranges; boundary=mpsup-part");
    EXPECT_EQ(field(two, "Content-Length"), std::to_string(content_of(two).size()));
    const std::string frame = "\r\n--mpsup-part\r\nContent-Type: text/plain\r\nContent-Range: bytes ";
    EXPECT_TRUE(content_of(two) == frame + "0-0/6000000\r\n\r\na" + frame + "10-5000009/6000000\r\n\r\n" +
                                       content.substr(10, 5'000'000) + "\r\n--mpsup-part--\r\n");
    EXPECT_TRUE(content_of(front.get("/")) == content);
    EXPECT_EQ(origin.count, 1);
}

// An origin that sends an answer of ten bytes in two parts, of which the second waits for the test. It answers /quick at once, and
// /gone never, but notices when that client has hung up.
class SlowOrigin {
public:
    explicit SlowOrigin(std::size_t at_first)
        : upstream_([this, at_first](Conversation& conversation) {
              const std::string request = conversation.read_request();
              if (request.empty()) return;
              if (request.starts_with("GET /gone ")) {
                  conversation.read_all();
                  noticed = true;
                  return;
              }
              if (request.starts_with("GET /quick ")) {
                  conversation.send(ok("quick", "Connection: close\r\n"));
                  return;
              }
              ++count;
              const std::string answer = ok("0123456789", "Cache-Control: max-age=60\r\nETag: \"a\"\r\n");
              const std::size_t cut = at_first == 0 ? 0 : answer.size() - 10 + at_first;
              conversation.send(std::string_view(answer).substr(0, cut));
              while (!go_on) std::this_thread::yield();
              cut_off = !conversation.try_send(std::string_view(answer).substr(cut));
              conversation.read_all();
          }) {}
    ~SlowOrigin() { go_on = true; }
    contract::Front front() {
        contract::Front made = front_to({upstream_.address()});
        made.routes[0].cache.on = true;
        return made;
    }
    std::atomic<int> count = 0;
    std::atomic<bool> go_on = false, noticed = false, cut_off = false;

private:
    FakeUpstream upstream_;
};

template <class Condition> bool comes_true(Condition condition) {
    const auto end = http::Clock::now() + 10s;
    while (!condition() && http::Clock::now() < end) std::this_thread::yield();
    return condition();
}

http::TestClient ask(const FrontServer& front, const std::string& path) {
    http::TestClient client = front.connect();
    client.send("GET " + path + " HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n");
    return client;
}

// Hangs up, and waits until the front knows: it looks at all its clients at once, so also at one that hangs up later.
bool leave(const FrontServer& front, SlowOrigin& origin, http::TestClient& client) {
    http::TestClient other = ask(front, "/gone");
    client.hang_up();
    other.hang_up();
    return comes_true([&] { return origin.noticed.load(); });
}

TEST(Filling, Fault70FetchesOnForOthersWhenTheClientItBeganForLeaves) {
    for (const std::size_t at_first : {0U, 1U}) {
        SlowOrigin origin(at_first);
        const FrontServer front(origin.front(), memory);
        http::TestClient first = ask(front, "/");
        ASSERT_TRUE(comes_true([&] { return origin.count == 1; }));
        if (at_first > 0) first.read_until("\r\n\r\n");
        http::TestClient second = ask(front, "/");
        ASSERT_TRUE(leave(front, origin, first)); // by then the second one waits, too
        origin.go_on = true;
        EXPECT_EQ(content_of(second.read_all()), "0123456789") << at_first;
        EXPECT_EQ(origin.count, 1) << at_first;
    }
}

TEST(Filling, FinishesWhatIsHalfThereWhenItsClientLeaves) {
    SlowOrigin origin(5);
    const FrontServer front(origin.front(), memory);
    http::TestClient first = ask(front, "/");
    first.read_until("01234");
    ASSERT_TRUE(leave(front, origin, first));
    origin.go_on = true;
    EXPECT_EQ(content_of(front.get("/")), "0123456789");
    EXPECT_EQ(origin.count, 1);
}

// The client of a 304 has all it asked for: its next request does not wait for the copy.
TEST(Filling, MakesTheCopyBesideTheConnectionThatItWasAskedOn) {
    SlowOrigin origin(1);
    const FrontServer front(origin.front(), memory);
    http::TestClient client = front.connect();
    client.send("GET / HTTP/1.1\r\nHost: example.org\r\nIf-None-Match: \"a\"\r\n\r\n"
                "GET /quick HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n");
    const std::string both = client.read_all();
    EXPECT_EQ(status_of(both), 304);
    EXPECT_EQ(content_of(both.substr(both.find("\r\n\r\n") + 4)), "quick");
    origin.go_on = true;
    EXPECT_EQ(content_of(front.get("/")), "0123456789");
    EXPECT_EQ(origin.count, 1);
}

TEST(Filling, MakesNoCopyForNobodyLongerThanOthersWouldWait) {
    SlowOrigin origin(1);
    contract::Front setup = origin.front();
    setup.routes[0].cache.wait = 1ms;
    FrontServer front(setup, memory);
    EXPECT_EQ(status_of(front.get("/", "If-None-Match: \"a\"\r\n")), 304);
    EXPECT_TRUE(comes_true([&] { return front.state().flights().size() == 0; }));
    origin.go_on = true;
}

TEST(Filling, GivesUpWhatNobodyWantsAndIsHardlyBegun) {
    SlowOrigin origin(4);
    const FrontServer front(origin.front(), memory);
    http::TestClient first = ask(front, "/");
    first.read_until("0123");
    ASSERT_TRUE(leave(front, origin, first));
    origin.go_on = true;
    EXPECT_EQ(content_of(front.get("/")), "0123456789");
    EXPECT_EQ(origin.count, 2);
}

TEST(Filling, FinishesForNobodyOnlyAsLongAsOthersWouldWait) {
    SlowOrigin origin(5);
    contract::Front setup = origin.front();
    setup.routes[0].cache.wait = 1ms;
    FrontServer front(setup, memory);
    http::TestClient first = ask(front, "/");
    first.read_until("01234");
    ASSERT_TRUE(leave(front, origin, first));
    EXPECT_TRUE(comes_true([&] { return front.state().flights().size() == 0; }));
    origin.go_on = true;
}

TEST(Filling, WaitsForNobodyOnlyAsLongAsOthersWouldWaitForTheHead) {
    SlowOrigin origin(0);
    contract::Front setup = origin.front();
    setup.routes[0].cache.wait = 500ms;
    FrontServer front(setup, memory);
    http::TestClient first = ask(front, "/");
    ASSERT_TRUE(comes_true([&] { return origin.count == 1; }));
    http::TestClient second = ask(front, "/");
    ASSERT_TRUE(leave(front, origin, first));
    EXPECT_TRUE(comes_true([&] { return front.state().flights().size() == 0; }));
    origin.go_on = true;
}

} // namespace
} // namespace mpsup::accelerator

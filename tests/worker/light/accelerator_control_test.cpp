// What an operator is told of an accelerator is what it does.
#include "worker/light/accelerator_control.h"

#include "tests/worker/accelerator/fake_upstream.h"
#include "tests/worker/accelerator/front_server.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace mpsup::light {
namespace {

using accelerator::Conversation;
using accelerator::FakeUpstream;
using accelerator::FrontServer;
using contract::ExplainedRequest;
using contract::Explanation;

constexpr std::uint64_t memory = 4 << 20;

// Keeps what everybody asks for.
class Origin {
public:
    Origin()
        : upstream_([this](Conversation& conversation) {
              for (std::string request; !(request = conversation.read_request()).empty();) {
                  upstream_.note(request);
                  conversation.send(accelerator::ok("hello", fields));
              }
          }) {}
    [[nodiscard]] contract::Front front() const {
        contract::Front front = accelerator::front_to({upstream_.address()});
        front.routes[0].cache.on = true;
        return front;
    }
    FakeUpstream& upstream() { return upstream_; }
    std::string fields = "Cache-Control: max-age=60\r\nETag: \"a\"\r\n";

private:
    FakeUpstream upstream_;
};

std::string sent(const Explanation& explanation, std::string_view name) {
    const auto found = std::ranges::find(explanation.sent, name, [](const auto& pair) { return pair.first; });
    return found == explanation.sent.end() ? "none" : found->second;
}

ExplainedRequest get(std::string target, contract::TextPairs fields = {}) {
    return {.authority = "example.org", .target = std::move(target), .headers = std::move(fields)};
}

TEST(AcceleratorControl, FindsInTheCacheWhatTheRequestWouldFind) {
    Origin origin;
    contract::Front front = origin.front();
    front.routes[0].cache.ignore_query = {"utm_*"};
    FrontServer server(front, memory);
    AcceleratorControl control(server.state());
    EXPECT_EQ(control.explain(get("/a?x=1&utm_source=2")).cache_state, "miss");
    static_cast<void>(server.get("/a?utm_source=1&x=1"));
    const Explanation hit = control.explain(get("/a?x=1&utm_source=2"));
    EXPECT_EQ(hit.cache_state, "hit");
    ASSERT_EQ(hit.cached.size(), 1U);
    EXPECT_EQ(hit.cached[0].url, hit.cache_key);
    EXPECT_EQ(control.explain(get("/a?x=2")).cache_state, "miss");
    EXPECT_EQ(control.explain({.method = "POST", .authority = "example.org"}).cache_state, "method");
}

TEST(AcceleratorControl, BelievesProxiesAsTheRequestWould) {
    Origin origin;
    contract::Front front = origin.front();
    front.trusted_proxies = {*contract::Cidr::parse("127.0.0.1")};
    FrontServer server(front, memory);
    AcceleratorControl control(server.state());
    const contract::TextPairs fields{
        {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "shop.example"}, {"X-Forwarded-For", "192.0.2.7"}};
    static_cast<void>(server.get("/", "X-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\n"));
    const Explanation believed = control.explain(get("/", fields));
    EXPECT_EQ(believed.cache_key, "https://shop.example/");
    EXPECT_EQ(believed.cache_state, "hit");
    EXPECT_EQ(sent(believed, "X-Real-IP"), "192.0.2.7");
    ExplainedRequest stranger = get("/", fields);
    stranger.client = "198.51.100.1";
    const Explanation strange = control.explain(stranger);
    EXPECT_EQ(strange.cache_key, "http://example.org/");
    EXPECT_EQ(sent(strange, "X-Real-IP"), "198.51.100.1");
}

// But for what is of one request: its id, and when it came.
TEST(AcceleratorControl, SaysWhatIsSentOnAsItIs) {
    Origin origin;
    contract::Front front = origin.front();
    front.routes[0].path = *contract::PathPattern::parse("/api/");
    front.routes[0].strip_prefix = "/api";
    front.routes[0].request_headers = {{"X-Set", "here"}, {"User-Agent", ""}};
    origin.fields = "Cache-Control: max-age=0, must-revalidate\r\nETag: \"a\"\r\n";
    FrontServer server(front, memory);
    AcceleratorControl control(server.state());
    for (int i = 0; i < 2; ++i) {
        const Explanation explained = control.explain(get("/api/x", {{"User-Agent", "me"}, {"Accept", "a/b"}}));
        static_cast<void>(server.get("/api/x", "User-Agent: me\r\nAccept: a/b\r\n"));
        const std::string request = origin.upstream().last_request();
        EXPECT_TRUE(request.starts_with("GET /x HTTP/1.1")) << request;
        EXPECT_EQ(sent(explained, "X-Forwarded-Prefix"), "/api");
        EXPECT_EQ(sent(explained, "X-Set"), "here");
        EXPECT_EQ(sent(explained, "If-None-Match"), i == 0 ? "none" : "\"a\"");
        for (const auto& [name, value] : explained.sent) {
            const bool is_of_one = name == "X-Request-Id" || name == "X-Request-Start" || name == "X-Forwarded-Port" ||
                                   name == "Forwarded";
            EXPECT_TRUE(request.contains("\r\n" + name + ": " + (is_of_one ? "" : value + "\r\n"))) << name << value;
        }
        EXPECT_EQ(std::ranges::count(request, '\n'), std::ssize(explained.sent) + 2) << request;
    }
}

TEST(AcceleratorControl, TellsOfMaintenanceAndQuarantine) {
    Origin origin;
    FrontServer server(origin.front(), memory);
    AcceleratorControl control(server.state());
    EXPECT_FALSE(control.explain(get("/kills")).maintenance);
    EXPECT_EQ(control.explain(get("/kills")).quarantined_for.count(), 0);
    control.set_maintenance(true);
    for (int i = 0; i < 3; ++i)
        static_cast<void>(server.state().poison().died("GET example.org/kills", http::Clock::now()));
    const Explanation explained = control.explain(get("/kills?again"));
    EXPECT_TRUE(explained.maintenance);
    EXPECT_GT(explained.quarantined_for, std::chrono::seconds(50));
    EXPECT_LE(explained.quarantined_for, std::chrono::seconds(60));
    EXPECT_EQ(control.explain(get("/other")).quarantined_for.count(), 0);
}

TEST(AcceleratorControl, TellsOfBackends) {
    contract::Front front = accelerator::front_to({"127.0.0.1:1", "127.0.0.1:2"});
    front.routes[0].host = "a.example";
    front.routes[0].health.eject_after = 1;
    front.routes.push_back(accelerator::front_to({"unix:/nowhere"}).routes[0]);
    auto state = accelerator::AcceleratorState::make(front, nullptr).value();
    AcceleratorControl control(*state);
    accelerator::Backends& backends = state->destination(0)->backends();
    const auto first = backends.choose(http::Clock::now());
    ASSERT_TRUE(first);
    backends.done(*first, accelerator::Outcome::bad, http::Clock::now());
    ASSERT_TRUE(backends.choose(http::Clock::now()));
    const contract::BackendReports reports = control.backends();
    ASSERT_EQ(reports.size(), 2U) << "of a pool there is nothing to tell";
    EXPECT_EQ(reports[0].address, "127.0.0.1:1");
    EXPECT_EQ(reports[0].state, "ejected");
    EXPECT_EQ(reports[0].failures, 1U);
    EXPECT_GT(reports[0].left, std::chrono::seconds(5));
    EXPECT_LT(reports[0].checked_ago.count(), 0);
    EXPECT_EQ(reports[1].state, "up");
    EXPECT_EQ(reports[1].in_flight, 1U);
    EXPECT_EQ(reports[1].route, 1U);
    EXPECT_EQ(reports[1].path, "a.example/");
    const Explanation explained = control.explain({.authority = "a.example"});
    EXPECT_EQ(explained.backends.size(), 2U);
    EXPECT_TRUE(control.explain({.authority = "b.example"}).backends.empty());
    backends.checked(*first, true, http::Clock::now() + std::chrono::seconds(60));
    EXPECT_EQ(control.backends()[0].state, "slow start");
}

} // namespace
} // namespace mpsup::light

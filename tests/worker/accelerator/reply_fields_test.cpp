#include "worker/accelerator/reply_fields.h"

#include <gtest/gtest.h>

namespace mpsup::accelerator {
namespace {

const std::vector<std::string> backend{"127.0.0.1:8090"};

ReplyPlan plan() {
    ReplyPlan made;
    made.map = {"https", "example.org", backend};
    made.request_id = "id-1";
    made.from_pool = true;
    made.now = 1000;
    return made;
}

// The fields as "name: value" lines.
std::string lines(const ReplyFields& fields) {
    std::string text;
    for (const http::Field& field : fields.fields())
        text.append(field.name).append(": ").append(field.value).append("\n");
    return text;
}

std::string passed(std::vector<http::Field> from, const ReplyPlan& with = plan()) {
    UpstreamHead head;
    head.status = 200;
    head.fields = std::move(from);
    ReplyFields fields;
    fields.build(head, with);
    return lines(fields);
}

Directives asked(std::vector<http::Field> from, const ReplyPlan& with = plan()) {
    UpstreamHead head;
    head.fields = std::move(from);
    ReplyFields fields;
    fields.build(head, with);
    EXPECT_EQ(lines(fields), "Via: 1.1 mpsup\nX-Request-Id: id-1\n");
    return fields.directives();
}

TEST(ReplyFields, PassesOnWhatIsForTheClient) {
    EXPECT_EQ(passed({{"Content-Type", "text/html"}, {"ETag", "\"a\""}, {"X-Thing", "1"}}),
              "Content-Type: text/html\nETag: \"a\"\nX-Thing: 1\nVia: 1.1 mpsup\nX-Request-Id: id-1\n");
}

TEST(ReplyFields, TakesOutFieldsOfTheConnection) {
    EXPECT_EQ(passed({{"Connection", "X-Mine"},
                      {"X-Mine", "1"},
                      {"Keep-Alive", "timeout=5"},
                      {"Transfer-Encoding", "chunked"},
                      {"Content-Length", "5"},
                      {"Upgrade", "h2"},
                      {"Trailer", "X"},
                      {"Proxy-Authenticate", "Basic"}}),
              "Via: 1.1 mpsup\nX-Request-Id: id-1\n");
}

TEST(ReplyFields, RewritesAddresses) {
    const std::string text = passed({{"Location", "http://127.0.0.1:8090/a"},
                                     {"Content-Location", "http://127.0.0.1:8090/b"},
                                     {"Refresh", "1; url=http://127.0.0.1:8090/c"},
                                     {"Set-Cookie", "a=b; Domain=127.0.0.1"},
                                     {"Link", "<http://127.0.0.1:8090/>"}});
    EXPECT_TRUE(text.starts_with("Location: https://example.org/a\nContent-Location: https://example.org/b\n"
                                 "Refresh: 1; url=https://example.org/c\nSet-Cookie: a=b; Domain=example.org\n"
                                 "Link: <https://example.org/>\n"))
        << text;
}

TEST(ReplyFields, HearsWhatTheApplicationAsks) {
    EXPECT_EQ(asked({{"X-Sendfile", "/srv/a"}}).file, "/srv/a");
    EXPECT_EQ(asked({{"X-Accel-Redirect", "/internal/a"}}).redirect, "/internal/a");
    EXPECT_EQ(asked({{"x-accel-buffering", "no"}}).buffering, false);
    EXPECT_EQ(asked({{"X-Accel-Buffering", "yes"}}).buffering, true);
    EXPECT_FALSE(asked({{"X-Accel-Buffering", "?"}}).buffering);
    EXPECT_EQ(asked({{"X-Accel-Expires", "60"}}).expires, std::chrono::seconds(60));
    EXPECT_EQ(asked({{"X-Accel-Expires", "@1060"}}).expires, std::chrono::seconds(60));
    EXPECT_EQ(asked({{"X-Accel-Expires", "@60"}}).expires, std::chrono::seconds(0));
    EXPECT_FALSE(asked({{"X-Accel-Expires", "off"}}).expires);
    EXPECT_FALSE(asked({{"X-Accel-Limit-Rate", "1"}}).expires);
}

TEST(ReplyFields, HearsWhichChildAnswered) {
    const Directives told = asked({{"Mpsup-Child", "4711 3 1500"}});
    ASSERT_TRUE(told.child);
    EXPECT_EQ(told.child->pid, 4711);
    EXPECT_EQ(told.child->generation, 3U);
    EXPECT_EQ(told.child->heavy_us, 1500U);
    for (const char* nonsense : {"", "1", "1 2", "1 2 3 4", "-1 2 3", "a b c", "1 2 99999999999999999999"})
        EXPECT_FALSE(asked({{"Mpsup-Child", nonsense}}).child) << nonsense;
    ReplyPlan other = plan();
    other.from_pool = false;
    EXPECT_FALSE(asked({{"Mpsup-Child", "4711 3 1500"}}, other).child);
}

TEST(ReplyFields, ContinuesVia) {
    EXPECT_EQ(passed({{"Via", "1.0 one"}, {"Via", "1.1 two"}}),
              "Via: 1.0 one\nVia: 1.1 two, 1.1 mpsup\nX-Request-Id: id-1\n");
}

TEST(ReplyFields, KeepsUpgradeOfAWebSocket) {
    ReplyPlan with = plan();
    with.upgrade = true;
    EXPECT_TRUE(passed({{"Connection", "upgrade"}, {"Upgrade", "websocket"}}, with).contains("Upgrade: websocket\n"));
}

TEST(ReplyFields, StaysGoodWhenManyAreRewritten) {
    std::vector<http::Field> cookies(50, {"Set-Cookie", "a=b; Domain=127.0.0.1"});
    const std::string text = passed(cookies);
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find("a=b; Domain=example.org\n", at)) != std::string::npos; ++at) ++count;
    EXPECT_EQ(count, 50U);
}

} // namespace
} // namespace mpsup::accelerator

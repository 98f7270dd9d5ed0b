#include "supervisor/topology/hook.h"

#include "site_folder.h"
#include "supervisor/topology/resolve.h"

namespace mpsup::topology {
namespace {

using namespace std::chrono_literals;

TEST(HttpUrl, HasAHostAndMaybeAPortAndAPath) {
    EXPECT_EQ(parse_http_url("http://a.example"), (HttpUrl{"a.example", 80, "/"}));
    EXPECT_EQ(parse_http_url("http://127.0.0.1:8080/x?y=1"), (HttpUrl{"127.0.0.1", 8080, "/x?y=1"}));
    EXPECT_EQ(parse_http_url("http://a?y"), (HttpUrl{"a", 80, "/?y"}));
    EXPECT_EQ(parse_http_url("http://[::1]:81/")->authority(), "[::1]:81");
    EXPECT_EQ(parse_http_url("http://a/")->authority(), "a");
}

TEST(HttpUrl, IsNothingElse) {
    for (const char* bad : {"", "a", "http://", "http:///x", "https://a/", "http://u@a/", "http://a:0/",
                            "http://a:70000/", "http://a:8x/", "http://a b/", "http://a/\r\nX: y", "http://a/#f",
                            "http://[::1", "http://[]:1/", "http://[::1]x/", "http://:80/"})
        EXPECT_FALSE(parse_http_url(bad)) << bad;
}

class HookTest : public SiteFolder {};

TEST_F(HookTest, IsAProgramOrAUrl) {
    const auto loaded =
        load("hooks: {on_alert: {webhook: 'http://a/'}}\n" +
             dynamic_worker("hooks: {pre_start: [{exec: [/bin/true, x], timeout: 3s}, {webhook: 'http://b/'}]}"));
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->hooks.at(HookPoint::on_alert), (std::vector<Hook>{{{}, "http://a/", 10s}}));
    EXPECT_EQ(loaded->workers[0].hooks.at(HookPoint::pre_start),
              (std::vector<Hook>{{{"/bin/true", "x"}, {}, 3s}, {{}, "http://b/", 10s}}));
    const auto again = from_document(to_document(*loaded));
    ASSERT_TRUE(again) << again.error().to_string();
    EXPECT_EQ(*again, *loaded);
}

TEST_F(HookTest, IsNothingElse) {
    EXPECT_EQ(problems(dynamic_worker("hooks: {pre_start: {}}")), "4:20 a hook has either `exec` or `webhook`\n");
    EXPECT_EQ(problems(dynamic_worker("hooks: {pre_start: {exec: [/bin/true], webhook: 'http://a/'}}")),
              "4:20 a hook has either `exec` or `webhook`\n");
    EXPECT_EQ(problems(dynamic_worker("hooks: {pre_start: {webhook: 'https://a/'}}")),
              "4:30 a webhook by https: known, not in this version (exec: [curl, …] can send one)\n");
    EXPECT_EQ(problems(dynamic_worker("hooks: {pre_start: {exec: [/bin/true], tiemout: 1s}}")),
              "4:40 unknown key `tiemout` (known here: exec webhook timeout)\n");
    EXPECT_TRUE(
        problems(dynamic_worker("hooks: {pre_begin: {exec: [/bin/true]}}")).contains("unknown key `pre_begin`"));
    EXPECT_TRUE(problems(dynamic_worker("hooks: {pre_stop: /bin/true}")).contains("must be {exec: [program"));
    EXPECT_TRUE(
        problems(dynamic_worker("hooks: {pre_stop: {exec: [/bin/true], timeout: 5}}")).contains("needs a unit"));
}

} // namespace
} // namespace mpsup::topology

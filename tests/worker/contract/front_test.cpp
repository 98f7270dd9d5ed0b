#include "worker/contract/front.h"

#include <gtest/gtest.h>

namespace mpsup::contract {
namespace {

Route files_route() {
    Route route;
    route.path = PathPattern::parse("/static/").value();
    route.files.root = "/srv/files";
    return route;
}

Front full_front() {
    Front front;
    Route files = files_route();
    files.host = "*.example.org";
    files.files.strip_prefix = "/static";
    files.files.serves = {"/static/"};
    files.files.index = {"index.htm", "index.html"};
    files.files.expires = {{PathPattern::parse("*.css").value(), Seconds(3600)}, {PathPattern{}, Seconds(0)}};
    files.files.fingerprinted = true;
    files.files.compress = false;
    files.files.precompressed = {};
    files.files.symlinks = Symlinks::anywhere;
    files.files.listing = true;
    files.files.types = {{"foo", "text/x-foo"}};
    files.files.try_file = "/index.html";
    files.backends = {{"unix:/run/pool.sock"}};
    files.pool = "httpd_perl";
    files.headers = {{"X-Frame-Options", "DENY"}, {"Server", ""}};
    front.routes.push_back(files);
    Route far;
    far.target = Route::Target::upstream;
    far.backends = {{"127.0.0.1:8090"}, {"[::1]:8090"}};
    far.retry = false;
    far.cache = {true, Seconds(60), Seconds(5), Seconds(600), 1024, Milliseconds(100), {"utm_*"}};
    far.buffer = {0, 1, 2};
    far.queue = {7, Milliseconds(8), Milliseconds(0)};
    far.timeouts = {Milliseconds(1), Milliseconds(2), Milliseconds(3), Milliseconds(4)};
    far.health = {"/up", Milliseconds(1), Milliseconds(2), 0, Milliseconds(3), Milliseconds(4)};
    far.request_headers = {{"X-A", "b"}};
    far.error_pages = "/srv/errors";
    front.routes.push_back(far);
    front.listeners = {{"127.0.0.1:8080"}, {"[::]:8443", true, true}};
    front.threads = 4;
    front.cache_memory = 1 << 20;
    front.cache_disk = 1 << 21;
    front.cache_folder = "/var/cache/x";
    front.buffer = {1, 2, 3};
    front.buffer_folder = "/var/tmp";
    front.certificates = {{"/c.pem", "/k.pem"}};
    front.tls13_only = true;
    front.trusted_proxies = {Cidr::parse("10.0.0.0/8").value()};
    front.limits = {1, 2, 3, 4, 5};
    front.quarantine_deaths = 0;
    front.quarantine_for = Milliseconds(1);
    front.log_json = true;
    front.error_pages = "/srv/pages";
    front.maintenance = true;
    return front;
}

std::string problem_of(std::string_view text) {
    const auto front = decode_front(text);
    return front ? "none" : front.error().to_string();
}

TEST(Front, ComesBackAsItWas) {
    const auto back = decode_front(encode_front(full_front()));
    ASSERT_TRUE(back) << back.error().to_string();
    EXPECT_EQ(*back, full_front());
}

TEST(Front, LeavesOutWhatIsUsual) {
    EXPECT_EQ(encode_front(Front{}), "{}");
    Front front;
    front.routes = {files_route()};
    EXPECT_EQ(encode_front(front), R"({"routes":[{"path":"/static/","files":{"root":"/srv/files"}}]})");
    EXPECT_EQ(decode_front("{}").value(), Front{});
}

TEST(Front, IsRefusedWithTheKeyThatIsWrong) {
    EXPECT_NE(problem_of("[").find("not JSON"), std::string::npos);
    EXPECT_NE(problem_of("[]").find("\"front\""), std::string::npos);
    EXPECT_NE(problem_of(R"({"threads":0})").find("\"threads\""), std::string::npos);
    EXPECT_NE(problem_of(R"({"threads":65})").find("\"threads\""), std::string::npos);
    EXPECT_NE(problem_of(R"({"threads":"2"})").find("\"threads\""), std::string::npos);
    EXPECT_NE(problem_of(R"({"cache_memory":-1})").find("\"cache_memory\""), std::string::npos);
    EXPECT_NE(problem_of(R"({"cache_memory":1e9})").find("\"cache_memory\""), std::string::npos);
    EXPECT_NE(problem_of(R"({"strange":1})").find("\"front\""), std::string::npos);
    EXPECT_NE(problem_of(R"({"trusted_proxies":["10.0.0.1/8"]})").find("\"trusted_proxies\""), std::string::npos);
    EXPECT_NE(problem_of(R"({"listeners":[{"address":"nowhere"}]})").find("\"address\""), std::string::npos);
    EXPECT_NE(problem_of(R"({"certificates":[{"cert":"c.pem","key":"/k.pem"}]})").find("\"certificates\""),
              std::string::npos);
}

TEST(Front, IsRefusedWhenARouteLacksWhatItNeeds) {
    const auto problem_of_route = [](std::string_view route) {
        return problem_of(R"({"routes":[{)" + std::string(route) + "}]}");
    };
    EXPECT_NE(problem_of_route("").find("\"root\""), std::string::npos);
    EXPECT_NE(problem_of_route(R"("files":{"root":"x"})").find("\"root\""), std::string::npos);
    EXPECT_NE(problem_of_route(R"("target":"upstream")").find("\"backends\""), std::string::npos);
    EXPECT_NE(problem_of_route(R"("target":"upstream","backends":[{"address":"x"}])").find("\"address\""),
              std::string::npos);
    const std::string mixed = R"("target":"upstream","pool":"p","backends":[{"address":"unix:/p"},)";
    EXPECT_EQ(problem_of_route(mixed + R"({"address":"10.0.0.1:80"}])"), "none");
    EXPECT_NE(problem_of_route(mixed + R"({"address":"unix:/q"}])").find("\"backends\""), std::string::npos);
    EXPECT_NE(
        problem_of_route(R"("target":"upstream","pool":"p","backends":[{"address":"10.0.0.1:80"}])").find("\"pool\""),
        std::string::npos);
    EXPECT_NE(problem_of_route(R"("target":"elsewhere")").find("\"target\""), std::string::npos);
    EXPECT_NE(problem_of_route(R"("path":"nowhere")").find("\"path\""), std::string::npos);
    EXPECT_NE(problem_of_route(R"("files":{"root":"/x","strip_prefix":"/"})").find("\"strip_prefix\""),
              std::string::npos);
    EXPECT_NE(problem_of_route("\"files\":{\"root\":\"/x\\u0000\"}").find("\"root\""), std::string::npos);
    EXPECT_EQ(problem_of_route(R"("files":{"root":"/x"})"), "none");
}

TEST(Front, WithTooManyRoutesIsRefused) {
    Front front;
    front.routes.assign(max_routes + 1, files_route());
    EXPECT_FALSE(decode_front(encode_front(front)));
}

} // namespace
} // namespace mpsup::contract

// The site's pages for what the engine refuses by itself.
#include "tests/worker/accelerator/front_server.h"
#include "tests/worker/static/folder.h"

#include <gtest/gtest.h>

namespace mpsup::accelerator {
namespace {

class RefusalPages : public testing::Test {
protected:
    RefusalPages() {
        of_all.write("4xx.html", "<p>of the worker");
        of_route.write("4xx.html", "<p>of the route");
        contract::Front front = front_to({"127.0.0.1:1"});
        front.routes.push_back(front.routes[0]);
        front.routes[0].path = *contract::PathPattern::parse("/own/");
        front.routes[0].error_pages = of_route.path();
        front.error_pages = of_all.path();
        server = std::make_unique<FrontServer>(front);
    }
    [[nodiscard]] std::string ask(std::string_view request) const { return server->ask(request); }

    static_files::Folder of_all, of_route;
    std::unique_ptr<FrontServer> server;
};

bool is_page(const std::string& reply, std::string_view status, std::string_view content) {
    return reply.starts_with("HTTP/1.1 " + std::string(status)) && reply.ends_with("\r\n\r\n" + std::string(content)) &&
           reply.contains("\r\nContent-Type: text/html; charset=utf-8\r\n") &&
           reply.contains("\r\nContent-Length: " + std::to_string(content.size()) + "\r\n");
}

TEST_F(RefusalPages, AreThoseOfTheWorkerWhereNobodyKnowsTheRoute) {
    const std::string large = ask("POST /own/ HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000000\r\n\r\n");
    EXPECT_TRUE(is_page(large, "413", "<p>of the worker")) << large;
    const std::string line = ask("GET /own/" + std::string(10'000, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(is_page(line, "414", "<p>of the worker")) << line;
    const std::string field = ask("GET /own/ HTTP/1.1\r\nHost: x\r\nA: " + std::string(10'000, 'x') + "\r\n\r\n");
    EXPECT_TRUE(is_page(field, "431", "<p>of the worker")) << field;
    EXPECT_TRUE(is_page(ask("nonsense\r\n\r\n"), "400", "<p>of the worker"));
}

TEST_F(RefusalPages, AreThoseOfTheRouteOnceTheHeadIsUnderstood) {
    const auto broken = [&](std::string_view path) {
        return ask("POST " + std::string(path) + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    };
    EXPECT_TRUE(is_page(broken("/own/x"), "400", "<p>of the route")) << broken("/own/x");
    EXPECT_TRUE(is_page(broken("/x"), "400", "<p>of the worker")) << broken("/x");
}

TEST_F(RefusalPages, LeaveAloneWhatHasNone) {
    const std::string method = ask("BREW /own/ HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(method.starts_with("HTTP/1.1 501")) << method;
    EXPECT_TRUE(method.ends_with("\r\n\r\n501 Not Implemented\n")) << method;
}

} // namespace
} // namespace mpsup::accelerator

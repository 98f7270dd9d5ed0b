// The two ends of the control API, against each other.
#include "supervisor/control/client.h"
#include "supervisor/control/server.h"

#include "base/listener.h"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <poll.h>
#include <sys/socket.h>
#include <thread>

namespace mpsup {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

class Control : public testing::Test {
protected:
    void SetUp() override {
        std::string name = std::filesystem::temp_directory_path() / "mpsup-control-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        socket_ = folder_ + "/socket";
        server_.emplace(context_.get_executor(), listen_unix(socket_, SOCK_STREAM, 0600).value(),
                        [](ControlRequest request, std::shared_ptr<ControlAnswer> answer) {
                            return serve(std::move(request), std::move(answer));
                        });
        thread_ = std::thread([this] { context_.run(); });
    }
    void TearDown() override {
        context_.stop();
        thread_.join();
        server_.reset();
        std::filesystem::remove_all(folder_);
    }

    static asio::awaitable<void> serve(ControlRequest request, std::shared_ptr<ControlAnswer> answer) {
        if (request.path == "/lines") {
            for (int i = 0; i < 3; ++i) answer->line("{\"line\":" + std::to_string(i) + "}");
        } else if (request.path == "/throw") {
            throw std::runtime_error("internal");
        } else if (request.path == "/silent") {
            co_return;
        } else {
            answer->reply(200, request.method + " " + request.path + " " + std::to_string(request.body.size()));
        }
        co_return;
    }

    std::string folder_, socket_;
    asio::io_context context_;
    std::optional<ControlServer> server_;
    std::thread thread_;
};

TEST_F(Control, AnswersWhole) {
    const auto reply = control_get(socket_, "/v1/status", 5s);
    ASSERT_TRUE(reply) << reply.error().to_string();
    EXPECT_EQ(reply->body, "GET /v1/status 0");
}

TEST_F(Control, AnswersLineByLine) {
    std::vector<std::string> lines;
    const auto reply = control_post(socket_, "/lines", "{}", 5s, [&](const std::string& line) {
        lines.push_back(line);
        return true;
    });
    ASSERT_TRUE(reply);
    EXPECT_EQ(lines, (std::vector<std::string>{"{\"line\":0}", "{\"line\":1}", "{\"line\":2}"}));
}

TEST_F(Control, StopsReadingWhenNoMoreIsWanted) {
    int lines = 0;
    ASSERT_TRUE(control_post(socket_, "/lines", "{}", 5s, [&](const std::string&) { return ++lines < 2; }));
    EXPECT_EQ(lines, 2);
}

TEST_F(Control, TakesLongBodiesAndRefusesThoseThatAreTooLong) {
    const auto fits = control_post(socket_, "/v1/up", std::string(1024 * 1024, 'x'), 5s, {});
    ASSERT_TRUE(fits);
    EXPECT_EQ(fits->body, "POST /v1/up 1048576");
    EXPECT_FALSE(control_post(socket_, "/v1/up", std::string(8 * 1024 * 1024, 'x'), 5s, {}));
    EXPECT_TRUE(control_get(socket_, "/v1/status", 5s)) << "and lives on";
}

TEST_F(Control, SurvivesAHandlerThatThrows) {
    const auto reply = control_get(socket_, "/throw", 5s);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 500);
}

TEST_F(Control, SurvivesClientsThatSayNothingOrNonsense) {
    std::vector<Fd> idle;
    for (int i = 0; i < 20; ++i) idle.push_back(connect_unix(socket_, SOCK_STREAM).value());
    for (std::size_t i = 0; i < 10; ++i) ASSERT_EQ(::send(idle[i].get(), "\0\xff GET\r\n\r\n", 11, MSG_NOSIGNAL), 11);
    EXPECT_TRUE(control_get(socket_, "/v1/status", 5s));
}

TEST_F(Control, TellsThatNobodyListens) {
    const auto reply = control_get(folder_ + "/other", "/v1/status", 1s);
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code.value(), ENOENT);
    EXPECT_FALSE(check_control_socket(folder_ + "/other"));
    EXPECT_TRUE(check_control_socket(socket_));
}

TEST_F(Control, TellsThatWhoeverListensIsAboutToEnd) {
    const std::string path = folder_ + "/dying";
    const Fd listener = listen_unix(path, SOCK_STREAM, 0600).value();
    const std::jthread death([&] {
        pollfd client{listener.get(), POLLIN, 0};
        ::poll(&client, 1, -1);
        const Fd ended(::accept(listener.get(), nullptr, nullptr));
    });
    EXPECT_FALSE(check_control_socket(path));
}

TEST_F(Control, TellsOfAConnectionThatEndedApartFromOneThatCouldNotBeMade) {
    const std::string path = folder_ + "/dying";
    for (const std::string said :
         {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
        const Fd listener = listen_unix(path, SOCK_STREAM, 0600).value();
        const std::jthread death([&] {
            pollfd client{listener.get(), POLLIN, 0};
            ::poll(&client, 1, -1);
            const Fd ended(::accept(listener.get(), nullptr, nullptr));
            EXPECT_EQ(::send(ended.get(), said.data(), said.size(), MSG_NOSIGNAL), static_cast<ssize_t>(said.size()));
        });
        const auto reply = control_post(path, "/v1/restart", "{}", 5s, {});
        ASSERT_FALSE(reply) << said;
        EXPECT_EQ(reply.error().code, std::errc::connection_reset) << said << reply.error().to_string();
    }
}

} // namespace
} // namespace mpsup

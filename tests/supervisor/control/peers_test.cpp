// The API between supervisors, over TCP, both ends of it.
#include "supervisor/control/peer_client.h"
#include "supervisor/control/peer_door.h"

#include "base/listener.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <chrono>
#include <list>
#include <poll.h>
#include <sys/socket.h>

namespace mpsup {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

// A listener on a port of the kernel's choice.
Fd listen_on(const char* ip, std::string& api) {
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ::inet_pton(AF_INET, ip, &address.sin_addr);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd.get(), 128), 0);
    api = listening_address(fd.get()).value().to_string();
    return fd;
}

Fd connect_tcp(const std::string& api) {
    const auto to = Address::parse(api).value();
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(to.port);
    ::inet_pton(AF_INET, to.ip.c_str(), &address.sin_addr);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return fd;
}

class Peers : public testing::Test {
protected:
    // A supervisor that is asked at an address of its own.
    std::string start(const char* ip) {
        std::string api;
        Fd listener = listen_on(ip, api);
        servers_.emplace_back(
            context_.get_executor(),
            peer_door(std::move(listener), [this](const std::string& from) { return machines_.contains(from); }),
            [this, api](ControlRequest request, std::shared_ptr<ControlAnswer> answer) {
                return serve(api, std::move(request), std::move(answer));
            });
        return api;
    }

    asio::awaitable<void> serve(std::string api, ControlRequest request, std::shared_ptr<ControlAnswer> answer) {
        asio::steady_timer timer(co_await asio::this_coro::executor);
        if (request.path == "/v1/logs") {
            for (int i = 0; i < 3; ++i) answer->line("{\"line\":" + std::to_string(i) + "}");
            answer->line("");
            co_return;
        }
        if (request.path == "/v1/flood") {
            for (bool more = true; more && flooded_ < 100'000; ++flooded_) {
                answer->line(std::string(4096, 'x'));
                more = co_await answer->taken();
            }
            is_flood_over_ = true;
            co_return;
        }
        if (request.path == "/v1/stop") { // a stream that falls silent
            answer->line("{}");
            timer.expires_after(1h);
            co_await timer.async_wait(asio::use_awaitable);
        }
        if (request.path == "/v1/large") co_return answer->reply(200, std::string(3'000'000, 'x'));
        if (request.path == "/v1/huge") co_return answer->reply(200, std::string(17 << 20, 'x'));
        answer->reply(request.path == "/v1/other" ? 404 : 200, api + request.path);
    }

    // Runs the loop until a coroutine is done.
    template <typename T> T run(asio::awaitable<T> work) {
        std::optional<T> result;
        asio::co_spawn(context_, std::move(work), [&](const std::exception_ptr& thrown, T value) {
            EXPECT_FALSE(thrown);
            result.emplace(std::move(value));
        });
        context_.restart();
        const auto deadline = Clock::now() + 20s;
        while (!result && Clock::now() < deadline) context_.run_one_until(deadline);
        return std::move(result).value();
    }
    // Lets the loop go on until it is so.
    template <typename Condition> bool wait_until(Condition is_so) {
        const auto deadline = Clock::now() + 10s;
        while (!is_so() && Clock::now() < deadline) {
            context_.restart();
            context_.run_one_for(10ms);
        }
        return is_so();
    }

    std::vector<std::string> lines_of(const std::string& api, const std::string& path, std::size_t most,
                                      Result<>& ended, PeerManner manner = {}) {
        std::vector<std::string> lines;
        const auto on_line = [&](std::string line) -> asio::awaitable<bool> {
            lines.push_back(std::move(line));
            co_return lines.size() < most;
        };
        ended = run(read_peer({"app1", api}, path, std::move(manner), on_line));
        return lines;
    }

    asio::io_context context_;
    std::list<ControlServer> servers_;
    std::set<std::string> machines_{"127.0.0.1", "127.0.0.2"};
    int flooded_ = 0;
    bool is_flood_over_ = false;
};

TEST_F(Peers, AnswerAllAtOnceInTheOrderOfTheQuestion) {
    const std::string first = start("127.0.0.1"), second = start("127.0.0.2");
    const auto replies = run(ask_peers({{"b", second}, {"a", first}}, "/v1/status", {}));
    ASSERT_EQ(replies.size(), 2U);
    EXPECT_EQ(replies[0].machine, "b");
    EXPECT_EQ(replies[0].body, second + "/v1/status");
    EXPECT_EQ(replies[0].why, "");
    EXPECT_EQ(replies[1].machine, "a");
    EXPECT_EQ(replies[1].body, first + "/v1/status");
    EXPECT_TRUE(run(ask_peers({}, "/v1/status", {})).empty());
}

TEST_F(Peers, NamesWhoDoesNotAnswerAndWaitsNoLongerThanWasSaid) {
    const std::string good = start("127.0.0.1");
    std::string silent, gone;
    const Fd mute = listen_on("127.0.0.1", silent); // the kernel accepts, nobody answers
    listen_on("127.0.0.1", gone).reset();
    const auto began = Clock::now();
    const auto replies = run(ask_peers({{"a", silent}, {"b", good}, {"c", gone}, {"d", ""}, {"e", "nonsense"}},
                                       "/v1/status", {.patience = 300ms}));
    EXPECT_LT(Clock::now() - began, 2s);
    EXPECT_EQ(replies[0].why, "no answer in time");
    EXPECT_EQ(replies[1].why, "");
    EXPECT_EQ(replies[2].why, "connect: Connection refused");
    EXPECT_EQ(replies[3].why, "it does not say where it can be asked");
    EXPECT_EQ(replies[4].why, "it does not say where it can be asked");
}

TEST_F(Peers, TakeNoAnswerThatIsNoneOrTooLarge) {
    const std::string api = start("127.0.0.1");
    EXPECT_EQ(run(ask_peers({{"a", api}}, "/v1/other", {}))[0].why, "it answered 404");
    EXPECT_EQ(run(ask_peers({{"a", api}}, "/v1/large", {}))[0].body.size(), 3'000'000U);
    const auto huge = run(ask_peers({{"a", api}}, "/v1/huge", {.patience = 10s}))[0];
    EXPECT_EQ(huge.why, "read its answer: body limit exceeded");
    EXPECT_EQ(huge.body, "");
}

TEST_F(Peers, OnlyReadAndOnlyMachinesOfTheTopologyAreAnswered) {
    const std::string api = start("127.0.0.1");
    machines_ = {"127.0.0.2"};
    const auto refused = run(ask_peers({{"a", api}}, "/v1/status", {.from = "127.0.0.1"}))[0];
    EXPECT_FALSE(refused.why.empty());
    EXPECT_EQ(servers_.front().turned_away(), 1U);
    const auto taken = run(ask_peers({{"a", api}}, "/v1/status", {.from = "127.0.0.2"}))[0];
    EXPECT_EQ(taken.why, "");
    EXPECT_EQ(servers_.front().turned_away(), 1U);

    machines_ = {"127.0.0.1"};
    const Fd client = connect_tcp(api);
    const std::string post = "POST /v1/down HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
    ASSERT_EQ(::send(client.get(), post.data(), post.size(), 0), static_cast<ssize_t>(post.size()));
    pollfd entry{client.get(), POLLIN, 0};
    ASSERT_TRUE(wait_until([&] { return ::poll(&entry, 1, 0) == 1; }));
    std::array<char, 64> head{};
    ASSERT_GT(::recv(client.get(), head.data(), head.size() - 1, 0), 20);
    EXPECT_TRUE(std::string_view(head.data()).starts_with("HTTP/1.1 405 ")) << head.data();
}

TEST_F(Peers, StreamLinesUntilTheyEndOrNoMoreAreWanted) {
    const std::string api = start("127.0.0.1");
    Result<> ended;
    EXPECT_EQ(lines_of(api, "/v1/logs", 100, ended),
              (std::vector<std::string>{"{\"line\":0}", "{\"line\":1}", "{\"line\":2}", ""}));
    EXPECT_TRUE(ended);
    EXPECT_EQ(lines_of(api, "/v1/logs", 2, ended).size(), 2U);
    EXPECT_TRUE(ended);
    EXPECT_EQ(lines_of(api, "/v1/other", 2, ended).size(), 0U);
    EXPECT_EQ(ended.error().to_string(), "it answered 404");
}

TEST_F(Peers, AStreamThatFallsSilentIsGivenUp) {
    const std::string api = start("127.0.0.1");
    Result<> ended;
    const auto began = Clock::now();
    EXPECT_EQ(lines_of(api, "/v1/stop", 100, ended, {.patience = 300ms}).size(), 1U);
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().to_string(), "no answer in time");
    EXPECT_LT(Clock::now() - began, 2s);
}

TEST_F(Peers, WhoReadsSlowlyLosesNothingAndWhoLeavesIsNoticed) {
    const std::string api = start("127.0.0.1");
    Result<> ended;
    EXPECT_EQ(lines_of(api, "/v1/flood", 5000, ended).size(), 5000U) << "20 MB, more than is kept for a client";
    EXPECT_TRUE(ended);
    EXPECT_TRUE(wait_until([this] { return is_flood_over_; })) << "whoever wrote was told that nobody reads";
    EXPECT_LT(flooded_, 100'000);
}

TEST_F(Peers, ManyClientsAreBoundedAndServedAsOthersLeave) {
    const std::string api = start("127.0.0.1");
    std::vector<Fd> idle;
    for (int i = 0; i < 80; ++i) idle.push_back(connect_tcp(api));
    ASSERT_TRUE(wait_until([this] { return servers_.front().clients() == 64; }));
    std::vector<Peer> peers;
    EXPECT_EQ(run(ask_peers({{"a", api}}, "/v1/status", {.patience = 300ms}))[0].why, "no answer in time");
    EXPECT_EQ(servers_.front().clients(), 64);
    idle.clear();
    EXPECT_EQ(run(ask_peers({{"a", api}}, "/v1/status", {.patience = 5s}))[0].why, "");
}

} // namespace
} // namespace mpsup

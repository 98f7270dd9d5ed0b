#include "supervisor/transport/channel.h"

#include "certificates.h"
#include "supervisor/transport/tls_loader.h"
#include "transport_fixture.h"

#include <boost/asio/awaitable.hpp>

#include <thread>

namespace mpsup {
namespace {

using namespace std::chrono_literals;

class ChannelTest : public TransportFixture {
protected:
    Result<std::string> read(Channel::Deadline deadline = Clock::now() + 20s) {
        std::array<char, 100> space{};
        const auto got = run(channel_.read(space, deadline));
        if (!got) return std::unexpected(got.error());
        return std::string(space.data(), *got);
    }
};

TEST_F(ChannelTest, CarriesBytes) {
    connect();
    EXPECT_TRUE(channel_.is_quiet());
    say("hello");
    EXPECT_FALSE(channel_.is_quiet());
    EXPECT_EQ(read().value(), "hello");
    std::string all(3'000'000, 'x'), got;
    std::jthread reader([&] {
        std::array<char, 65536> block{};
        while (got.size() < all.size())
            if (const ssize_t size = ::recv(peer_.get(), block.data(), block.size(), 0); size > 0)
                got.append(block.data(), static_cast<std::size_t>(size));
            else
                break;
    });
    EXPECT_TRUE(run(channel_.write(all, Clock::now() + 20s)));
    reader.join();
    EXPECT_EQ(got, all);
    peer_.reset();
    EXPECT_EQ(read().value(), "") << "the end";
    EXPECT_FALSE(channel_.is_quiet());
}

TEST_F(ChannelTest, KeepsToItsDeadlines) {
    connect();
    const auto soon = [] { return Clock::now() + 30ms; };
    EXPECT_EQ(read(soon()).error().code, std::errc::timed_out);
    EXPECT_EQ(run(channel_.write(std::string(20'000'000, 'x'), soon())).error().code, std::errc::timed_out);
    say("late");
    EXPECT_EQ(read(Clock::now()).error().code, std::errc::timed_out) << "though something is there";
    EXPECT_EQ(read().value(), "late") << "what rang for another does not touch this one";
}

TEST_F(ChannelTest, SaysWhyNobodyIsThere) {
    const auto at = port();
    listener_.reset();
    EXPECT_EQ(run(channel_.connect("127.0.0.1", at, Clock::now() + 20s)).error().to_string(),
              "connect: Connection refused");
    Channel nowhere(context_.get_executor());
    const auto unknown = run(nowhere.connect("no-such-host.invalid", 1, Clock::now() + 20s));
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().what, "look up the host");
}

TEST_F(ChannelTest, FindsHostsByName) {
    const auto connected = run(channel_.connect("localhost", port(), Clock::now() + 20s));
    EXPECT_TRUE(connected) << connected.error().to_string() << ": ::1 refuses, 127.0.0.1 does not";
}

TEST_F(ChannelTest, EndsWhatWaitsWhenItIsClosed) {
    connect();
    std::array<char, 10> space{};
    std::optional<Result<std::size_t>> got;
    spawn(channel_.read(space, Channel::whenever), got);
    context_.restart();
    context_.poll();
    EXPECT_FALSE(got);
    channel_.close();
    run_all();
    EXPECT_EQ(got.value().error().code, std::errc::operation_canceled);
    EXPECT_EQ(run(channel_.write("x", Channel::whenever)).error().code, std::errc::operation_canceled);
    EXPECT_EQ(run(channel_.connect("127.0.0.1", port(), Channel::whenever)).error().code,
              std::errc::operation_canceled);
}

TEST_F(ChannelTest, MayBeDestroyedWhileSomethingWaits) {
    std::array<char, 10> space{};
    std::optional<Result<std::size_t>> got;
    {
        Channel channel(context_.get_executor());
        ASSERT_TRUE(run(channel.connect("127.0.0.1", port(), Clock::now() + 20s)));
        spawn(channel.read(space, Channel::whenever), got);
        context_.restart();
        context_.poll();
    }
    run_all();
    EXPECT_EQ(got.value().error().code, std::errc::operation_canceled);
}

TEST_F(ChannelTest, CarriesTlsOfBothSides) {
    const tls::Certificates certificates("channel");
    const tls::Files files = certificates.make("both", "IP:127.0.0.1");
    const tls::Plugin* plugin = tls::load_plugin(MPSUP_TLS_PLUGIN).value();
    connect();
    ASSERT_EQ(::fcntl(peer_.get(), F_SETFL, O_NONBLOCK), 0);
    Channel peer(context_.get_executor(), std::move(peer_));
    std::optional<Result<>> client, server;
    spawn(channel_.secure((*plugin->client(files))->connect("127.0.0.1").value(), Clock::now() + 20s), client);
    spawn(peer.secure((*plugin->server(files))->accept({}).value(), Clock::now() + 20s), server);
    run_all();
    EXPECT_TRUE(client.value()) << client->error().to_string();
    EXPECT_TRUE(server.value()) << server->error().to_string();
    const std::string text(2'000'000, 'y');
    std::optional<Result<>> sent;
    spawn(peer.write(text, Clock::now() + 20s), sent);
    std::string got;
    while (got.size() < text.size()) {
        const auto some = read();
        ASSERT_TRUE(some) << some.error().to_string();
        got += *some;
    }
    EXPECT_TRUE(sent.value());
    EXPECT_EQ(got, text);
    peer.close();
    EXPECT_EQ(read().error().code, std::errc::connection_reset) << "cut, not ended";
}

TEST_F(ChannelTest, SaysWhyTlsFails) {
    connect();
    say("HTTP/1.1 400 Bad Request\r\n\r\n");
    const tls::Plugin* plugin = tls::load_plugin(MPSUP_TLS_PLUGIN).value();
    const auto secured = run(channel_.secure((*plugin->client({}))->connect("127.0.0.1").value(), Clock::now() + 20s));
    ASSERT_FALSE(secured);
    EXPECT_EQ(secured.error().what, "TLS: wrong version number");
}

} // namespace
} // namespace mpsup

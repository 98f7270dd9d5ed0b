// The API between supervisors, over TCP, both ends of it.
#include "supervisor/control/peer_client.h"
#include "supervisor/control/peer_door.h"

#include "tests/supervisor/control/local_listener.h"
#include "tests/supervisor/transport/certificates.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <fstream>
#include <list>
#include <poll.h>
#include <set>

namespace mpsup {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

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
    static const tls::Certificates& certificates() {
        static const tls::Certificates all("peers");
        return all;
    }
    // With a key of its own.
    static PeerTrust::Options own(const std::string& name) {
        return {.own_file = certificates().path(name + ".own"), .machine = name, .plugin = MPSUP_TLS_PLUGIN};
    }
    static PeerTrust::Options signed_by_authority(const tls::Files& files) {
        return {.files = files, .plugin = MPSUP_TLS_PLUGIN};
    }

    // A supervisor that is asked at an address of its own.
    std::string start(const char* ip) { return start(ip, asked_); }
    std::string start(const char* ip, const PeerTrust& trust) {
        std::string api;
        Fd listener = listen_on(ip, api);
        PeerGuests guests{.has_address = [this](const std::string& from) { return machines_.contains(from); },
                          .has_certificate = [this](const std::string& shown) { return known_.contains(shown); },
                          .on_refused = [this](std::string why) { refusals_.push_back(std::move(why)); }};
        servers_.emplace_back(context_.get_executor(), peer_door(std::move(listener), trust, std::move(guests)),
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

    [[nodiscard]] Peer peer(const std::string& name, const std::string& api) const {
        return {name, api, asked_.fingerprint()};
    }
    [[nodiscard]] PeerManner manner(std::chrono::milliseconds patience = 2s, std::string from = {}) const {
        return {.trust = asking_, .from = std::move(from), .patience = patience};
    }
    // Why it does not answer.
    std::string why(const Peer& peer, PeerManner manner) {
        return run(ask_peers({peer}, "/v1/status", std::move(manner)))[0].why;
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
                                      Result<>& ended, std::chrono::milliseconds patience = 2s) {
        std::vector<std::string> lines;
        const auto on_line = [&](std::string line) -> asio::awaitable<bool> {
            lines.push_back(std::move(line));
            co_return lines.size() < most;
        };
        ended = run(read_peer(peer("app1", api), path, manner(patience), on_line));
        return lines;
    }

    asio::io_context context_;
    PeerTrust asked_{own("asked")}, asking_{own("asking")};
    std::list<ControlServer> servers_;
    std::set<std::string> machines_{"127.0.0.1", "127.0.0.2"};
    std::set<std::string> known_{asking_.fingerprint()};
    std::vector<std::string> refusals_;
    int flooded_ = 0;
    bool is_flood_over_ = false;
};

TEST_F(Peers, AnswerAllAtOnceInTheOrderOfTheQuestion) {
    const std::string first = start("127.0.0.1"), second = start("127.0.0.2");
    const auto replies = run(ask_peers({peer("b", second), peer("a", first)}, "/v1/status", manner()));
    ASSERT_EQ(replies.size(), 2U);
    EXPECT_EQ(replies[0].machine, "b");
    EXPECT_EQ(replies[0].body, second + "/v1/status");
    EXPECT_EQ(replies[0].why, "");
    EXPECT_EQ(replies[1].machine, "a");
    EXPECT_EQ(replies[1].body, first + "/v1/status");
    EXPECT_TRUE(run(ask_peers({}, "/v1/status", manner())).empty());
}

TEST_F(Peers, NamesWhoDoesNotAnswerAndWaitsNoLongerThanWasSaid) {
    const std::string good = start("127.0.0.1");
    std::string silent, gone;
    const Fd mute = listen_on("127.0.0.1", silent); // the kernel accepts, nobody answers
    listen_on("127.0.0.1", gone).reset();
    const auto began = Clock::now();
    const auto replies =
        run(ask_peers({peer("a", silent), peer("b", good), peer("c", gone), peer("d", ""), peer("e", "nonsense")},
                      "/v1/status", manner(300ms)));
    EXPECT_LT(Clock::now() - began, 2s);
    EXPECT_EQ(replies[0].why, "no answer in time");
    EXPECT_EQ(replies[1].why, "");
    EXPECT_EQ(replies[2].why, "connect: Connection refused");
    EXPECT_EQ(replies[3].why, "it does not say where it can be asked");
    EXPECT_EQ(replies[4].why, "it does not say where it can be asked");
}

TEST_F(Peers, TakeNoAnswerThatIsNoneOrTooLarge) {
    const std::string api = start("127.0.0.1");
    EXPECT_EQ(run(ask_peers({peer("a", api)}, "/v1/other", manner()))[0].why, "it answered 404");
    EXPECT_EQ(run(ask_peers({peer("a", api)}, "/v1/large", manner()))[0].body.size(), 3'000'000U);
    const auto huge = run(ask_peers({peer("a", api)}, "/v1/huge", manner(10s)))[0];
    EXPECT_EQ(huge.why, "read the answer: body limit exceeded");
    EXPECT_EQ(huge.body, "");
}

TEST_F(Peers, OnlyMachinesOfTheTopologyAreAnswered) {
    const std::string api = start("127.0.0.1");
    machines_ = {"127.0.0.2"};
    EXPECT_EQ(why(peer("a", api), manner(2s, "127.0.0.1")),
              "it hangs up: its supervisor was stopped just now, or does not know this machine's address");
    EXPECT_EQ(servers_.front().turned_away(), 1U);
    EXPECT_EQ(refusals_.size(), 0U) << "strangers are not worth a line";
    EXPECT_EQ(why(peer("a", api), manner(2s, "127.0.0.2")), "");
    EXPECT_EQ(servers_.front().turned_away(), 1U);
}

// Who has the machine's address and not the supervisor's key: another user of the machine.
TEST_F(Peers, OnlyWhoHasTheKeyOfASupervisorIsAnswered) {
    const std::string api = start("127.0.0.1");
    known_ = {};
    EXPECT_TRUE(why(peer("a", api), manner()).starts_with("it does not believe this machine's certificate (TLS: "))
        << why(peer("a", api), manner());
    ASSERT_FALSE(refusals_.empty());
    EXPECT_TRUE(refusals_[0].starts_with("a supervisor at 127.0.0.1 that asks was refused: TLS: ")) << refusals_[0];
    refusals_.clear();

    known_ = {asking_.fingerprint()};
    const Fd client = connect_tcp(api);
    const std::string plain = "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n";
    ASSERT_EQ(::send(client.get(), plain.data(), plain.size(), 0), static_cast<ssize_t>(plain.size()));
    pollfd entry{client.get(), POLLIN, 0};
    ASSERT_TRUE(wait_until([&] { return ::poll(&entry, 1, 0) == 1; }));
    std::array<char, 64> head{};
    EXPECT_LT(::recv(client.get(), head.data(), head.size(), 0), 20) << "no more than an alert";
    EXPECT_TRUE(wait_until([this] { return refusals_.size() == 1; }));
    EXPECT_TRUE(refusals_[0].contains("http request")) << refusals_[0];
}

TEST_F(Peers, WhoTakesThePlaceOfASupervisorIsNotBelieved) {
    const PeerTrust other(own("other"));
    const std::string api = start("127.0.0.1", other);
    EXPECT_EQ(why(peer("a", api), manner()), "its certificate is not believed: certificate not trusted");
    EXPECT_EQ(why({"a", api, ""}, manner()), "it does not say by which certificate it is known: it has none (its log "
                                             "says why), or --peer-ca is given there and not here");
}

TEST_F(Peers, KeepTheirKey) {
    EXPECT_EQ(PeerTrust(own("asked")).fingerprint(), asked_.fingerprint());
    EXPECT_EQ(asked_.fingerprint().size(), 64U);
    EXPECT_EQ(std::filesystem::status(own("asked").own_file).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    EXPECT_TRUE(asked_.check());
    const PeerTrust nowhere({.own_file = "/nowhere/peer.pem", .machine = "a", .plugin = MPSUP_TLS_PLUGIN});
    EXPECT_EQ(nowhere.fingerprint(), "");
    EXPECT_EQ(nowhere.check().error().to_string(), "open /nowhere/peer.pem.new: No such file or directory");
}

TEST_F(Peers, CanHaveTheirKeyLater) {
    const std::string folder = certificates().path("later"),
                      trouble = "open " + folder + "/peer.pem.new: No such file or directory";
    PeerTrust late({.own_file = folder + "/peer.pem", .machine = "a", .plugin = MPSUP_TLS_PLUGIN});
    EXPECT_EQ(late.problem(), trouble);
    const std::string api = start("127.0.0.1");
    EXPECT_EQ(why({"a", api, asked_.fingerprint()}, {.trust = late}), "this machine has no certificate: " + trouble);
    EXPECT_FALSE(late.try_again());
    std::filesystem::create_directory(folder);
    EXPECT_TRUE(late.try_again());
    EXPECT_EQ(late.problem(), "");
    known_ = {late.fingerprint()};
    EXPECT_EQ(why({"a", api, asked_.fingerprint()}, {.trust = late}), "");
}

TEST_F(Peers, WithAnAuthorityHaveCertificatesForTheirAddresses) {
    const tls::Files first = certificates().make("first", "IP:127.0.0.1"),
                     second = certificates().make("second", "IP:127.0.0.2");
    const PeerTrust asked(signed_by_authority(first)), asking(signed_by_authority(second)), strange(own("strange"));
    EXPECT_EQ(asked.fingerprint(), "");
    EXPECT_TRUE(asked.check());
    const std::string api = start("127.0.0.1", asked);
    const auto from = [&](const PeerTrust& trust, std::string ip) {
        return why({"a", api, ""}, {.trust = trust, .from = std::move(ip)});
    };
    EXPECT_EQ(from(asking, "127.0.0.2"), "");
    EXPECT_TRUE(from(asking, "127.0.0.1").starts_with("it does not believe")) << "it is another machine's";
    ASSERT_FALSE(refusals_.empty());
    EXPECT_TRUE(refusals_.back().contains("IP address mismatch")) << refusals_.back();
    EXPECT_EQ(why({"a", api, "00"}, {.trust = strange}), "its certificate is not believed: certificate not trusted");

    const std::string at_second = start("127.0.0.2", asked);
    EXPECT_EQ(why({"b", at_second, ""}, {.trust = asking, .from = "127.0.0.2"}),
              "its certificate is not believed: IP address mismatch");
}

TEST_F(Peers, TakeNewCertificatesAtOnceAndSayWhatIsWrongWithThem) {
    const tls::Files files = certificates().make("renewed", "IP:127.0.0.1");
    const PeerTrust trust(signed_by_authority(files));
    const std::string api = start("127.0.0.1", trust);
    const auto asked = [&] { return why({"a", api, ""}, {.trust = trust, .from = "127.0.0.1"}); };
    EXPECT_EQ(asked(), "");
    certificates().make_authority("another");
    (void)certificates().make("renewed", "IP:127.0.0.1", "another");
    EXPECT_TRUE(asked().starts_with("its certificate is not believed: ")) << asked();
    (void)certificates().make("renewed", "IP:127.0.0.1");
    EXPECT_EQ(asked(), "");
    std::filesystem::remove(files.key);
    EXPECT_EQ(asked(), "open " + files.key + ": No such file or directory");
    EXPECT_FALSE(trust.check());
}

TEST_F(Peers, OnlyRead) {
    const std::string api = start("127.0.0.1");
    Channel channel(context_.get_executor());
    const auto to = Address::parse(api).value();
    const auto in_time = Clock::now() + 10s;
    ASSERT_TRUE(run(channel.connect(to.ip, to.port, in_time)));
    ASSERT_TRUE(run(channel.secure(asking_.ask(peer("a", api)).value(), in_time)));
    ASSERT_TRUE(run(channel.write("POST /v1/down HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", in_time)));
    std::array<char, 64> head{};
    ASSERT_GT(run(channel.read(head, in_time)).value_or(0), 20U);
    EXPECT_TRUE(std::string_view(head.data(), 13).starts_with("HTTP/1.1 405 ")) << head.data();
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
    EXPECT_EQ(lines_of(api, "/v1/stop", 100, ended, 300ms).size(), 1U);
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
    EXPECT_EQ(why(peer("a", api), manner(300ms)), "no answer in time");
    EXPECT_EQ(servers_.front().clients(), 64);
    idle.clear();
    EXPECT_EQ(why(peer("a", api), manner(5s)), "");
}

} // namespace
} // namespace mpsup

// TLS over real connections (faults no. 77).
#include "worker/http/tls_keeper.h"

#include "tests/worker/http/certificates.h"
#include "tests/worker/http/server.h"
#include "worker/http/tls_reload.h"

#include <array>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <unistd.h>

namespace mpsup::http {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view get = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

Task<> stream_three_megabytes(Exchange& exchange) {
    const std::string block(100'000, 't');
    if (!exchange.begin({200, {}, std::nullopt, false})) co_return;
    for (int i = 0; i < 30; ++i)
        if (!co_await exchange.write(block)) co_return;
    static_cast<void>(co_await exchange.finish(true));
}

Task<> say_who_asks(Exchange& exchange) {
    Reply reply;
    reply.text = exchange.client().tls ? "tls " : "plain ";
    for (;;) {
        const auto piece = co_await exchange.read_body();
        if (!piece) co_return;
        if (piece->empty()) break;
        reply.text += *piece;
    }
    static_cast<void>(co_await exchange.send(reply));
}

class FileHandler final : public TestHandler {
public:
    FileHandler() : TestHandler({{"/stream", stream_three_megabytes}, {"/who", say_who_asks}}) {
        std::string pattern = "/tmp/mpsup-file-XXXXXX";
        file_.reset(::mkostemp(pattern.data(), O_CLOEXEC));
        ::unlink(pattern.c_str());
        const std::string content(1'000'000, 'f');
        EXPECT_EQ(::write(file_.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
    }
    Verdict begin(const Request& request, const Client& client, LogNotes& notes, Reply& reply) override {
        if (request.path != "/file") return TestHandler::begin(request, client, notes, reply);
        reply.file = file_.duplicate().value();
        reply.file_size = 1'000'000;
        return Verdict::answered;
    }

private:
    Fd file_;
};

class Tls : public testing::Test {
protected:
    void serve(TlsOptions tls, std::chrono::milliseconds handshake = 10s, bool alone = false) {
        keeper = TlsKeeper::open(std::move(tls)).value();
        EventServer::Options options;
        options.connection.deadlines.handshake = handshake;
        options.tick = 20ms;
        ListenerOptions listener;
        listener.tls = keeper;
        server = std::make_unique<TestServer>(&handler, options, listener, [this, alone](EventServer& started) {
            if (alone) {
                EXPECT_TRUE(reload_when_changed(started, keeper));
            }
        });
    }
    [[nodiscard]] std::unique_ptr<TlsVisit> visit(const TlsVisit::Options& options,
                                                  std::string_view bytes = get) const {
        const TestClient client = server->connect();
        return std::make_unique<TlsVisit>(client.fd(), bytes, options);
    }
    [[nodiscard]] std::string shown(const std::string& name) const { return visit({.name = name})->common_name; }

    CertificateFolder folder;
    CertificatePair first = folder.make("first", {"a.example.org"});
    CertificatePair second = folder.make("second", {"B.example.org", "*.c.example.org"});
    FileHandler handler;
    std::shared_ptr<TlsKeeper> keeper;
    std::unique_ptr<TestServer> server;
};

TEST_F(Tls, Serves12And13AndNothingOlder) {
    serve({.pairs = {first}});
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const auto seen = visit({.version = version});
        EXPECT_TRUE(seen->received.starts_with("HTTP/1.1 200 OK\r\n")) << seen->received;
        EXPECT_TRUE(seen->received.ends_with("at once\n"));
    }
    EXPECT_FALSE(visit({.version = TLS1_1_VERSION})->connected);
}

TEST_F(Tls, Serves13AloneWhereOlderVersionsAreOff) {
    serve({.pairs = {first}, .tls13_only = true});
    EXPECT_TRUE(visit({.version = TLS1_3_VERSION})->received.starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_FALSE(visit({.version = TLS1_2_VERSION})->connected);
}

TEST_F(Tls, SendsFilesStreamsAndReadsContent) {
    serve({.pairs = {first}});
    const std::string close = " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    const auto file = visit({}, "GET /file" + close + "\r\n");
    EXPECT_EQ(file->received.size() - file->received.find("\r\n\r\n") - 4, 1'000'000U);
    const auto stream = visit({}, "GET /stream" + close + "\r\n");
    EXPECT_EQ(std::ranges::count(stream->received.substr(stream->received.find("\r\n\r\n")), 't'), 3'000'000);
    EXPECT_TRUE(stream->received.ends_with("\r\n0\r\n\r\n"));
    const std::string body(200'000, 'b');
    EXPECT_TRUE(
        visit({}, "POST /who" + close + "Content-Length: 200000\r\n\r\n" + body)->received.ends_with("tls " + body));
}

TEST_F(Tls, ChoosesTheCertificateByName) {
    serve({.pairs = {first, second}});
    EXPECT_EQ(shown("a.example.org"), "first");
    EXPECT_EQ(shown("b.EXAMPLE.org"), "second");
    EXPECT_EQ(shown("x.c.example.org"), "second");
    EXPECT_EQ(shown("y.x.c.example.org"), "first") << "a wildcard is one label";
    EXPECT_EQ(shown("c.example.org"), "first");
    EXPECT_EQ(shown("unknown"), "first");
    EXPECT_EQ(shown(""), "first");
}

TEST_F(Tls, Fault77RefusesUnknownNamesWhenItIsStrict) {
    serve({.pairs = {first, second}, .strict_names = true});
    EXPECT_EQ(shown("b.example.org"), "second");
    EXPECT_FALSE(visit({.name = "unknown"})->connected);
    EXPECT_FALSE(visit({})->connected);
}

TEST_F(Tls, SpeaksHttpWhenAskedForProtocols) {
    serve({.pairs = {first}});
    EXPECT_EQ(visit({.protocols = "\x02h2\x08http/1.1"})->protocol, "http/1.1");
    EXPECT_EQ(visit({.protocols = "\x02h2"})->protocol, "");
    EXPECT_EQ(visit({})->protocol, "");
}

TEST_F(Tls, Fault77ResumesSessionsOfTheSameNameOnly) {
    serve({.pairs = {first, second}});
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const auto before = visit({.name = "a.example.org", .version = version});
        EXPECT_FALSE(before->resumed);
        EXPECT_TRUE(visit({.name = "a.example.org", .version = version, .session = before->session})->resumed)
            << version;
        const auto other = visit({.name = "b.example.org", .version = version, .session = before->session});
        EXPECT_FALSE(other->resumed) << version;
        EXPECT_TRUE(!other->connected || other->common_name == "second");
    }
}

TEST_F(Tls, Fault77ReplacesAPairWithoutDroppingConnections) {
    serve({.pairs = {first}});
    EXPECT_EQ(shown(""), "first");
    TestClient waiting = server->connect();
    const CertificatePair renewed = folder.make("renewed", {"a.example.org"});
    std::filesystem::rename(renewed.certificate, first.certificate);
    EXPECT_TRUE(keeper->changed());
    const auto mismatched = keeper->reload();
    ASSERT_FALSE(mismatched);
    EXPECT_TRUE(mismatched.error().to_string().contains("mismatch")) << mismatched.error().to_string();
    EXPECT_EQ(shown(""), "first") << "half of a pair changes nothing";
    std::filesystem::rename(renewed.key, first.key);
    EXPECT_TRUE(keeper->changed());
    EXPECT_FALSE(keeper->changed());
    EXPECT_TRUE(keeper->reload());
    EXPECT_EQ(shown(""), "renewed");
    EXPECT_EQ(TlsVisit(waiting.fd(), get, {}).common_name, "first") << "it had been accepted before";
}

TEST_F(Tls, NoticesByItselfThatAPairWasReplaced) {
    serve({.pairs = {first}}, 10s, true);
    EXPECT_EQ(shown(""), "first");
    const CertificatePair renewed = folder.make("renewed", {"a.example.org"});
    std::filesystem::rename(renewed.certificate, first.certificate);
    std::filesystem::rename(renewed.key, first.key);
    const auto end = Clock::now() + 10s;
    std::string name;
    while ((name = shown("")) != "renewed" && Clock::now() < end) std::this_thread::yield();
    EXPECT_EQ(name, "renewed");
}

TEST_F(Tls, Fault77KeepsAPairThatIsGoneHalfWrittenOrExpired) {
    serve({.pairs = {first, second}});
    std::filesystem::resize_file(second.certificate, 100);
    EXPECT_FALSE(keeper->reload());
    std::filesystem::remove(second.certificate);
    EXPECT_FALSE(keeper->reload());
    const CertificatePair expired = folder.make("expired", {"b.example.org"}, -1);
    std::filesystem::rename(expired.certificate, second.certificate);
    std::filesystem::rename(expired.key, second.key);
    const auto outcome = keeper->reload();
    ASSERT_FALSE(outcome);
    EXPECT_TRUE(outcome.error().to_string().contains("has expired"));
    EXPECT_EQ(shown("b.example.org"), "second");
}

TEST_F(Tls, Fault77IsNotSetUpWithoutAGoodPair) {
    EXPECT_FALSE(TlsKeeper::open({}));
    EXPECT_FALSE(TlsKeeper::open({.pairs = {{first.certificate, second.key}}}));
    EXPECT_FALSE(TlsKeeper::open({.pairs = {{folder.path() + "/none.crt", first.key}}}));
    EXPECT_TRUE(TlsKeeper::open({.pairs = {folder.make("late", {}, -1)}})) << "an expired one is better than nothing";
}

TEST_F(Tls, Fault77EndsAHandshakeThatTakesTooLong) {
    serve({.pairs = {first}}, 100ms);
    TestClient silent = server->connect();
    EXPECT_EQ(silent.read_all(), "");
    TestClient slow = server->connect();
    slow.send("\x16\x03\x01");
    EXPECT_EQ(slow.read_all(), "");
    TestClient plain = server->connect();
    plain.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_FALSE(plain.read_all().contains("HTTP/1.1"));
}

TEST_F(Tls, Fault77LetsNobodyRenegotiate) {
    serve({.pairs = {first}});
    const TestClient client = server->connect();
    SSL_CTX* context = ::SSL_CTX_new(::TLS_client_method());
    ::SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    SSL* ssl = ::SSL_new(context);
    ::SSL_set_fd(ssl, client.fd());
    EXPECT_EQ(::SSL_connect(ssl), 1);
    EXPECT_EQ(::SSL_renegotiate(ssl), 1);
    EXPECT_NE(::SSL_do_handshake(ssl), 1);
    ::SSL_free(ssl);
    ::SSL_CTX_free(context);
}

TEST_F(Tls, RestsWhenIdleAndWakesUp) {
    serve({.pairs = {first}});
    const TestClient client = server->connect();
    SSL_CTX* context = ::SSL_CTX_new(::TLS_client_method());
    SSL* ssl = ::SSL_new(context);
    ::SSL_set_fd(ssl, client.fd());
    ASSERT_EQ(::SSL_connect(ssl), 1);
    std::array<char, 1000> block{};
    for (int i = 0; i < 2; ++i) {
        constexpr std::string_view request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        EXPECT_GT(::SSL_write(ssl, request.data(), request.size()), 0);
        EXPECT_GT(::SSL_read(ssl, block.data(), block.size()), 0);
        if (i == 0) std::this_thread::sleep_for(1'200ms); // longer than a connection keeps its buffers for
    }
    ::SSL_free(ssl);
    ::SSL_CTX_free(context);
}

} // namespace
} // namespace mpsup::http

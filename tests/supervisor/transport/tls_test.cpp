// Both sides of TLS, without a socket between them.
#include "supervisor/transport/tls.h"

#include "certificates.h"
#include "supervisor/transport/tls_loader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

namespace mpsup::tls {
namespace {

class TlsTest : public testing::Test {
protected:
    static const Certificates& certificates() {
        static const Certificates all("tls");
        return all;
    }
    static const Files& server_files() {
        static const Files files =
            certificates().make("server", "DNS:etcd.example,DNS:*.wild.example,IP:127.0.0.1,IP:::1");
        return files;
    }
    static const Files& client_files() {
        static const Files files = certificates().make("client", "DNS:client.example");
        return files;
    }
    static const Plugin& plugin() {
        static const Plugin* plugin = load_plugin(MPSUP_TLS_PLUGIN).value();
        return *plugin;
    }
    void meet(const Files& server, const Files& client, const std::string& host = "127.0.0.1") {
        const auto of_server = plugin().server(server);
        const auto of_client = plugin().client(client);
        ASSERT_TRUE(of_server) << of_server.error().to_string();
        ASSERT_TRUE(of_client) << of_client.error().to_string();
        server_ = (*of_server)->accept({}).value();
        client_ = (*of_client)->connect(host).value(); // sessions outlive their context
    }
    // Until neither side has anything to say.
    void shake_hands() {
        for (int i = 0; i < 10; ++i) {
            if (of_client_ == Step::wants_input) of_client_ = client_->handshake();
            if (of_server_ == Step::wants_input) of_server_ = server_->handshake();
            carry();
        }
    }
    void carry() {
        if (const std::string text = client_->take_output(); !text.empty()) server_->give_input(text);
        if (const std::string text = server_->take_output(); !text.empty()) client_->give_input(text);
    }
    static std::string read(Session& session, Step& end) {
        std::string all;
        for (;;) {
            std::string space(1000, '\0');
            std::size_t got = 0;
            end = session.read(space, got);
            if (end != Step::done) return all;
            all += space.substr(0, got);
        }
    }

    std::unique_ptr<Session> server_, client_;
    Step of_server_ = Step::wants_input, of_client_ = Step::wants_input;
};

TEST_F(TlsTest, CarriesWhatIsSaid) {
    meet(server_files(), client_files());
    shake_hands();
    EXPECT_EQ(of_client_, Step::done) << client_->why();
    EXPECT_EQ(of_server_, Step::done) << server_->why();
    const std::string text(100'000, 'x');
    EXPECT_EQ(client_->write(text), Step::done);
    const std::string sent = client_->take_output();
    EXPECT_FALSE(sent.contains("xxxxxxxx"));
    Step end{};
    std::string got;
    for (std::size_t i = 0; i < sent.size(); i += 777) {
        server_->give_input(std::string_view(sent).substr(i, 777));
        got += read(*server_, end);
        EXPECT_EQ(end, Step::wants_input);
    }
    EXPECT_EQ(got, text);
    EXPECT_EQ(server_->write("answer"), Step::done);
    server_->end();
    carry();
    EXPECT_EQ(read(*client_, end), "answer");
    EXPECT_EQ(end, Step::ended);
}

TEST_F(TlsTest, BelievesTheNamesOfACertificate) {
    const Files client{server_files().ca};
    const Files server{{}, server_files().certificate, server_files().key};
    const auto believed = [&](const std::string& host) {
        of_client_ = of_server_ = Step::wants_input;
        meet(server, client, host);
        shake_hands();
        return of_client_ == Step::done;
    };
    for (const char* host : {"127.0.0.1", "::1", "etcd.example", "a.wild.example"}) EXPECT_TRUE(believed(host)) << host;
    for (const char* host : {"127.0.0.2", "::2", "other.example", "a.b.wild.example", "server", "wild.example"}) {
        EXPECT_FALSE(believed(host)) << host;
        EXPECT_TRUE(client_->why().contains("mismatch")) << client_->why();
    }
}

TEST_F(TlsTest, BelievesNoOtherAuthority) {
    certificates().make_authority("other");
    meet({{}, server_files().certificate, server_files().key}, {certificates().path("other.pem")});
    shake_hands();
    EXPECT_EQ(of_client_, Step::failed);
    EXPECT_TRUE(client_->why().contains("unable to get local issuer certificate")) << client_->why();
    EXPECT_EQ(of_server_, Step::failed) << "it is told";
    EXPECT_TRUE(server_->why().contains("alert unknown ca")) << server_->why();
    of_client_ = of_server_ = Step::wants_input;
    meet({{}, server_files().certificate, server_files().key}, {});
    shake_hands();
    EXPECT_EQ(of_client_, Step::failed) << "nor does the system know it";
}

TEST_F(TlsTest, AsksClientsForACertificate) {
    meet(server_files(), {server_files().ca});
    shake_hands();
    EXPECT_EQ(of_server_, Step::failed);
    EXPECT_TRUE(server_->why().contains("peer did not return a certificate")) << server_->why();
    Step end{};
    EXPECT_EQ(read(*client_, end), "");
    EXPECT_EQ(end, Step::failed) << "which a client of TLS 1.3 learns when it reads";
    EXPECT_TRUE(client_->why().contains("certificate required")) << client_->why();
    certificates().make_authority("stranger");
    Files strange = certificates().make("strange", "DNS:client.example", "stranger");
    of_client_ = of_server_ = Step::wants_input;
    meet(server_files(), strange);
    shake_hands();
    EXPECT_EQ(of_server_, Step::failed);
}

TEST_F(TlsTest, BelievesAClientThatIsTheHostThatItShouldBe) {
    const auto believed = [&](const std::string& host) {
        of_client_ = of_server_ = Step::wants_input;
        meet(server_files(), server_files());
        server_ = (*plugin().server(server_files()))->accept(host).value();
        shake_hands();
        return of_server_ == Step::done;
    };
    EXPECT_TRUE(believed("127.0.0.1"));
    EXPECT_FALSE(believed("127.0.0.2"));
    EXPECT_TRUE(server_->why().contains("IP address mismatch")) << server_->why();
}

TEST_F(TlsTest, KnowsWhoseKeyItIsWithoutAnAuthority) {
    const auto own = [](const std::string& name) {
        const std::string path = certificates().path(name + ".own");
        std::ofstream(path) << plugin().make_key(name).value();
        return Files{path, path, path};
    };
    const auto fingerprint = [](const Files& files) { return plugin().client(files).value()->fingerprint(); };
    const Files one = own("one"), other = own("other");
    EXPECT_EQ(fingerprint(one).size(), 64U);
    EXPECT_NE(fingerprint(one), fingerprint(other));
    const auto meet_known = [&](const std::string& by_server, const std::string& by_client) {
        const auto of_server = plugin().server(one).value();
        const auto of_client = plugin().client(other).value();
        of_server->trust([by_server](const std::string& shown) { return shown == by_server; });
        of_client->trust([by_client](const std::string& shown) { return shown == by_client; });
        server_ = of_server->accept({}).value();
        client_ = of_client->connect("127.0.0.1").value();
        of_client_ = of_server_ = Step::wants_input;
        shake_hands();
    };
    meet_known(fingerprint(other), fingerprint(one));
    EXPECT_EQ(of_server_, Step::done) << server_->why();
    EXPECT_EQ(of_client_, Step::done) << client_->why();
    meet_known(fingerprint(one), fingerprint(one));
    EXPECT_EQ(of_server_, Step::failed) << "whom it does not know";
    EXPECT_TRUE(server_->why().contains("certificate not trusted")) << server_->why();
    meet_known(fingerprint(other), fingerprint(other));
    EXPECT_EQ(of_client_, Step::failed) << "nor does a client";

    const auto strict = plugin().server(one).value();
    strict->trust([](const std::string&) { return true; });
    server_ = strict->accept({}).value();
    client_ = plugin().client({one.certificate}).value()->connect("127.0.0.1").value();
    of_client_ = of_server_ = Step::wants_input;
    shake_hands();
    EXPECT_EQ(of_server_, Step::failed) << "nor whoever shows nothing";
}

TEST_F(TlsTest, FailsOfRubbish) {
    meet(server_files(), client_files());
    server_->give_input("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(server_->handshake(), Step::failed);
    EXPECT_TRUE(server_->why().contains("http request")) << server_->why();
    (void)client_->handshake();
    client_->give_input(std::string(1000, 'x'));
    EXPECT_EQ(client_->handshake(), Step::failed);
    EXPECT_FALSE(client_->why().empty());
}

TEST_F(TlsTest, FailsOfWhatWasChangedOnTheWay) {
    meet(server_files(), client_files());
    shake_hands();
    EXPECT_EQ(client_->write("a text"), Step::done);
    std::string sent = client_->take_output();
    sent.back() = static_cast<char>(sent.back() ^ 1);
    server_->give_input(sent);
    Step end{};
    EXPECT_EQ(read(*server_, end), "");
    EXPECT_EQ(end, Step::failed);
}

TEST_F(TlsTest, SaysWhichFileIsNotRight) {
    const auto why = [](const Files& files) { return plugin().client(files).error().to_string(); };
    const std::string none = certificates().path("none");
    EXPECT_EQ(why({none}), "open " + none + ": No such file or directory");
    EXPECT_TRUE(why({server_files().key}).contains("has no certificate")) << why({server_files().key});
    EXPECT_TRUE(why({{}, server_files().key, server_files().key}).contains("is no certificate"));
    const std::string other = why({{}, server_files().certificate, client_files().key});
    EXPECT_TRUE(other.contains("is no key of")) << other;
    EXPECT_TRUE(why({{}, server_files().certificate, {}}).contains("open")) << "one without the other";
    EXPECT_FALSE(plugin().server({}));
}

} // namespace
} // namespace mpsup::tls

// The client with Debian's etcd. Skipped where that is not installed.
#include "supervisor/cluster/etcd_client.h"

#include "etcd_fixture.h"
#include "real_etcd.h"
#include "tests/supervisor/transport/certificates.h"

#include <fstream>

namespace mpsup::cluster {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// One after the other; the last answer.
boost::asio::awaitable<Result<TransactionReply>> transact_all(EtcdClient& client, std::vector<Transaction> all) {
    Result<TransactionReply> reply;
    for (Transaction& transaction : all) reply = co_await client.transact(std::move(transaction));
    co_return reply;
}

class RealEtcdTest : public EtcdFixture {
protected:
    void SetUp() override {
        if (!etcd_is_here()) GTEST_SKIP() << "etcd and etcdctl are not installed";
    }
    void use(const std::vector<const RealEtcd*>& members, EtcdOptions options = {}) {
        for (const RealEtcd* member : members)
            options.endpoints.push_back({member->url().starts_with("https"), "127.0.0.1", member->port()});
        client_.emplace(options);
    }
    // Until it answers.
    void wait_for(const RealEtcd& member, const std::function<bool()>& answers) {
        const auto deadline = Clock::now() + 30s;
        while (!answers()) {
            ASSERT_LT(Clock::now(), deadline) << member.log();
            std::this_thread::sleep_for(20ms);
        }
    }
    void start(RealEtcd& etcd) {
        etcd.start();
        use({&etcd});
        wait_for(etcd, [&] { return run(client_->get({{"a"}})).has_value(); });
    }
    Revision put(const std::string& key, const std::string& value, LeaseId lease = 0) {
        const auto reply = run(client_->transact({{}, {Put{key, value, lease}}}));
        EXPECT_TRUE(reply) << reply.error().to_string();
        return reply ? reply->header.revision : 0;
    }

    std::optional<EtcdClient> client_;
};

TEST_F(RealEtcdTest, KeepsWhatItIsGiven) {
    RealEtcd etcd("keeps");
    start(etcd);
    const Revision first = put("/a/1", "one");
    put("/a/2", std::string("\0\xff\n", 3));
    const auto all = run(client_->get({KeyRange::prefix("/a/")})).value();
    ASSERT_EQ(all.found.size(), 2U);
    EXPECT_EQ(all.found[0], (KeyValue{"/a/1", "one", first, first, 0}));
    EXPECT_EQ(all.found[1].value, std::string("\0\xff\n", 3));
    EXPECT_EQ(all.header.revision, first + 1);
    EXPECT_EQ(run(client_->get({KeyRange::prefix("/a/"), first})).value().found.size(), 1U);
    const auto change = [&](Revision seen) {
        return run(client_->transact({{{"/a/1", seen}}, {Put{"/a/1", "two"}}, {Get{{"/a/1"}}}})).value();
    };
    EXPECT_TRUE(change(first).succeeded);
    const auto late = change(first);
    EXPECT_FALSE(late.succeeded);
    EXPECT_EQ(late.results.at(0).found.at(0).value, "two");
    EXPECT_EQ(run(client_->get({{"x"}, 1'000})).error().code, EtcdCode::out_of_range);
}

TEST_F(RealEtcdTest, TakesAMegabyte) {
    RealEtcd etcd("megabyte");
    start(etcd);
    const std::string value(1'100'000, 'x'); // etcd refuses what is over 1.5 MiB
    const Revision at = put("big", value);
    EXPECT_EQ(run(client_->get({{"big"}})).value().found.at(0).value, value);
    std::string told;
    (void)run(client_->watch({"big"}, at, [&](const WatchNews& news) {
        if (news.changes.empty()) return;
        told = news.changes[0].now.value;
        client_->cancel();
    }));
    EXPECT_EQ(told, value);
    use({&etcd});
    const auto refused = run(client_->transact({{}, {Put{"big", std::string(1'600'000, 'x')}}}));
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().what.contains("request is too large")) << refused.error().what;
}

TEST_F(RealEtcdTest, LetsALeaseEnd) {
    RealEtcd etcd("lease");
    start(etcd);
    const LeaseId lease = run(client_->grant(15s)).value().lease;
    put("/leased", "", lease);
    EXPECT_EQ(run(client_->keep_alive(lease)).value().left, 15s);
    ASSERT_TRUE(run(client_->revoke(lease)));
    EXPECT_TRUE(run(client_->get({{"/leased"}})).value().found.empty());
    EXPECT_EQ(run(client_->keep_alive(lease)).value().left, 0s);
    EXPECT_EQ(run(client_->revoke(lease)).error().code, EtcdCode::not_found);
    const auto put_to_none = run(client_->transact({{}, {Put{"/leased", "", lease}}}));
    EXPECT_EQ(put_to_none.error().code, EtcdCode::not_found);
}

TEST_F(RealEtcdTest, TellsEachChangeOnceAndInOrder) {
    RealEtcd etcd("order");
    start(etcd);
    const Revision first = put("/w/0", "0");
    std::vector<Revision> told;
    std::optional<Error> end;
    spawn(client_->watch(KeyRange::prefix("/w/"), first,
                         [&](const WatchNews& news) {
                             for (const Change& change : news.changes) told.push_back(change.now.modified);
                             if (told.size() == 50) client_->cancel();
                         }),
          end);
    std::vector<Transaction> puts;
    for (int i = 1; i < 49; ++i) puts.push_back({{}, {Put{"/w/" + std::to_string(i % 7), "x"}}});
    puts.push_back({{}, {Delete{{"/w/0"}}}});
    std::optional<Result<TransactionReply>> last;
    spawn(transact_all(*client_, puts), last);
    run_all();
    std::vector<Revision> expected;
    for (int i = 0; i < 50; ++i) expected.push_back(first + i);
    EXPECT_EQ(told, expected);
    EXPECT_EQ(end.value().code, std::errc::operation_canceled);
}

TEST_F(RealEtcdTest, SaysThatRevisionsAreCompacted) {
    RealEtcd etcd("compacted");
    start(etcd);
    for (int i = 0; i < 5; ++i) put("a", "x");
    ASSERT_EQ(etcd.ctl({"compact", "4"}), 0);
    std::optional<Revision> compacted;
    const Error end = run(client_->watch({"a"}, 2, [&](const WatchNews& news) { compacted = news.compacted; }));
    EXPECT_EQ(end.code, EtcdCode::out_of_range) << end.to_string();
    EXPECT_EQ(compacted, 4);
    EXPECT_EQ(run(client_->get({{"a"}, 2})).error().code, EtcdCode::out_of_range);
}

TEST_F(RealEtcdTest, GoesOnWhenItComesBack) {
    RealEtcd etcd("back");
    start(etcd);
    const Revision at = put("a", "1");
    std::optional<Error> end;
    spawn(client_->watch({"a"}, at, [&](const WatchNews&) { etcd.kill(); }), end);
    run_all();
    EXPECT_TRUE(end.has_value());
    EXPECT_FALSE(run(client_->get({{"a"}})));
    etcd.start();
    wait_for(etcd, [&] { return run(client_->get({{"a"}})).has_value(); });
    EXPECT_EQ(run(client_->get({{"a"}})).value().found.at(0).value, "1");
}

TEST_F(RealEtcdTest, NoticesThatItIsStopped) {
    RealEtcd etcd("stopped");
    start(etcd);
    EtcdOptions impatient;
    impatient.patience = impatient.keep_alive_patience = 200ms;
    use({&etcd}, impatient);
    const LeaseId lease = run(client_->grant(60s)).value().lease;
    std::optional<Error> end;
    std::optional<Result<LeaseReply>> kept;
    spawn(client_->watch({"a"}, 1,
                         [&](const WatchNews&) {
                             etcd.process().tell(SIGSTOP);
                             spawn(client_->keep_alive(lease), kept);
                         }),
          end);
    run_all();
    EXPECT_EQ(kept.value().error().code, std::errc::timed_out);
    EXPECT_EQ(end.value().code, std::errc::connection_aborted);
    etcd.process().tell(SIGCONT);
    wait_for(etcd, [&] { return run(client_->keep_alive(lease)).has_value(); });
}

TEST_F(RealEtcdTest, AsksAnotherMember) {
    RealEtcd one("one"), two("two"), three("three");
    const std::string cluster = one.member() + "," + two.member() + "," + three.member();
    for (RealEtcd* member : {&one, &two, &three}) member->start(cluster);
    use({&one, &two, &three});
    wait_for(one, [&] { return run(client_->get({{"a"}})).has_value(); });
    put("a", "1");
    one.kill();
    wait_for(two, [&] { return run(client_->get({{"a"}})).has_value(); }); // it may have been the leader
    EXPECT_NE(client_->endpoint(), one.url());
    // What is left of it when another goes has no majority: its watch ends, though it runs and answers.
    use({&three});
    std::optional<Error> end;
    spawn(client_->watch({"a"}, 1, [&](const WatchNews&) { two.kill(); }), end);
    const auto began = Clock::now();
    run_all();
    EXPECT_LT(Clock::now() - began, 30s);
    EXPECT_TRUE(end.value().what.starts_with(three.url())) << end->to_string();
}

TEST_F(RealEtcdTest, LetsAUserIn) {
    RealEtcd etcd("user");
    start(etcd);
    for (const auto& words : std::vector<std::vector<std::string>>{
             {"user", "add", "root:r"},
             {"user", "grant-role", "root", "root"},
             {"user", "add", "joe:secret"},
             {"role", "add", "site"},
             {"role", "grant-permission", "--prefix=true", "site", "readwrite", "/mine/"},
             {"user", "grant-role", "joe", "site"},
             {"auth", "enable"}})
        ASSERT_EQ(etcd.ctl(words), 0) << words[0] << ' ' << words[1];
    const auto stranger = run(client_->get({{"/mine/a"}}));
    ASSERT_FALSE(stranger);
    EXPECT_TRUE(stranger.error().what.contains("user name is empty"));
    EtcdOptions options;
    options.user = "joe";
    options.password_file = etcd.folder() + "/password";
    std::ofstream(options.password_file) << "secret\n";
    std::filesystem::permissions(options.password_file, std::filesystem::perms::owner_read);
    use({&etcd}, options);
    EXPECT_TRUE(run(client_->get({{"/mine/a"}})));
    EXPECT_EQ(run(client_->get({{"/others"}})).error().code, EtcdCode::permission_denied);
    const Error refused = run(client_->watch({"/others"}, 1, [](const WatchNews&) {}));
    EXPECT_TRUE(refused.what.contains("permission denied")) << refused.to_string();
    etcd.kill(); // it forgets all tokens
    etcd.start();
    wait_for(etcd, [&] { return run(client_->get({{"/mine/a"}})).has_value(); });
    const Revision at = put("/mine/a", "1");
    std::vector<Change> told;
    (void)run(client_->watch({"/mine/a"}, at, [&](const WatchNews& news) {
        told.insert(told.end(), news.changes.begin(), news.changes.end());
        if (!told.empty()) client_->cancel();
    }));
    EXPECT_EQ(told.size(), 1U);
}

TEST_F(RealEtcdTest, SpeaksTls) {
    const tls::Certificates certificates("etcd");
    const tls::Files server = certificates.make("server", "IP:127.0.0.1");
    EtcdOptions options;
    options.tls = certificates.make("client", "DNS:web1");
    options.tls_plugin = MPSUP_TLS_PLUGIN;
    RealEtcd etcd("tls",
                  {"--cert-file=" + server.certificate, "--key-file=" + server.key, "--trusted-ca-file=" + server.ca,
                   "--client-cert-auth"},
                  "https");
    etcd.start();
    use({&etcd}, options);
    wait_for(etcd, [&] { return run(client_->get({{"a"}})).has_value(); });
    const std::string value(1'000'000, 'x');
    const Revision at = put("a", value);
    std::string told;
    (void)run(client_->watch({"a"}, at, [&](const WatchNews& news) {
        if (news.changes.empty()) return;
        told = news.changes[0].now.value;
        client_->cancel();
    }));
    EXPECT_EQ(told, value);
    const auto why = [&](const EtcdOptions& changed) {
        use({&etcd}, changed);
        return run(client_->get({{"a"}})).error().what;
    };
    EtcdOptions anonymous = options;
    anonymous.tls.certificate = anonymous.tls.key = "";
    EXPECT_TRUE(why(anonymous).contains("TLS: ")) << why(anonymous);
    EtcdOptions doubting = options;
    doubting.tls.ca = "";
    EXPECT_TRUE(why(doubting).contains("certificate verify failed: unable to get local issuer certificate"))
        << why(doubting);
    EtcdOptions incomplete = options;
    incomplete.tls_plugin = "/none/tls.so";
    EXPECT_TRUE(why(incomplete).contains("cannot load /none/tls.so")) << why(incomplete);
    options.endpoints = {{false, "127.0.0.1", etcd.port()}};
    client_.emplace(options);
    EXPECT_FALSE(run(client_->get({{"a"}}))) << "http to an https port";
}

} // namespace
} // namespace mpsup::cluster

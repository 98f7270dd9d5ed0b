// What a client makes of an etcd that answers well, badly, late or not at all.
#include "supervisor/cluster/etcd_client.h"

#include "etcd_fixture.h"
#include "fake_etcd.h"

#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace mpsup::cluster {
namespace {

using namespace std::chrono_literals;

const std::string header = R"("header":{"cluster_id":"7","member_id":"9","revision":"3","raft_term":"2"})";
const std::string empty = "{" + header + "}";
const std::string kept_alive = http_chunked() +
                               chunk(R"({"result":{)" + header +
                                     R"(,"ID":"5","TTL":"15"}})"
                                     "\n") +
                               "0\r\n\r\n";
constexpr std::chrono::milliseconds patient = 20s, impatient = 80ms;

std::string event(int revision, const std::string& value = "") {
    return R"({"result":{)" + header + R"(,"events":[{"kv":{"key":"YQ==","mod_revision":")" + std::to_string(revision) +
           R"(","value":")" + value +
           R"("}}]}})"
           "\n";
}
const std::string watching = R"({"result":{)" + header +
                             R"(,"created":true}})"
                             "\n";

class EtcdClientTest : public EtcdFixture {
protected:
    void use(std::initializer_list<std::uint16_t> ports, std::chrono::milliseconds patience = patient,
             EtcdOptions options = {}) {
        for (const std::uint16_t port : ports) options.endpoints.push_back({false, "127.0.0.1", port});
        options.patience = options.keep_alive_patience = patience;
        client_.emplace(options);
    }
    Error error_of(const FakeEtcd::Reply& reply, std::chrono::milliseconds patience = patient) {
        FakeEtcd etcd(reply);
        use({etcd.port()}, patience);
        const auto answer = run(client_->get({}));
        EXPECT_FALSE(answer);
        return answer ? Error{} : answer.error();
    }
    // Follows a watch from revision 3 on to its end.
    Error watch(const FakeEtcd::Script& script, std::chrono::milliseconds patience = patient) {
        FakeEtcd etcd(script);
        use({etcd.port()}, patience);
        return run(client_->watch({"a"}, 3, [this](const WatchNews& news) { told_.push_back(news); }));
    }
    // A port that nobody listens at, for as long as this test runs.
    std::uint16_t closed_port() {
        reserved_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in any{AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {}};
        socklen_t size = sizeof any;
        (void)::bind(reserved_.get(), reinterpret_cast<const sockaddr*>(&any), size);
        (void)::getsockname(reserved_.get(), reinterpret_cast<sockaddr*>(&any), &size);
        return ntohs(any.sin_port);
    }

    std::optional<EtcdClient> client_;
    std::vector<WatchNews> told_;
    Fd reserved_;
};

TEST_F(EtcdClientTest, AsksOverOneConnection) {
    FakeEtcd etcd([](const FakeEtcd::Asked& asked) {
        EXPECT_TRUE(asked.has("Content-Type: application/json\r\n"));
        EXPECT_FALSE(asked.has("Authorization"));
        if (asked.path == "/v3/kv/range")
            return http_ok("{" + header + R"(,"kvs":[{"key":"YQ==","mod_revision":"2"}]})");
        if (asked.path == "/v3/kv/txn") return http_ok("{" + header + R"(,"succeeded":true})");
        if (asked.path == "/v3/lease/grant") return http_ok("{" + header + R"(,"ID":"5","TTL":"15"})");
        if (asked.path == "/v3/lease/keepalive") return kept_alive;
        return http_ok(empty);
    });
    use({etcd.port()});
    const auto found = run(client_->get({{"a"}}));
    ASSERT_TRUE(found) << found.error().to_string();
    EXPECT_EQ(found->found.at(0).key, "a");
    EXPECT_TRUE(run(client_->transact({{{"a", 2}}, {Put{"a", "b"}}})).value().succeeded);
    EXPECT_EQ(run(client_->grant(15s)).value().lease, 5);
    EXPECT_EQ(run(client_->keep_alive(5)).value().left, 15s);
    EXPECT_EQ(run(client_->revoke(5)).value(), (EtcdHeader{7, 3}));
    EXPECT_EQ(etcd.connections(), 1);
    EXPECT_EQ(etcd.asked(), 5);
}

TEST_F(EtcdClientTest, AsksAnewWhereAConnectionWasClosedMeanwhile) {
    FakeEtcd etcd([](FakeEtcd::Conversation& one) {
        if (one.next()) one.send(http_ok(empty));
    });
    use({etcd.port()});
    for (int i = 1; i <= 3; ++i) {
        EXPECT_TRUE(run(client_->get({})));
        EXPECT_EQ(etcd.connections(), i);
    }
}

TEST_F(EtcdClientTest, AsksTheOneThatAnsweredLastFirst) {
    FakeEtcd second([](const FakeEtcd::Asked&) { return http_ok(empty); });
    FakeEtcd third([](const FakeEtcd::Asked&) { return http_ok(empty); });
    use({closed_port(), second.port(), third.port()});
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(run(client_->get({})));
    EXPECT_EQ(second.asked(), 3);
    EXPECT_EQ(third.asked(), 0);
    EXPECT_EQ(client_->endpoint(), "http://127.0.0.1:" + std::to_string(second.port()));
}

TEST_F(EtcdClientTest, SaysOfEachEndpointWhyItDoesNotAnswer) {
    FakeEtcd etcd([](const FakeEtcd::Asked&) { return std::string("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"); });
    const auto closed = closed_port();
    use({closed, etcd.port()});
    const auto answer = run(client_->get({}));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().to_string(), "http://127.0.0.1:" + std::to_string(closed) +
                                              ": connect: Connection refused; http://127.0.0.1:" +
                                              std::to_string(etcd.port()) + ": etcd answers with HTTP status 503");
}

TEST_F(EtcdClientTest, DoesNotWaitForOneThatIsSlow) {
    FakeEtcd slow([](FakeEtcd::Conversation& one) { one.wait_until_ended(); });
    FakeEtcd good([](const FakeEtcd::Asked&) { return http_ok(empty); });
    use({slow.port(), good.port()}, impatient);
    EXPECT_TRUE(run(client_->get({})));
    EXPECT_TRUE(run(client_->get({})));
    EXPECT_EQ(slow.connections(), 1) << "and does not wait twice";
    use({slow.port()}, impatient);
    EXPECT_EQ(run(client_->keep_alive(5)).error().code, std::errc::timed_out);
}

TEST_F(EtcdClientTest, DoesNotWaitForOneThatTrickles) {
    FakeEtcd trickling([](FakeEtcd::Conversation& one) {
        (void)one.next();
        one.send(http_chunked());
        while (one.send(chunk(" "))) {
        }
    });
    use({trickling.port()}, impatient);
    EXPECT_EQ(run(client_->get({})).error().code, std::errc::timed_out);
}

TEST_F(EtcdClientTest, DoesNotBelieveRubbish) {
    EXPECT_TRUE(error_of([](const auto&) { return "SSH-2.0\r\n\r\n"; }).what.contains("read the answer"));
    EXPECT_TRUE(error_of([](const auto&) { return http_ok("Not Found"); }).what.contains("no JSON object"));
    EXPECT_TRUE(error_of([](const auto&) { return http_ok("{}"); }).what.contains("\"header\""));
    EXPECT_TRUE(error_of([](const auto&) {
                    return "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x');
                }).what.contains("read the answer"));
    EXPECT_TRUE(error_of([](const auto&) {
                    return http_chunked() + std::string(1'000'000, 'x');
                }).what.contains("read the answer"));
    EXPECT_TRUE(error_of([](const auto&) {
                    return http_chunked() + "1;" + std::string(1'000'000, 'x');
                }).what.contains("read the answer"));
}

TEST_F(EtcdClientTest, DoesNotTakeInMoreThanItShould) {
    EXPECT_TRUE(error_of([](const auto&) {
                    return http_ok(std::string(8 * 1024 * 1024 + 1, ' '));
                }).what.contains("read the answer"));
    FakeEtcd large(
        [](const FakeEtcd::Asked&) { return http_ok(std::string(8 * 1024 * 1024 - empty.size(), ' ') + empty); });
    use({large.port()});
    EXPECT_TRUE(run(client_->get({})));
}

TEST_F(EtcdClientTest, KnowsAnAnswerThatWasCut) {
    const std::string whole = http_chunked() + chunk(empty) + "0\r\n\r\n";
    for (const std::size_t length : {std::size_t{0}, std::size_t{10}, std::size_t{60}, whole.size() - 1}) {
        FakeEtcd cut([&](FakeEtcd::Conversation& one) {
            if (one.next()) one.send(whole.substr(0, length));
        });
        FakeEtcd good([&](const FakeEtcd::Asked&) { return whole; });
        use({cut.port()});
        EXPECT_FALSE(run(client_->get({}))) << length;
        use({cut.port(), good.port()});
        EXPECT_TRUE(run(client_->get({}))) << length;
    }
}

TEST_F(EtcdClientTest, DoesNotRepeatATransactionThatMayHaveBeenDone) {
    std::atomic<int> asked = 0;
    FakeEtcd cut([&](FakeEtcd::Conversation& one) {
        if (one.next()) ++asked;
    });
    FakeEtcd good([](const FakeEtcd::Asked&) { return http_ok(empty); });
    use({cut.port(), good.port()});
    EXPECT_FALSE(run(client_->transact({})));
    EXPECT_EQ(asked, 1);
    EXPECT_EQ(good.asked(), 0);
    use({closed_port(), good.port()});
    EXPECT_TRUE(run(client_->transact({}))) << "one that cannot be reached has done nothing";
}

TEST_F(EtcdClientTest, TakesARefusalForAnAnswer) {
    FakeEtcd refuses(
        [](const FakeEtcd::Asked&) { return http_refused("403 Forbidden", 7, "etcdserver: permission denied"); });
    FakeEtcd other([](const FakeEtcd::Asked&) { return http_ok(empty); });
    use({refuses.port(), other.port()});
    const auto answer = run(client_->get({}));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, EtcdCode::permission_denied);
    EXPECT_EQ(answer.error().what,
              "http://127.0.0.1:" + std::to_string(refuses.port()) + ": etcd: etcdserver: permission denied");
    EXPECT_EQ(other.asked(), 0);
    EXPECT_FALSE(run(client_->get({})));
    EXPECT_EQ(refuses.connections(), 1) << "a refusal leaves the connection as it is";
}

TEST_F(EtcdClientTest, AsksAnotherWhereThereIsNoLeader) {
    FakeEtcd lonely(
        [](const FakeEtcd::Asked&) { return http_refused("503 Unavailable", 14, "etcdserver: no leader"); });
    FakeEtcd other([](const FakeEtcd::Asked&) { return http_ok(empty); });
    use({lonely.port(), other.port()});
    EXPECT_TRUE(run(client_->get({})));
    use({lonely.port()});
    EXPECT_EQ(run(client_->get({})).error().code, EtcdCode::unavailable);
}

TEST_F(EtcdClientTest, SaysWhichOptionNamedAFileThatIsNotRight) {
    FakeEtcd etcd([](const FakeEtcd::Asked&) { return http_ok(empty); });
    const auto why = [&](const tls::Files& files) {
        EtcdOptions options;
        options.endpoints.push_back({true, "127.0.0.1", etcd.port()});
        options.tls = files;
        options.tls_plugin = MPSUP_TLS_PLUGIN;
        use({}, patient, options);
        return run(client_->get({})).error().what;
    };
    EXPECT_TRUE(why({.ca = "/nowhere/ca.pem"}).contains("--cluster-ca: open /nowhere/ca.pem: No such file"));
    EXPECT_TRUE(why({.certificate = "/nowhere/a", .key = "/dev/null"}).contains("--cluster-cert: open /nowhere/a: "));
    EXPECT_TRUE(why({.certificate = "/etc/passwd", .key = "/nowhere/a"}).contains("--cluster-key: open /nowhere/a: "));
}

// With a user, whose password lies in a file.
class EtcdUser : public EtcdClientTest {
protected:
    EtcdUser() {
        options_.user = "joe";
        options_.password_file = testing::TempDir() + "/password" + std::to_string(::getpid());
        write_password("secret");
    }
    ~EtcdUser() override { std::filesystem::remove(options_.password_file); }
    void write_password(const std::string& password) const {
        const auto file = open_file(options_.password_file, O_WRONLY | O_CREAT | O_TRUNC).value();
        ASSERT_EQ(::write(file.get(), password.data(), password.size()), static_cast<ssize_t>(password.size()));
    }
    // Knows one token at a time.
    std::string answer(const FakeEtcd::Asked& asked) {
        if (asked.path == "/v3/auth/authenticate") {
            ++logins_;
            if (asked.body != R"({"name":"joe","password":"secret"})")
                return http_refused("400 Bad Request", 3,
                                    "etcdserver: authentication failed, invalid user ID or password");
            return http_ok("{" + header + R"(,"token":"t.)" + std::to_string(++valid_) + "\"}");
        }
        if (!asked.has("Authorization: t." + std::to_string(valid_) + "\r\n"))
            return http_refused("401 Unauthorized", 16, "etcdserver: invalid auth token");
        return http_ok(empty);
    }

    EtcdOptions options_;
    std::atomic<int> logins_ = 0, valid_ = 0;
};

TEST_F(EtcdUser, LogsInOnce) {
    FakeEtcd etcd([this](const FakeEtcd::Asked& asked) { return answer(asked); });
    use({etcd.port()}, patient, options_);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(run(client_->get({})));
    EXPECT_EQ(logins_, 1);
}

TEST_F(EtcdUser, LogsInAgainWhenTheTokenIsOver) {
    FakeEtcd etcd([this](const FakeEtcd::Asked& asked) { return answer(asked); });
    use({etcd.port()}, patient, options_);
    EXPECT_TRUE(run(client_->get({})));
    ++valid_;
    EXPECT_TRUE(run(client_->transact({}))) << "it was refused, so it is sent again";
    EXPECT_EQ(logins_, 2);
}

TEST_F(EtcdUser, DoesNotLogInForEver) {
    FakeEtcd etcd([this](const FakeEtcd::Asked& asked) {
        std::string text = answer(asked);
        ++valid_;
        return text;
    });
    use({etcd.port()}, patient, options_);
    EXPECT_EQ(run(client_->get({})).error().code, EtcdCode::unauthenticated);
    EXPECT_EQ(logins_, 2);
}

TEST_F(EtcdUser, SaysWhenThePasswordIsWrong) {
    FakeEtcd etcd([this](const FakeEtcd::Asked& asked) { return answer(asked); });
    write_password("another");
    use({etcd.port()}, patient, options_);
    const auto refused = run(client_->get({}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, EtcdCode::invalid_argument);
    EXPECT_TRUE(refused.error().what.contains("invalid user ID or password"));
    write_password("secret\n");
    EXPECT_TRUE(run(client_->get({}))) << "it is read at each login";
    ::chmod(options_.password_file.c_str(), 0604);
    use({etcd.port()}, patient, options_);
    const std::string named = "--cluster-password-file: `" + options_.password_file + "`: ";
    EXPECT_TRUE(run(client_->get({})).error().what.ends_with(named + "others may reach it; chmod o-rwx it"));
    std::filesystem::remove(options_.password_file);
    EXPECT_TRUE(run(client_->get({})).error().what.ends_with(named + "there is no such file"));
}

// Etcd asks for no user there, and whoever changes the password takes no machine off.
TEST_F(EtcdUser, KeepsALeaseByAPasswordThatIsNoMore) {
    bool wants_user = false;
    FakeEtcd etcd([&](const FakeEtcd::Asked& asked) {
        if (asked.path == "/v3/lease/keepalive" && !wants_user)
            return http_ok(R"({"result":{)" + header +
                           R"(,"ID":"7","TTL":"10"}})"
                           "\n");
        const std::string text = answer(asked);
        return text == http_ok(empty) ? http_ok(R"({"result":{)" + header +
                                                R"(,"ID":"7","TTL":"10"}})"
                                                "\n")
                                      : text;
    });
    write_password("another");
    use({etcd.port()}, patient, options_);
    EXPECT_FALSE(run(client_->get({})));
    const auto kept = run(client_->keep_alive(7));
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->left, 10s);
    write_password("secret");
    wants_user = true;
    EXPECT_TRUE(run(client_->keep_alive(7))) << "it logs in where that is wanted";
}

TEST_F(EtcdUser, LogsInAgainForAWatch) {
    const auto refused =
        R"({"result":{)" + header + R"(,"watch_id":"-1","created":true,"canceled":true,)" +
        R"("cancel_reason":"rpc error: code = Unauthenticated desc = etcdserver: invalid auth token"}})"
        "\n";
    FakeEtcd etcd([&](const FakeEtcd::Asked& asked) {
        if (asked.path != "/v3/watch") return answer(asked);
        const bool knows = asked.has("Authorization: t." + std::to_string(valid_) + "\r\n");
        return http_chunked() + chunk(knows ? watching + event(3) : refused) + "0\r\n\r\n";
    });
    use({etcd.port()}, patient, options_);
    EXPECT_TRUE(run(client_->get({})));
    ++valid_;
    const Error end = run(client_->watch({"a"}, 3, [this](const WatchNews& news) { told_.push_back(news); }));
    EXPECT_TRUE(end.what.contains("the watch was ended")) << end.what;
    EXPECT_EQ(logins_, 2);
    ASSERT_EQ(told_.size(), 2U);
    EXPECT_FALSE(told_[0].over);
}

TEST_F(EtcdClientTest, TellsWhatChanges) {
    const Error end = watch([](FakeEtcd::Conversation& one) {
        const auto asked = one.next();
        EXPECT_EQ(asked->body, R"({"create_request":{"key":"YQ==","start_revision":"3","progress_notify":true}})");
        EXPECT_TRUE(asked->has("Grpc-Metadata-Hasleader: true\r\n"));
        one.send(http_chunked() + chunk(watching + event(3)) + chunk(event(3)));
        const std::string line = chunk(event(4).substr(0, 30)) + chunk(event(4).substr(30) + event(7));
        for (const char& c : line) one.send({&c, 1});
        one.send("0\r\n\r\n");
    });
    EXPECT_TRUE(end.what.contains("the watch was ended")) << end.what;
    ASSERT_EQ(told_.size(), 5U);
    EXPECT_TRUE(told_[0].changes.empty()) << "at first that it watches";
    EXPECT_EQ(told_[1].changes.at(0).now.modified, 3);
    EXPECT_EQ(told_[3].changes.at(0).now.modified, 4);
    EXPECT_EQ(told_[4].changes.at(0).now.modified, 7);
}

TEST_F(EtcdClientTest, TellsWhatIsLong) {
    const std::string value(2'000'000, 'A');
    (void)watch([&](FakeEtcd::Conversation& one) {
        (void)one.next();
        one.send(http_chunked() + chunk(watching) + chunk(event(3, value)) + "0\r\n\r\n");
    });
    ASSERT_EQ(told_.size(), 2U);
    EXPECT_EQ(told_[1].changes.at(0).now.value.size(), 1'500'000U);
    told_.clear();
    const Error end = watch([&](FakeEtcd::Conversation& one) {
        (void)one.next();
        one.send(http_chunked() + chunk(watching) + chunk(std::string(5'000'000, ' ')) + chunk(event(3)));
    });
    EXPECT_TRUE(end.what.contains("too long")) << end.what;
    EXPECT_EQ(told_.size(), 1U);
}

TEST_F(EtcdClientTest, KnowsAWatchThatWasCut) {
    const std::string text = http_chunked() + chunk(watching) + chunk(event(3)) + chunk(event(4));
    const Error end = watch([&](FakeEtcd::Conversation& one) {
        (void)one.next();
        one.send(text.substr(0, text.size() - 10));
    });
    EXPECT_TRUE(end.what.contains("read the answer")) << end.what;
    EXPECT_EQ(told_.size(), 2U);
}

TEST_F(EtcdClientTest, KnowsALineThatStops) {
    const Error end = watch(
        [&](FakeEtcd::Conversation& one) {
            (void)one.next();
            one.send(http_chunked() + chunk(watching + event(3).substr(0, 20)));
            one.wait_until_ended();
        },
        impatient);
    EXPECT_EQ(end.code, std::errc::timed_out);
    EXPECT_EQ(told_.size(), 1U);
}

TEST_F(EtcdClientTest, DoesNotWaitForAWatchThatDoesNotBegin) {
    const Error end = watch(
        [&](FakeEtcd::Conversation& one) {
            (void)one.next();
            one.send(http_chunked());
            one.wait_until_ended();
        },
        impatient);
    EXPECT_EQ(end.code, std::errc::timed_out);
}

TEST_F(EtcdClientTest, SaysThatWhatIsAskedForIsCompacted) {
    const Error end = watch([&](FakeEtcd::Conversation& one) {
        (void)one.next();
        one.send(http_chunked() + chunk(watching + R"({"result":{)" + header +
                                        R"(,"canceled":true,"compact_revision":"9"}})"
                                        "\n"));
        one.wait_until_ended();
    });
    EXPECT_EQ(end.code, EtcdCode::out_of_range);
    ASSERT_EQ(told_.size(), 2U);
    EXPECT_EQ(told_[1].compacted, 9);
}

TEST_F(EtcdClientTest, DoesNotFollowAWatchThatGoesBack) {
    const auto of = [this](const std::string& lines) {
        told_.clear();
        return watch([&](FakeEtcd::Conversation& one) {
            (void)one.next();
            one.send(http_chunked() + chunk(watching + lines));
            one.wait_until_ended();
        });
    };
    EXPECT_TRUE(of(event(5) + event(4)).what.contains("went back"));
    EXPECT_EQ(told_.size(), 2U);
    EXPECT_TRUE(of(event(2)).what.contains("went back")) << "before what was asked for";
    EXPECT_TRUE(of("rubbish\n").what.contains("no JSON object"));
}

TEST_F(EtcdClientTest, WatchesWhereSomebodyAnswers) {
    FakeEtcd good([&](FakeEtcd::Conversation& one) {
        (void)one.next();
        one.send(http_chunked() + chunk(watching) + "0\r\n\r\n");
    });
    use({closed_port(), good.port()});
    (void)run(client_->watch({"a"}, 3, [this](const WatchNews& news) { told_.push_back(news); }));
    EXPECT_EQ(told_.size(), 1U);
    EXPECT_EQ(client_->endpoint(), "http://127.0.0.1:" + std::to_string(good.port()));
}

// A member that is stopped keeps its connections, and says nothing.
TEST_F(EtcdClientTest, EndsAWatchWhoseMemberDoesNotAnswer) {
    FakeEtcd stopped([&](FakeEtcd::Conversation& one) {
        if (const auto asked = one.next(); asked && asked->path == "/v3/watch")
            one.send(http_chunked() + chunk(watching));
        one.wait_until_ended();
    });
    use({stopped.port()}, impatient);
    std::optional<Error> end;
    std::optional<Result<LeaseReply>> kept;
    spawn(client_->watch({"a"}, 3, [&](const WatchNews&) { spawn(client_->keep_alive(5), kept); }), end);
    run_all();
    EXPECT_EQ(kept.value().error().code, std::errc::timed_out);
    EXPECT_EQ(end.value().code, std::errc::connection_aborted);
    EXPECT_TRUE(end->what.contains("does not answer"));
}

TEST_F(EtcdClientTest, EndsWatchesAlone) {
    FakeEtcd etcd([&](FakeEtcd::Conversation& one) {
        while (const auto asked = one.next())
            one.send(asked->path == "/v3/watch" ? http_chunked() + chunk(watching + event(3) + event(4))
                                                : http_ok(empty));
    });
    use({etcd.port()});
    std::optional<Result<GetReply>> got;
    const auto watch_until = [&](std::size_t count) {
        told_.clear();
        return run(client_->watch({"a"}, 3, [&, count](const WatchNews& news) {
            told_.push_back(news);
            if (told_.size() < count) return;
            spawn(client_->get({}), got);
            client_->end_watches();
        }));
    };
    for (const std::size_t count : {1U, 2U, 3U}) { // each a watch of its own
        EXPECT_EQ(watch_until(count).code, std::errc::operation_canceled);
        EXPECT_EQ(told_.size(), count) << "and nothing that is here already";
        EXPECT_TRUE(got.value()) << "what is asked goes on";
        got.reset();
    }
    std::optional<Error> end;
    spawn(client_->watch({"a"}, 3, [&](const WatchNews& news) { told_.push_back(news); }), end);
    client_->end_watches(); // it has not begun
    told_.clear();
    run_all();
    EXPECT_EQ(end.value().code, std::errc::operation_canceled);
    EXPECT_TRUE(told_.empty());
}

TEST_F(EtcdClientTest, EndsEverythingWhenItIsCancelled) {
    FakeEtcd silent([&](FakeEtcd::Conversation& one) {
        if (const auto asked = one.next(); asked && asked->path == "/v3/watch")
            one.send(http_chunked() + chunk(watching));
        one.wait_until_ended();
    });
    use({silent.port()});
    std::optional<Error> end;
    std::optional<Result<GetReply>> got;
    spawn(client_->get({}), got);
    spawn(client_->watch({"a"}, 3, [&](const WatchNews&) { client_->cancel(); }), end);
    const auto began = std::chrono::steady_clock::now();
    run_all();
    EXPECT_LT(std::chrono::steady_clock::now() - began, patient);
    EXPECT_EQ(got.value().error().code, std::errc::operation_canceled);
    EXPECT_EQ(end.value().code, std::errc::operation_canceled);
    EXPECT_EQ(run(client_->get({})).error().code, std::errc::operation_canceled) << "and what comes later";
}

TEST_F(EtcdClientTest, EndsEverythingWhenItIsDestroyed) {
    FakeEtcd silent([&](FakeEtcd::Conversation& one) { one.wait_until_ended(); });
    use({silent.port()});
    std::optional<Result<GetReply>> got;
    spawn(client_->get({}), got);
    context_.run_one();
    client_.reset();
    run_all();
    EXPECT_EQ(got.value().error().code, std::errc::operation_canceled);
}

TEST_F(EtcdClientTest, MayBeLeftInTheMidst) {
    FakeEtcd silent([&](FakeEtcd::Conversation& one) { one.wait_until_ended(); });
    use({silent.port()});
    std::optional<Result<GetReply>> got;
    boost::asio::io_context short_lived;
    boost::asio::co_spawn(short_lived, client_->get({}), [](const std::exception_ptr&, const auto&) {});
    short_lived.poll();
}

} // namespace
} // namespace mpsup::cluster

#include "worker/contract/messages.h"

#include <gtest/gtest.h>

#include <csignal>

namespace mpsup::contract {
namespace {

template <typename Body> Body round_trip(const Body& body) {
    auto message = decode(encode(body));
    EXPECT_TRUE(message) << message.error().to_string();
    return std::get<Body>(message.value());
}

TEST(Messages, SayHowFarAProcessHasCome) {
    Hello hello;
    hello.pid = 7;
    hello.stage = Stage::serving;
    hello.wanted = 4;
    hello.fds = {FdRole::public_listener, FdRole::scoreboard};
    const Hello heard = round_trip(hello);
    EXPECT_EQ(heard.stage, Stage::serving);
    EXPECT_EQ(heard.wanted, 4);
    EXPECT_EQ(heard.fds, hello.fds);
}

TEST(Messages, OfTheVersionBeforeAreUnderstood) {
    const auto message = decode(R"({"type":"hello","contract":2,"role":"light","site":"s","worker":"w",)"
                                R"("generation":1,"uuid":"u","pid":7,"start_time":1,"build":"b"})");
    ASSERT_TRUE(message);
    EXPECT_EQ(std::get<Hello>(*message).stage, Stage::fresh);
}

TEST(Messages, SayHelloAndAreUnderstood) {
    Hello hello;
    hello.role = Role::master;
    hello.identity = {"shop", "httpd_perl", 7, "b3b7"};
    hello.pid = 42;
    hello.start_time = 123456789;
    hello.build = "0.1.0";
    const Hello heard = round_trip(hello);
    EXPECT_EQ(heard.contract, version);
    EXPECT_EQ(heard.role, Role::master);
    EXPECT_EQ(heard.identity.worker, "httpd_perl");
    EXPECT_EQ(heard.identity.generation, 7U);
    EXPECT_EQ(heard.start_time, 123456789U);
}

TEST(Messages, CarryWhatAWorkerIsToBe) {
    Go go;
    go.kind = WorkerKind::dynamic;
    go.fds = {FdRole::public_listener, FdRole::private_listener, FdRole::access_log};
    go.files.root = "/srv";
    go.files.serves = {"/static/", "/a \"b\""};
    go.app.psgi = "/srv/caf\xc3\xa9.psgi";
    go.pool = {PoolMode::dynamic, 1, 4, 1, 2, std::chrono::milliseconds(5)};
    const Go heard = round_trip(go);
    EXPECT_EQ(heard.fds, go.fds);
    EXPECT_EQ(heard.files, go.files);
    EXPECT_EQ(heard.front, Front{});
    EXPECT_EQ(heard.app.psgi, go.app.psgi);
    EXPECT_EQ(heard.pool, go.pool);
}

TEST(Messages, CarryAWholeFront) {
    Go go;
    go.kind = WorkerKind::accelerator;
    go.fds = {FdRole::public_listener, FdRole::cache};
    go.front.routes.emplace_back().files.root = "/srv";
    go.front.cache_memory = 1 << 20;
    const Go heard = round_trip(go);
    EXPECT_EQ(heard.kind, WorkerKind::accelerator);
    EXPECT_EQ(heard.fds, go.fds);
    EXPECT_EQ(heard.front, go.front);
}

TEST(Messages, NameTheKeyOfAFrontThatIsWrong) {
    std::string packet = encode(Go{});
    const std::string plain = R"("front":{})";
    packet.replace(packet.find(plain), plain.size(), R"("front":{"threads":0})");
    const auto message = decode(packet);
    ASSERT_FALSE(message);
    EXPECT_NE(message.error().to_string().find("\"threads\""), std::string::npos) << message.error().to_string();
}

TEST(Messages, AskAndAnswer) {
    EXPECT_EQ(round_trip(Ask{7, R"({"what":"stats"})"}).text, R"({"what":"stats"})");
    EXPECT_EQ(round_trip(Answer{7, "{}"}).id, 7U);
    EXPECT_LE(encode(Answer{1, std::string(max_answer_bytes, '"')}).size(), 65'536U);
    EXPECT_FALSE(decode(R"({"type":"ask","id":-1,"text":""})"));
    EXPECT_FALSE(decode(R"({"type":"answer","id":1})"));
}

TEST(Messages, TellHowAChildEnded) {
    const ChildExited heard =
        round_trip(ChildExited{9, ExitStatus::signalled(SIGKILL), std::chrono::milliseconds(1500), true});
    EXPECT_EQ(heard.status, ExitStatus::signalled(SIGKILL));
    EXPECT_EQ(heard.ready_for.count(), 1500);
    EXPECT_TRUE(heard.planned);
}

TEST(Messages, CutReasonsThatAreTooLong) {
    const std::string packet = encode(Failed{std::string(1'000'000, '"')});
    EXPECT_LT(packet.size(), 65'536U);
    EXPECT_TRUE(decode(packet));
}

TEST(Messages, NameWhatIsWrongWithOthers) {
    const auto problem_of = [](const char* packet) { return decode(packet).error().to_string(); };
    EXPECT_NE(problem_of("no json").find("not JSON"), std::string::npos);
    EXPECT_NE(problem_of("[1]").find("not an object"), std::string::npos);
    EXPECT_NE(problem_of("{}").find("unknown type"), std::string::npos);
    EXPECT_NE(problem_of(R"({"type":"explode"})").find("explode"), std::string::npos);
    EXPECT_NE(problem_of(R"({"type":"child_ready"})").find("\"pid\""), std::string::npos);
}

TEST(Messages, RefuseNumbersOutOfRangeAndValuesOfOtherKinds) {
    for (const char* packet :
         {R"({"type":"child_ready","pid":0})", R"({"type":"child_ready","pid":-5})",
          R"({"type":"child_ready","pid":1e9})", R"({"type":"child_ready","pid":99999999999})",
          R"({"type":"child_ready","pid":"5"})", R"({"type":"drain","grace_ms":-1})", R"({"type":"failed","reason":7})",
          R"({"type":"ready"} trailing)",
          R"({"type":"child_exited","pid":5,"how":"vanished","value":0,"ready_ms":0,"planned":false})",
          R"({"type":"child_exited","pid":5,"how":"exited","value":300,"ready_ms":0,"planned":false})"})
        EXPECT_FALSE(decode(packet)) << packet;
}

TEST(Messages, SayWhichLogsAreNew) {
    const Reopen heard = round_trip(Reopen{{FdRole::output, FdRole::access_log}});
    EXPECT_EQ(heard.fds, (std::vector{FdRole::output, FdRole::access_log}));
}

} // namespace
} // namespace mpsup::contract

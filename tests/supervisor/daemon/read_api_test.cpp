// Two supervisors that read from each other, as far as the API goes: HTTP on two addresses, programs that read for
// them.
#include "supervisor/daemon/read_api.h"

#include "base/joined.h"
#include "supervisor/control/peer_door.h"
#include "supervisor/daemon/bell.h"
#include "tests/supervisor/control/local_listener.h"
#include "worker/contract/light_control.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <list>

namespace mpsup {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace json = boost::json;

struct Said : ControlAnswer {
    void reply(int code, std::string text) override {
        status = code;
        body = std::move(text);
    }
    void line(std::string text) override {
        if (!text.empty()) lines.push_back(std::move(text));
    }
    Taken taken() override { co_return !is_gone; }
    [[nodiscard]] bool is_sent() const override { return true; }
    [[nodiscard]] int socket() const override { return -1; }

    int status = 0;
    std::string body;
    std::vector<std::string> lines;
    bool is_gone = false;
};

// web1 and app1; whoever is asked is web1.
class TwoSupervisors : public testing::Test {
protected:
    struct Supervisor {
        std::string program; // that reads for it
        SitePaths paths;
        std::unique_ptr<PeerTrust> trust;
        std::unique_ptr<ReadApi> api;
        std::unique_ptr<ControlServer> server;
    };

    void SetUp() override {
        std::string name = std::filesystem::temp_directory_path() / "mpsup-read-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        machines_ = {{.name = "app1", .address = "127.0.0.2", .state = "living", .number = 3},
                     {.name = "web1", .address = "127.0.0.1", .state = "living", .number = 3, .is_here = true}};
        for (ClusterMachine& machine : machines_) start(machine);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    void start(ClusterMachine& machine) {
        const std::string folder = folder_ + "/" + machine.name;
        std::filesystem::create_directory(folder);
        Supervisor& added = supervisors_.emplace_back(folder + "/reader", SitePaths({folder, folder}, "shop"), nullptr,
                                                      nullptr, nullptr);
        script(machine.name, "exit 0");
        added.trust = std::make_unique<PeerTrust>(
            PeerTrust::Options{.own_file = folder + "/peer.pem", .machine = machine.name, .plugin = MPSUP_TLS_PLUGIN});
        machine.fingerprint = added.trust->fingerprint();
        added.api = std::make_unique<ReadApi>(ReadApi::Sources{
            .paths = added.paths,
            .commands = commands_,
            .status =
                [name = machine.name] {
                    return R"({"version":1,"site":"shop","workers":[{"name":"of-)" + name + R"(","machine":"here"}]})";
                },
            .version = [] { return R"({"version":"1.2"})"; },
            .ask = [name = machine.name](std::vector<std::string> workers,
                                         std::string) { return answers_of(name, workers); },
            .machines = [this] { return machines_; },
            .trust = added.trust.get(),
            .topologies = [] { return R"({"topologies":[]})"; },
            .reader = added.program});
        PeerGuests guests{.has_address = [](const std::string& ip) { return ip == "127.0.0.1"; },
                          .has_certificate =
                              [this](const std::string& shown) {
                                  return std::ranges::find(machines_, shown, &ClusterMachine::fingerprint) !=
                                         machines_.end();
                              },
                          .on_refused = [](const std::string& why) { ADD_FAILURE() << why; }};
        added.server = std::make_unique<ControlServer>(
            context_.get_executor(),
            peer_door(listen_on(machine.address.c_str(), machine.api), *added.trust, std::move(guests)),
            [&added](ControlRequest request, std::shared_ptr<ControlAnswer> answer) {
                return added.api->serve_peer(std::move(request), std::move(answer));
            });
    }

    static asio::awaitable<std::string> answers_of(std::string machine, std::vector<std::string> workers) {
        co_return R"({"version":1,"answers":[{"worker":")" + joined(workers, " ") + R"(","answer":")" + machine +
            R"("}]})";
    }

    // What the program that reads for a machine does.
    void script(const std::string& machine, const std::string& text) const {
        const std::string path = folder_ + "/" + machine + "/reader";
        std::ofstream(path) << "#!/bin/sh\n" << text << "\n";
        std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    }

    std::shared_ptr<Said> ask(const std::string& path, const std::shared_ptr<Said>& said = std::make_shared<Said>()) {
        bool is_done = false;
        asio::co_spawn(context_, supervisors_.back().api->serve({"GET", path, ""}, said),
                       [&](const std::exception_ptr& thrown) {
                           EXPECT_FALSE(thrown);
                           is_done = true;
                       });
        const auto deadline = std::chrono::steady_clock::now() + 15s;
        context_.restart();
        while (!is_done && std::chrono::steady_clock::now() < deadline) context_.run_one_until(deadline);
        EXPECT_TRUE(is_done);
        return said;
    }
    [[nodiscard]] json::value status(const std::string& machines) {
        const auto said = ask("/v1/status?machines=" + machines);
        EXPECT_EQ(said->status, 200) << said->body;
        return json::parse(said->body);
    }

    asio::io_context context_;
    ProcessSpawner spawner_;
    Commands commands_{spawner_};
    std::string folder_;
    std::vector<ClusterMachine> machines_;
    std::list<Supervisor> supervisors_;
};

TEST_F(TwoSupervisors, PassQuestionsOnToWorkersOfBoth) {
    const auto path = [](std::map<std::string, std::string> values) {
        values["question"] = contract::encode_question({.what = contract::Question::What::backends});
        return ApiTarget{"/v1/answers", std::move(values)}.to_string();
    };
    EXPECT_EQ(ask(path({{"machines", "all"}, {"workers", "front,side"}}))->body,
              R"({"version":1,"answers":[{"worker":"front side","answer":"app1","machine":"app1"},)"
              R"({"worker":"front side","answer":"web1","machine":"web1"}]})");
    EXPECT_EQ(ask(path({{"machines", "app1"}}))->body,
              R"({"version":1,"answers":[{"worker":"","answer":"app1","machine":"app1"}]})");
    EXPECT_EQ(ask(path({{"workers", "front"}}))->body,
              R"({"version":1,"answers":[{"worker":"front","answer":"web1"}]})");
}

TEST_F(TwoSupervisors, AskWorkersNothingThatChangesThem) {
    using What = contract::Question::What;
    for (const contract::Question& order : {contract::Question{.what = What::maintenance, .on = true},
                                            contract::Question{.what = What::purge_urls, .texts = {"/"}}}) {
        const ApiTarget target{"/v1/answers", {{"question", contract::encode_question(order)}}};
        EXPECT_EQ(ask(target.to_string())->status, 400);
    }
    EXPECT_EQ(ask("/v1/answers?question=what")->status, 400);
}

using Lines = std::vector<std::string>;

TEST_F(TwoSupervisors, TellTheStatusOfBoth) {
    const json::value both = status("all");
    EXPECT_EQ(json::serialize(both.at("workers")),
              R"([{"name":"of-app1","machine":"app1"},{"name":"of-web1","machine":"web1"}])");
    EXPECT_EQ(both.at("machines").at(0).at("answered"), true) << both;
    EXPECT_EQ(json::serialize(status("app1").at("workers")), R"([{"name":"of-app1","machine":"app1"}])");
    EXPECT_EQ(json::serialize(status("web1").at("workers")), R"([{"name":"of-web1","machine":"web1"}])");
}

TEST_F(TwoSupervisors, TellThatOneDoesNotAnswer) {
    supervisors_.front().server.reset();
    const json::value both = status("all");
    EXPECT_EQ(both.at("workers").as_array().size(), 1U);
    EXPECT_EQ(both.at("machines").at(0).at("answered"), false);
    EXPECT_EQ(both.at("machines").at(0).at("why"), "connect: Connection refused");
}

TEST_F(TwoSupervisors, KnowWhichMachinesThereAre) {
    EXPECT_EQ(json::parse(ask("/v1/machines")->body).at("machines").as_array().size(), 2U);
    for (const char* path : {"/v1/status?machines=app7", "/v1/logs?machines=app1,app7", "/v1/events?machines=app7"}) {
        const auto said = ask(path);
        EXPECT_EQ(said->status, 400) << path;
        EXPECT_EQ(said->body, R"({"error":"there is no machine app7; there is app1, web1"})");
    }
    EXPECT_EQ(ask("/v1/topologies")->body, R"({"topologies":[]})");
    EXPECT_EQ(ask("/v1/other?machines=all")->status, 404);
    EXPECT_EQ(ask("/v1/status?a=%zz")->status, 400);
    EXPECT_EQ(ask("/v1/logs?machines=all&lines=x")->status, 400);
}

TEST_F(TwoSupervisors, WithoutAClusterAreOne) {
    machines_.clear();
    const std::string own = ask("/v1/status")->body;
    EXPECT_EQ(ask("/v1/status?machines=all")->body, own) << "to the letter";
    EXPECT_EQ(ask("/v1/status?machines=web1")->status, 400);
    EXPECT_EQ(ask("/v1/machines")->body, R"({"version":1,"machines":[]})");
    script("web1", R"(echo '{"at_ms":1,"line":"a"}'; echo '{"type":"live"}')");
    EXPECT_EQ(ask("/v1/logs?machines=all")->lines, (Lines{R"({"at_ms":1,"line":"a"})", R"({"type":"live"})"}));
}

TEST_F(TwoSupervisors, TellLinesOfBothInTheOrderOfTime) {
    script("web1", R"(echo '{"at_ms":1,"line":"a"}'; echo '{"at_ms":3,"line":"c"}')");
    script("app1", R"(echo '{"at_ms":2,"line":"b"}'; sleep 0.3; echo '{"at_ms":4,"line":"d"}')");
    EXPECT_EQ(ask("/v1/logs?machines=all")->lines,
              (Lines{R"({"machine":"web1","at_ms":1,"line":"a"})", R"({"machine":"app1","at_ms":2,"line":"b"})",
                     R"({"machine":"web1","at_ms":3,"line":"c"})", R"({"machine":"app1","at_ms":4,"line":"d"})"}));
    EXPECT_EQ(ask("/v1/events?machines=all&lines=2")->lines,
              (Lines{R"({"machine":"web1","at_ms":3,"line":"c"})", R"({"machine":"app1","at_ms":4,"line":"d"})"}))
        << "the last of both";
    EXPECT_EQ(ask("/v1/logs?machines=app1")->lines.size(), 2U);
}

TEST_F(TwoSupervisors, PassOnWhatIsAsked) {
    script("app1", R"(shift 3; printf '{"at_ms":1,"line":"%s"}\n' "$*")");
    EXPECT_EQ(
        ask("/v1/logs?machines=app1&grep=a%20b%26&workers=x,y&lines=9")->lines,
        Lines{
            R"({"machine":"app1","at_ms":1,"line":"logs --here -o jsonl --lines=9 --worker=x --worker=y --grep=a b&"})"});
}

TEST_F(TwoSupervisors, NameWhoseReaderFailed) {
    script("web1", R"(echo '{"at_ms":1,"line":"a"}')");
    script("app1", "echo 'mpsup: the disk is gone' >&2; exit 1");
    EXPECT_EQ(ask("/v1/logs?machines=all")->lines,
              (Lines{R"({"type":"trouble","machine":"app1","why":"mpsup: the disk is gone"})",
                     R"({"machine":"web1","at_ms":1,"line":"a"})"}));
}

TEST_F(TwoSupervisors, WaitForNobodyWhoIsSilent) {
    script("web1", R"(echo '{"at_ms":1,"line":"a"}')");
    std::string api;
    const Fd mute = listen_on("127.0.0.2", machines_.front().api); // the kernel accepts, nobody answers
    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(ask("/v1/logs?machines=all")->lines,
              (Lines{R"({"type":"trouble","machine":"app1","why":"no answer in time"})",
                     R"({"machine":"web1","at_ms":1,"line":"a"})"}));
    EXPECT_LT(std::chrono::steady_clock::now() - began, 4s);
}

TEST_F(TwoSupervisors, AreFollowedUntilTheClientIsGoneAndLeaveNoReader) {
    for (const std::string machine : {"web1", "app1"})
        script(machine, R"(echo '{"at_ms":1,"line":"'$$'"}'; echo '{"type":"live"}'; sleep 0.2
            echo '{"at_ms":2,"line":"news"}'; exec sleep 100)");
    struct Leaving final : Said {
        Taken taken() override { co_return lines.size() < 4; }
    };
    const auto said = std::make_shared<Leaving>();
    ask("/v1/logs?machines=all&follow=1", said);
    ASSERT_EQ(said->lines.size(), 4U);
    for (std::size_t i = 0; i < 2; ++i) {
        const int pid = std::stoi(std::string(json::parse(said->lines[i]).at("line").as_string()));
        const auto deadline = std::chrono::steady_clock::now() + 10s;
        context_.restart();
        while (::kill(pid, 0) == 0 && std::chrono::steady_clock::now() < deadline) context_.run_one_for(10ms);
        EXPECT_NE(::kill(pid, 0), 0) << "the reader of " << i;
    }
}

} // namespace
} // namespace mpsup

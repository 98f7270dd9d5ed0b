#include "supervisor/cli/machines_stream.h"

#include "base/listener.h"
#include "supervisor/cli/members.h"
#include "supervisor/cli/reach.h"
#include "supervisor/control/server.h"

#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <filesystem>
#include <sys/socket.h>
#include <thread>

namespace mpsup::cli {
namespace {

namespace asio = boost::asio;

// A supervisor that answers what a test says.
class MachinesStream : public testing::Test {
protected:
    void SetUp() override {
        std::string name = std::filesystem::temp_directory_path() / "mpsup-stream-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        site_.emplace(ChosenSite{"shop", SitePaths({folder_, folder_}, "shop")});
        ASSERT_TRUE(site_->paths.create());
    }
    void TearDown() override {
        stop();
        std::filesystem::remove_all(folder_);
    }
    void start() {
        context_.restart();
        server_.emplace(context_.get_executor(), listen_unix(site_->paths.control_socket(), SOCK_STREAM, 0600).value(),
                        [this](ControlRequest request, std::shared_ptr<ControlAnswer> answer) {
                            return serve(std::move(request), std::move(answer));
                        });
        thread_ = std::thread([this] { context_.run(); });
    }
    void stop() {
        context_.stop();
        if (thread_.joinable()) thread_.join();
        server_.reset();
    }
    asio::awaitable<void> serve(ControlRequest request, std::shared_ptr<ControlAnswer> answer) {
        asked_.push_back(request.path);
        if (asked_.size() > 3) co_return answer->reply(400, R"({"error":"enough"})");
        if (status_ != 200) co_return answer->reply(status_, body_);
        if (!whole_.empty()) co_return answer->reply(200, whole_);
        for (const std::string& line : lines_) answer->line(line);
    }

    StreamEnd read(ApiTarget target) {
        return read_machines(*site_, std::move(target),
                             [this](const boost::json::object& line) { got_ += text_at(line, "line"); });
    }

    std::string folder_;
    std::optional<ChosenSite> site_;
    asio::io_context context_;
    std::optional<ControlServer> server_;
    std::thread thread_;
    std::vector<std::string> lines_, asked_;
    int status_ = 200;
    std::string body_, whole_, got_;
};

TEST_F(MachinesStream, HandsOnLinesAndNamesWhoIsSilent) {
    lines_ = {R"({"machine":"web1","at_ms":1,"line":"a"})", "",
              R"({"type":"trouble","machine":"app1","why":"no answer in time"})", R"({"type":"live"})",
              R"({"machine":"web1","at_ms":2,"line":"b"})"};
    start();
    testing::internal::CaptureStderr();
    const StreamEnd end = read({"/v1/logs", {{"machines", "all"}}});
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "mpsup: app1 does not answer: no answer in time\n");
    EXPECT_EQ(got_, "ab");
    EXPECT_EQ(end.code, failed);
    ASSERT_EQ(end.silent.size(), 1U);
    boost::json::object document;
    add_silent(document, end.silent);
    EXPECT_EQ(boost::json::serialize(document), R"({"silent":[{"machine":"app1","why":"no answer in time"}]})");
}

TEST_F(MachinesStream, SaysThatThereIsNothingOfTheKind) {
    lines_ = {R"({"type":"nothing","why":"there is no log of x"})"};
    start();
    testing::internal::CaptureStderr();
    EXPECT_EQ(read({"/v1/logs"}).code, failed);
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "mpsup: there is no log of x\n");
}

TEST_F(MachinesStream, WhatIsRefusedIsAQuestionOfUsage) {
    status_ = 400;
    body_ = R"({"error":"there is no machine x; there is web1"})";
    start();
    testing::internal::CaptureStderr();
    EXPECT_EQ(read({"/v1/logs"}).code, usage);
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "mpsup: there is no machine x; there is web1\n");
}

TEST_F(MachinesStream, GoesOnWithTheNextSupervisorFromWhereItWas) {
    lines_ = {R"({"machine":"web1","at_ms":5041,"line":"a"})"};
    start();
    testing::internal::CaptureStderr();
    EXPECT_EQ(read({"/v1/logs", {{"follow", "1"}, {"lines", "5"}}}).code, usage) << "until it is refused";
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "mpsup: enough\n");
    stop();
    EXPECT_EQ(asked_, (std::vector<std::string>{"/v1/logs?follow=1&lines=5", "/v1/logs?follow=1&since_ms=3541",
                                                "/v1/logs?follow=1&since_ms=3541", "/v1/logs?follow=1&since_ms=3541"}));
    EXPECT_EQ(got_, "a") << "once";
}

TEST_F(MachinesStream, ReachIsAllMachinesOfAClusterAndElseThisOne) {
    const auto reach = [&](const std::string& machines, std::vector<std::string> wanted) {
        whole_ = machines;
        asked_.clear();
        Context context;
        context.machines = std::move(wanted);
        testing::internal::CaptureStderr();
        const auto found = reach_of(context, *site_);
        const std::string complaint = testing::internal::GetCapturedStderr();
        return found ? found->value_or("here") : std::to_string(found.error()) + " " + complaint;
    };
    EXPECT_EQ(reach("", {}), "here") << "no supervisor answers";
    EXPECT_EQ(reach("", {"web1"}).substr(0, 36), "4 mpsup: no supervisor runs for site") << "nobody knows of others";
    start();
    const std::string two = R"({"machines":[{"name":"app1"},{"name":"web1"}]})";
    EXPECT_EQ(reach(R"({"machines":[]})", {}), "here");
    EXPECT_EQ(reach(R"({"machines":[]})", {"web1"}),
              "2 mpsup: the site is on this machine alone: there is no cluster\n");
    EXPECT_EQ(reach("rubbish", {}), "here");
    EXPECT_EQ(reach(two, {}), "all");
    EXPECT_EQ(reach(two, {"web1", "app1"}), "web1,app1");
    EXPECT_EQ(reach(two, {"app7"}), "2 mpsup: there is no machine app7; there is app1, web1\n");
}

} // namespace
} // namespace mpsup::cli

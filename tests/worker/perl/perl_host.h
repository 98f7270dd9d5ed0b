// The interpreter of a test program: there is one a process, so the tests of a run share it, each with an application of
// its own. What is private to worker/perl (its headers include perl.h, which GoogleTest cannot bear) is proved through the engine.
#pragma once

#include "worker/http/request_parser.h"
#include "worker/perl/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <unistd.h>
#include <utility>

namespace mpsup::perl {

/// Takes a reply, and does what a test wants while Perl code runs: in psgix.informational.
class RecordedReply final : public Reply {
public:
    Started start(int code, std::span<const http::Field>, std::optional<std::uint64_t>, bool) override {
        status = code;
        return Started::ok;
    }
    bool write(std::string_view bytes) override {
        body += bytes;
        return true;
    }
    bool send_file(int, std::uint64_t, std::uint64_t) override { return true; }
    Started inform(int, std::span<const http::Field>) override {
        if (while_it_runs) while_it_runs();
        return Started::ok;
    }
    Connection take_connection() override { return {}; }

    int status = 0;
    std::string body;
    std::function<void()> while_it_runs;
};

class PerlTest : public testing::Test {
protected:
    static void SetUpTestSuite() {
        static bool started = false;
        if (std::exchange(started, true)) return;
        static char name[] = "perl_tests";
        static char* arguments[] = {name, nullptr};
        static int count = 1;
        static char** list = arguments;
        ASSERT_TRUE(linked_engine().start(count, list, environ));
    }
    void SetUp() override {
        std::string name = std::filesystem::temp_directory_path() / "mpsup-perl-XXXXXX";
        folder_ = ::mkdtemp(name.data());
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(folder_ + "/" + name) << text;
        return folder_ + "/" + name;
    }
    /// Loads an application that is one sub; what that writes to stderr.
    std::string load(const std::string& code) {
        ApplicationPlan plan;
        plan.psgi = write("app.psgi", code);
        testing::internal::CaptureStderr();
        const auto loaded = engine_.load(plan);
        std::string said = testing::internal::GetCapturedStderr();
        EXPECT_TRUE(loaded) << loaded.error().to_string();
        return said;
    }
    /// A request, answered and over.
    CallOutcome ask(const std::string& target = "/") {
        reply_.status = 0;
        reply_.body.clear();
        const std::string head = "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
        const http::Limits limits;
        http::RequestParser parser(limits);
        EXPECT_EQ(parser.parse(head), http::RequestParser::Status::complete);
        http::Request request;
        parser.build(head, request);
        const std::string path(request.path);
        CallOutcome outcome = engine_.call({request, path, {}, -1, 0, "127.0.0.1", "1", "localhost", "80"}, reply_);
        leaves_ = engine_.finish_request();
        return outcome;
    }

    Engine& engine_ = linked_engine();
    std::string folder_;
    RecordedReply reply_;
    bool leaves_ = false;
};

} // namespace mpsup::perl

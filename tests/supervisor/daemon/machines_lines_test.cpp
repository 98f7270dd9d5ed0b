#include "supervisor/daemon/machines_lines.h"

#include "supervisor/daemon/bell.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <chrono>

namespace mpsup {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

std::string line_at(std::int64_t at_ms, const std::string& text) {
    return R"({"at_ms":)" + std::to_string(at_ms) + R"(,"line":")" + text + R"("})";
}

// Remembers what is said; "web1:a app1:b trouble(app1: why) nothing(why)".
class Remembered final : public ControlAnswer {
public:
    void reply(int, std::string) override {}
    void line(std::string json) override {
        if (json.empty()) {
            ++silences_;
            return;
        }
        const auto object = boost::json::parse(json).as_object();
        const auto text = [&](const char* key) {
            return object.contains(key) ? std::string(object.at(key).as_string()) : std::string();
        };
        std::string word = text("type");
        word = word.empty() ? text("machine") + ":" + text("line")
                            : word + "(" + text("machine") + ": " + text("why") + ")";
        said_ += (said_.empty() ? "" : " ") + word;
    }
    Taken taken() override { co_return !is_gone_; }
    [[nodiscard]] bool is_sent() const override { return true; }
    [[nodiscard]] int socket() const override { return -1; }

    std::string said_;
    int silences_ = 0;
    bool is_gone_ = false;
};

// What a machine says, line by line; an empty line takes a moment. Then it ends, well or not.
LinesOfMachine machine(std::string name, std::vector<std::string> lines, std::string trouble = {}) {
    return {std::move(name),
            [lines = std::move(lines), trouble = std::move(trouble)](
                std::optional<std::int64_t> since_ms, OnLineOfMachine on_line) -> asio::awaitable<Result<>> {
                if (since_ms) co_return Result<>(); // nothing came since
                for (const std::string& line : lines) {
                    if (line.empty()) co_await pause_for(5ms);
                    const bool more = co_await on_line(line);
                    if (!more) co_return Result<>();
                }
                if (!trouble.empty()) co_return failure(trouble);
                co_return Result<>();
            }};
}

class MachinesLines : public testing::Test {
protected:
    std::string said(std::vector<LinesOfMachine> machines, LinesManner manner = {}) {
        asio::co_spawn(context_, answer_lines(std::move(machines), manner, answer_),
                       [this](const std::exception_ptr& thrown) {
                           EXPECT_FALSE(thrown);
                           is_over_ = true;
                       });
        context_.run_for(10s);
        EXPECT_TRUE(is_over_);
        return answer_->said_;
    }

    asio::io_context context_;
    std::shared_ptr<Remembered> answer_ = std::make_shared<Remembered>();
    bool is_over_ = false;
};

TEST_F(MachinesLines, AreInTheOrderOfTimeWhoeverIsFaster) {
    EXPECT_EQ(said({machine("web1", {"", "", line_at(1, "a"), "", line_at(4, "d")}),
                    machine("app1", {line_at(2, "b"), line_at(3, "c"), line_at(5, "e")})}),
              "web1:a app1:b app1:c web1:d app1:e");
}

TEST_F(MachinesLines, OfAllTheLastOnesAloneWhereThatIsWanted) {
    EXPECT_EQ(
        said({machine("web1", {line_at(1, "a"), line_at(4, "d")}), machine("app1", {line_at(2, "b"), line_at(3, "c")})},
             {.last = 2}),
        "app1:c web1:d");
}

TEST_F(MachinesLines, NameWhoDoesNotAnswerOnce) {
    EXPECT_EQ(said({machine("web1", {line_at(1, "a")}), machine("app1", {line_at(2, "b")}, "gone"),
                    machine("app2", {}, "gone too")}),
              "trouble(app1: gone) trouble(app2: gone too) web1:a app1:b");
}

TEST_F(MachinesLines, NothingOfTheKindIsSaidWhenAllSayIt) {
    const std::string nothing = R"({"type":"nothing","why":"there is no log of x"})";
    EXPECT_EQ(said({machine("web1", {nothing}), machine("app1", {line_at(2, "b")})}), "app1:b");
    answer_->said_.clear();
    context_.restart();
    is_over_ = false;
    EXPECT_EQ(said({machine("web1", {nothing}), machine("app1", {nothing})}), "nothing(: there is no log of x)");
}

TEST_F(MachinesLines, WhatIsNotUnderstoodIsTrouble) {
    EXPECT_EQ(said({machine("web1", {"[1]", "rubbish", R"({"line":"without a time"})"})}),
              "trouble(web1: what it answers is not understood) web1:without a time");
}

TEST_F(MachinesLines, ManyLinesComeWholeThoughRoomIsScarce) {
    std::vector<std::string> even, odd;
    for (int i = 0; i < 2000; ++i) (i % 2 ? odd : even).push_back(line_at(i, "x"));
    const std::string all = said({machine("a", even), machine("b", odd)});
    EXPECT_EQ(std::ranges::count(all, 'x'), 2000);
    EXPECT_TRUE(all.starts_with("a:x b:x a:x b:x"));
}

TEST_F(MachinesLines, FollowedOnesAreAskedAgainFromWhereTheyEnded) {
    auto since = std::make_shared<std::vector<std::optional<std::int64_t>>>();
    const auto answer = answer_;
    LinesOfMachine app{
        "app1",
        [since, answer](std::optional<std::int64_t> from, OnLineOfMachine on_line) -> asio::awaitable<Result<>> {
            since->push_back(from);
            (void)co_await on_line(line_at(since->size() == 1 ? 7000 : 9000, "x"));
            (void)co_await on_line(R"({"type":"live"})");
            if (since->size() == 2) {
                co_await pause_for(700ms);
                answer->is_gone_ = true;
            }
            co_return failure("cut");
        }};
    EXPECT_EQ(said({app, machine("web1", {line_at(1, "a")})}, {.follow = true}),
              "trouble(app1: cut) web1:a app1:x app1:x");
    EXPECT_EQ(*since, (std::vector<std::optional<std::int64_t>>{std::nullopt, 5500}));
    EXPECT_GT(answer_->silences_, 0) << "a sign that the connection lives";
}

TEST_F(MachinesLines, EndWhenTheClientIsGone) {
    const auto answer = answer_;
    LinesOfMachine endless{"app1",
                           [answer](std::optional<std::int64_t>, OnLineOfMachine on_line) -> asio::awaitable<Result<>> {
                               for (int i = 0;; ++i) {
                                   answer->is_gone_ = answer->is_gone_ || i == 500;
                                   const bool more = co_await on_line(line_at(i, "x"));
                                   if (!more) co_return Result<>();
                               }
                           }};
    (void)said({endless});
}

} // namespace
} // namespace mpsup

#include "supervisor/daemon/own_lines.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace mpsup {
namespace {

const SitePaths paths(BaseDirs{"/s", "/r"}, "shop");

// The words after those that name the site.
std::string words_of(const std::string& text) {
    const auto target = ApiTarget::parse(text);
    const auto command = target ? own_lines_command("/bin/mpsup", paths, *target) : std::nullopt;
    if (!command) return "none";
    std::string words;
    for (std::size_t i = 4; i < command->words.size(); ++i) words += (i > 4 ? " " : "") + command->words[i];
    return words;
}

TEST(OwnLines, AreReadByThisProgram) {
    const auto command = own_lines_command("/bin/mpsup", paths, *ApiTarget::parse("/v1/logs"));
    ASSERT_TRUE(command);
    EXPECT_EQ(std::vector(command->words.begin(), command->words.begin() + 4),
              (std::vector<std::string>{"/bin/mpsup", "--state-dir=/s", "--run-dir=/r", "--site=shop"}));
    EXPECT_EQ(words_of("/v1/logs"), "logs --here -o jsonl");
    EXPECT_EQ(words_of("/v1/events"), "events --here -o jsonl");
    EXPECT_EQ(words_of("/v1/logs?lines=5&since_ms=12&follow=1&workers=a,b&grep=x%20y&access=1"),
              "logs --here -o jsonl --lines=5 --since-ms=12 --follow --worker=a --worker=b --grep=x y --access");
    EXPECT_EQ(words_of("/v1/events?worker=a&lines=5&since_ms=0&follow=1"),
              "events --here -o jsonl --lines=5 --since-ms=0 --follow --worker=a");
}

TEST(OwnLines, NoValueBecomesAnotherWord) {
    EXPECT_EQ(words_of("/v1/logs?workers=--state-dir,-f"), "logs --here -o jsonl --worker=--state-dir --worker=-f");
    EXPECT_EQ(words_of("/v1/logs?grep=--follow"), "logs --here -o jsonl --grep=--follow");
    EXPECT_EQ(words_of("/v1/events?follow=yes&other=1"), "events --here -o jsonl");
}

TEST(OwnLines, WhatIsNotAsItShouldBeIsRefused) {
    for (const char* text : {"/v1/logs?lines=-1", "/v1/logs?lines=x", "/v1/logs?lines=1000001",
                             "/v1/events?lines=100001", "/v1/events?since_ms=1h", "/v1/status", "/v1/down"})
        EXPECT_EQ(words_of(text), "none") << text;
    EXPECT_EQ(words_of("/v1/logs?grep=" + std::string(5000, 'x')), "none");
}

} // namespace
} // namespace mpsup

#include "supervisor/cli/size_view.h"

#include <gtest/gtest.h>

#include <sstream>

namespace mpsup::cli {
namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;

ProcessMemory memory(std::uint64_t own, std::uint64_t shared, std::uint64_t pss) {
    return {own * mebibyte, shared * mebibyte, (own + shared) * mebibyte, pss * mebibyte};
}

SiteSize small_site() {
    return {"shop",
            {{"", "supervisor", 10, 0, memory(4, 6, 5)},
             {"files", "light", 11, 3, memory(1, 2, 2)},
             {"pages", "master", 12, 7, memory(2, 80, 30)},
             {"pages", "child", 13, 7, memory(3, 81, 31)}},
            {{"two", "static", "mpsup-light", 3 * mebibyte / 2, memory(1, 2, 1), {}},
             {"dso", "dynamic", "mpsup-worker", 2 * mebibyte, std::nullopt, "cannot load perl.so"}}};
}

// The words of the line that begins with some, one space apart.
std::string line_with(const std::string& text, const std::string& beginning) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string found;
        for (std::string word; words >> word;) found += (found.empty() ? "" : " ") + word;
        if (found.starts_with(beginning)) return found;
    }
    return {};
}

TEST(SizeView, FindsTheProcessesOfAStatus) {
    const auto found = processes_in(R"({"supervisor":{"pid":10},"workers":[
        {"name":"files","processes":[{"pid":11,"role":"light","generation":3}]},
        {"name":"pages","processes":[{"pid":12,"role":"master","generation":7},{"pid":13,"role":"child","generation":7}]},
        {"name":"stopped","processes":[]}]})");
    ASSERT_EQ(found.size(), 4U);
    EXPECT_EQ(found[0].role, "supervisor");
    EXPECT_EQ(found[0].worker, "");
    EXPECT_EQ(found[3].worker, "pages");
    EXPECT_EQ(found[3].pid, 13);
    EXPECT_EQ(found[3].generation, 7);
}

TEST(SizeView, LeavesOutWhatHasNoPid) {
    EXPECT_TRUE(
        processes_in(R"({"supervisor":{"pid":null},"workers":[{"name":"a","processes":[{"role":"x"}]}]})").empty());
    EXPECT_TRUE(processes_in("no document").empty());
    EXPECT_TRUE(processes_in("[]").empty());
}

TEST(SizeView, ReadsWhatAProgramSays) {
    const auto found =
        parse_memory("{\"rss_bytes\":4096,\"pss_bytes\":3072,\"shared_bytes\":1024,\"private_bytes\":2048}\n");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->resident_bytes, 4096U);
    EXPECT_EQ(found->proportional_bytes, 3072U);
    EXPECT_EQ(found->shared_bytes, 1024U);
    EXPECT_EQ(found->private_bytes, 2048U);
    for (const char* other : {"", "usage: …", "{}", R"({"rss_bytes":-1})", R"({"rss_bytes":"4096"})"})
        EXPECT_FALSE(parse_memory(other)) << other;
}

TEST(SizeView, AddsUpWhatAddsUp) {
    const std::string text = size_table(small_site());
    EXPECT_EQ(line_with(text, "pages child"), "pages child 13 7 84M 31M 3.0M 81M");
    EXPECT_EQ(line_with(text, "pages 2"), "pages 2 processes - 61M 5.0M -");
    EXPECT_EQ(line_with(text, "files 1"), "files 1 process - 2.0M 1.0M -");
    EXPECT_EQ(line_with(text, "site "), "site 4 processes - 68M 10M -");
}

TEST(SizeView, SaysWhyAProgramHasNoFigures) {
    const std::string text = size_table(small_site());
    EXPECT_EQ(line_with(text, "two "), "two static mpsup-light 1.5M 3.0M 1.0M 1.0M 2.0M");
    EXPECT_EQ(line_with(text, "dso "), "dso dynamic mpsup-worker 2.0M - - - -");
    EXPECT_EQ(line_with(text, "cannot"), "cannot load perl.so");
}

TEST(SizeView, FitsAPageWhateverNamesAndNumbersAre) {
    SiteSize site = small_site();
    site.processes.push_back({std::string(60, 'w'), "supervisor", 4194304, 9999, memory(10000, 10000, 10000)});
    std::istringstream lines(size_table(site));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
}

TEST(SizeView, DocumentHasAllOfIt) {
    EXPECT_EQ(
        size_json({"shop",
                   {{"", "supervisor", 10, 0, {1, 2, 3, 4}}, {"a", "light", 11, 3, {5, 6, 7, 8}}},
                   {{"two", "static", "mpsup-light", 9, ProcessMemory{1, 2, 3, 4}, {}},
                    {"dso", "dynamic", "x", 0, {}, "gone"}}}),
        R"({"version":1,"site":"shop","processes":[)"
        R"({"worker":null,"role":"supervisor","pid":10,"generation":0,"rss_bytes":3,"pss_bytes":4,"shared_bytes":2,"private_bytes":1},)"
        R"({"worker":"a","role":"light","pid":11,"generation":3,"rss_bytes":7,"pss_bytes":8,"shared_bytes":6,"private_bytes":5}],)"
        R"("totals":{"workers":[{"worker":"a","processes":1,"pss_bytes":8,"private_bytes":5}],)"
        R"("site":{"processes":2,"pss_bytes":12,"private_bytes":6}},"programs":[)"
        R"({"build":"two","kind":"static","program":"mpsup-light","disk_bytes":9,)"
        R"("memory":{"rss_bytes":3,"pss_bytes":4,"shared_bytes":2,"private_bytes":1}},)"
        R"({"build":"dso","kind":"dynamic","program":"x","disk_bytes":0,"memory":null,"trouble":"gone"}]})");
}

} // namespace
} // namespace mpsup::cli

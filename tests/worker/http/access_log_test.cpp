#include "worker/http/access_log.h"

#include <algorithm>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace mpsup::http {
namespace {

std::string line_of(const AccessRecord& record) {
    std::string out;
    format_access_line(out, record, 784111777);
    return out;
}

TEST(AccessLine, IsCombined) {
    EXPECT_EQ(line_of({"127.0.0.1", "ann", "GET /a HTTP/1.1", 200, 42, "http://r/", "agent"}),
              "127.0.0.1 - ann [06/Nov/1994:08:49:37 +0000] \"GET /a HTTP/1.1\" 200 42 \"http://r/\" \"agent\"\n");
    EXPECT_EQ(line_of({"", "", "", 400, 0, "", ""}), "- - - [06/Nov/1994:08:49:37 +0000] \"-\" 400 0 \"-\" \"-\"\n");
}

TEST(AccessLine, CannotBeForged) {
    const std::string line = line_of({"a", "", "x\" 200\n1.2.3.4\x1b[2J\\\xff", 400, 0, "", ""});
    EXPECT_TRUE(line.contains("\"x\\\" 200\\x0a1.2.3.4\\x1b[2J\\\\\\xff\" 400"));
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
}

TEST(AccessLine, SaysWhatIsKnownBehindTheCombinedFormat) {
    LogNotes notes;
    notes.tier = "pool";
    notes.cache = "fwd=miss; \"x\"";
    notes.request_id = "id\n1";
    notes.queue = std::chrono::microseconds(1'250);
    notes.child = 42;
    notes.generation = 3;
    AccessRecord record{"127.0.0.1", "", "GET / HTTP/1.1", 200, 42, "", ""};
    record.notes = &notes;
    record.took = std::chrono::microseconds(1'002'003);
    record.bytes_in = 7;
    EXPECT_EQ(line_of(record), "127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] \"GET / HTTP/1.1\" 200 42 \"-\" \"-\" "
                               "pool \"fwd=miss; \\\"x\\\"\" 1.250 - 1002.003 7 42 3 \"id\\x0a1\"\n");
    notes.clear();
    EXPECT_TRUE(notes.empty());
    EXPECT_TRUE(line_of(record).ends_with("\"-\" \"-\" - \"-\" - - 1002.003 7 - - \"-\"\n"));
}

TEST(JsonLine, IsOneObject) {
    LogNotes notes;
    notes.tier = "cache";
    notes.cache = "hit";
    notes.heavy = std::chrono::microseconds(5);
    AccessRecord record{"127.0.0.1", "", "GET /\"\\ HTTP/1.1", 200, 42, "r\xff\n", ""};
    record.notes = &notes;
    std::string out;
    format_json_line(out, record, 784111777);
    EXPECT_EQ(out, R"({"time":"1994-11-06T08:49:37Z","remote":"127.0.0.1","request":"GET /\"\\ HTTP/1.1",)"
                   R"("status":200,"bytes":42,"referer":"r\u00ff\u000a","tier":"cache","cache":"hit","heavy_ms":0.005,)"
                   R"("client_ms":0.000,"bytes_in":0})"
                   "\n");
}

TEST(AccessLog, WritesWhatItGatheredWhenFlushed) {
    Pipe pipe = *make_pipe();
    AccessLog log(std::move(pipe.write));
    log.add({"a", "", "GET / HTTP/1.1", 200, 1, "", ""});
    log.add({"b", "", "GET / HTTP/1.1", 200, 1, "", ""});
    EXPECT_TRUE(log.pending());
    log.flush();
    EXPECT_FALSE(log.pending());
    char block[1024];
    const ssize_t count = ::read(pipe.read.get(), block, sizeof block);
    const std::string_view text(block, static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
    EXPECT_EQ(log.dropped(), 0U);
}

TEST(AccessLog, LosesLinesAndNothingElseWhenTheDiskIsFull) {
    auto full = open_file("/dev/full", O_WRONLY);
    ASSERT_TRUE(full);
    AccessLog log(std::move(*full));
    log.add({"a", "", "GET / HTTP/1.1", 200, 1, "", ""});
    log.flush();
    EXPECT_EQ(log.dropped(), 1U);
    EXPECT_FALSE(log.pending());
}

TEST(AccessLog, WritesWhatWaitsBeforeItIsReopened) {
    Pipe before = *make_pipe();
    Pipe after = *make_pipe();
    AccessLog log(std::move(before.write));
    log.add({"a", "", "GET / HTTP/1.1", 200, 1, "", ""});
    log.reopen(std::move(after.write));
    log.add({"b", "", "GET / HTTP/1.1", 200, 1, "", ""});
    log.flush();
    char block[256];
    EXPECT_GT(::read(before.read.get(), block, sizeof block), 0);
    EXPECT_EQ(block[0], 'a');
    EXPECT_GT(::read(after.read.get(), block, sizeof block), 0);
    EXPECT_EQ(block[0], 'b');
}

TEST(AccessLog, IsSilentWithoutAFile) {
    AccessLog log;
    EXPECT_FALSE(log.enabled());
    log.add({"a", "", "GET / HTTP/1.1", 200, 1, "", ""});
    EXPECT_FALSE(log.pending());
}

} // namespace
} // namespace mpsup::http

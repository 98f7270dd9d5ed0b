// Files that the application names and the accelerator sends.
#include "worker/accelerator/sent_file.h"

#include "tests/worker/accelerator/fake_upstream.h"
#include "tests/worker/accelerator/front_server.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace mpsup::accelerator {
namespace {

class SentFile : public testing::Test {
protected:
    SentFile() : folder("/tmp/mpsup-sent-" + std::to_string(::getpid())) {
        std::filesystem::create_directories(folder + "/private");
        std::ofstream(folder + "/private/report.txt") << "0123456789";
        std::ofstream(folder + "/private/a b.txt") << "spaced";
    }
    ~SentFile() override { std::filesystem::remove_all(folder); }

    // What a client gets when the application answers with these fields.
    std::string sent(const std::string& fields, std::string_view asked = {}, std::string_view path = "/download") {
        FakeUpstream upstream([&](Conversation& conversation) {
            conversation.read_request();
            conversation.send(ok("never seen", fields));
        });
        contract::Front setup = front_to({upstream.address()});
        contract::Route files;
        files.path = *contract::PathPattern::parse("/protected/");
        files.files.root = folder + "/private";
        files.files.strip_prefix = "/protected";
        files.internal = is_internal;
        setup.routes.insert(setup.routes.begin(), files);
        const FrontServer front(setup);
        return front.get(path, asked);
    }

    std::string folder;
    bool is_internal = false; // the route to them
};

TEST_F(SentFile, IsSentByItsPath) {
    const std::string reply = sent("X-Sendfile: " + folder + "/private/report.txt\r\n");
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 ")) << reply;
    EXPECT_TRUE(reply.ends_with("\r\n\r\n0123456789"));
    EXPECT_FALSE(reply.contains("X-Sendfile"));
    EXPECT_TRUE(sent("X-Sendfile: " + folder + "/private/a b.txt\r\n").ends_with("spaced"));
}

TEST_F(SentFile, IsSentByAnInternalUrl) {
    EXPECT_TRUE(sent("X-Accel-Redirect: /protected/report.txt\r\n").ends_with("\r\n\r\n0123456789"));
}

TEST_F(SentFile, IsForNobodyWhoAsksForAnInternalRouteItself) {
    is_internal = true;
    EXPECT_TRUE(sent("X-Accel-Redirect: /protected/report.txt\r\n").ends_with("\r\n\r\n0123456789"));
    EXPECT_TRUE(sent("X-Sendfile: " + folder + "/private/report.txt\r\n").ends_with("\r\n\r\n0123456789"));
    EXPECT_TRUE(sent("", {}, "/protected/report.txt").starts_with("HTTP/1.1 404 "));
    is_internal = false;
    EXPECT_TRUE(sent("", {}, "/protected/report.txt").starts_with("HTTP/1.1 200 "));
}

TEST_F(SentFile, HasTheFieldsThatTheApplicationGaveIt) {
    const std::string reply = sent("X-Accel-Redirect: /protected/report.txt\r\nContent-Type: application/pdf\r\n"
                                   "Content-Disposition: attachment\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n");
    EXPECT_TRUE(reply.contains("Content-Type: application/pdf\r\n"));
    EXPECT_TRUE(reply.contains("Content-Disposition: attachment\r\n"));
    EXPECT_TRUE(reply.contains("Set-Cookie: a=b\r\n"));
    EXPECT_TRUE(reply.contains("Set-Cookie: c=d\r\n")) << "each of them";
    EXPECT_TRUE(reply.contains("Content-Length: 10\r\n"));
}

TEST_F(SentFile, MayBeAskedForInParts) {
    const std::string reply = sent("X-Accel-Redirect: /protected/report.txt\r\n", "Range: bytes=2-4\r\n");
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 206 ")) << reply;
    EXPECT_TRUE(reply.ends_with("\r\n\r\n234"));
}

TEST_F(SentFile, Fault65NeverLeavesTheFoldersThatAreDeclared) {
    for (const std::string& path : {std::string("/etc/passwd"), folder + "/private/../secret", folder + "/privat",
                                    folder + "/private/report.txt/", std::string("report.txt"), std::string("/")})
        EXPECT_TRUE(sent("X-Sendfile: " + path + "\r\n").starts_with("HTTP/1.1 404 ")) << path;
    for (const char* url : {"/protected/../../etc/passwd", "/elsewhere", "http://x/protected/report.txt"})
        EXPECT_TRUE(sent(std::string("X-Accel-Redirect: ") + url + "\r\n").starts_with("HTTP/1.1 404 ")) << url;
}

} // namespace
} // namespace mpsup::accelerator

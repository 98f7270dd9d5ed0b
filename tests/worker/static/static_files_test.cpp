#include "worker/static/static_files.h"

#include "tests/worker/static/folder.h"
#include "worker/http/http_date.h"
#include "worker/http/target.h"

#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace mpsup::static_files {
namespace {

class Site : public testing::Test {
protected:
    Site() : files(std::move(*StaticFiles::open(populate(folder), {"/static/", "/robots.txt"}))) {}
    static std::string populate(const Folder& folder) {
        folder.write("root/static/site.css", "body {}");
        folder.write("root/static/docs/index.html", "index");
        folder.write("root/static/a b:c/index.html", "odd");
        folder.write("root/static/empty.txt", "");
        folder.write("root/static/.secret", "no");
        folder.write("root/static/.git/config", "no");
        folder.write("root/robots.txt", "robots");
        folder.write("root/private/x.txt", "not served");
        folder.write("outside.txt", "outside");
        return folder.path("root");
    }
    void open(std::vector<std::string> serves) {
        files = std::move(*StaticFiles::open(folder.path("root"), std::move(serves)));
    }
    int get(std::string_view target, std::vector<http::Field> fields = {}, std::string_view method = "GET") {
        const auto parts = http::split_target(target, false);
        request = {};
        request.method = method;
        request.target = target;
        request.path = parts ? parts->path : target;
        request.query = parts ? parts->query : "";
        request.has_query = parts && parts->has_query;
        request.fields = std::move(fields);
        reply.clear();
        files.answer(request, reply);
        return reply.status;
    }
    [[nodiscard]] std::string field(std::string_view name) const {
        for (const auto& each : reply.fields())
            if (http::equals_ignoring_case(each.name, name)) return std::string(each.value);
        return {};
    }
    [[nodiscard]] std::string content() const {
        if (!reply.parts.empty()) {
            std::string text;
            for (const http::FilePart& part : reply.parts) text += part.head + read(part.offset, part.size);
            return text + reply.text;
        }
        if (!reply.file) return reply.text;
        return read(reply.offset, reply.file_size);
    }
    [[nodiscard]] std::string read(std::uint64_t offset, std::uint64_t size) const {
        std::string text(size, '\0');
        const ssize_t count = ::pread(reply.file.get(), text.data(), text.size(), static_cast<off_t>(offset));
        text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        return text;
    }

    Folder folder;
    StaticFiles files;
    http::Request request;
    http::Reply reply;
};

TEST_F(Site, AnswersWithTheFile) {
    ASSERT_EQ(get("/static/site.css?v=1"), 200);
    EXPECT_EQ(content(), "body {}");
    EXPECT_EQ(reply.length(), 7U);
    EXPECT_EQ(field("Content-Type"), "text/css; charset=utf-8");
    EXPECT_TRUE(http::parse_http_date(field("Last-Modified")));
    EXPECT_TRUE(field("ETag").starts_with('"'));
    ASSERT_EQ(get("/static/empty.txt"), 200);
    EXPECT_EQ(reply.length(), 0U);
    ASSERT_EQ(get("/static/%73ite.css", {}, "HEAD"), 200);
    EXPECT_EQ(reply.length(), 7U);
}

TEST_F(Site, AnswersOnlyWhatItServes) {
    EXPECT_EQ(get("/robots.txt"), 200);
    for (const char* target : {"/private/x.txt", "/static", "/", "/static/../private/x.txt", "/robots.txt2",
                               "//static/site.css", "/static%2fsite.css", "*"})
        EXPECT_EQ(get(target), 404) << target;
    open({});
    EXPECT_EQ(get("/private/x.txt"), 200);
}

TEST_F(Site, TakesGetAndHeadOnly) {
    for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
        EXPECT_EQ(get("/static/site.css", {}, method), 405) << method;
        EXPECT_EQ(field("Allow"), "GET, HEAD");
    }
}

TEST_F(Site, StaysBelowItsRoot) {
    std::filesystem::create_symlink(folder.path("outside.txt"), folder.path("root/static/absolute"));
    std::filesystem::create_symlink("../../outside.txt", folder.path("root/static/relative"));
    std::filesystem::create_symlink("../robots.txt", folder.path("root/static/inside"));
    std::filesystem::create_symlink("/proc/self/root/etc/passwd", folder.path("root/static/magic"));
    std::filesystem::create_symlink("loop", folder.path("root/static/loop"));
    for (const char* target : {"/static/absolute", "/static/relative", "/static/magic", "/static/loop"})
        EXPECT_EQ(get(target), 404) << target;
    ASSERT_EQ(get("/static/inside"), 200) << "a link that stays inside is a file like any other";
    EXPECT_EQ(content(), "robots");
}

TEST_F(Site, RefusesEveryWayUp) {
    for (const char* target :
         {"/static/../../outside.txt", "/static/%2e%2e/%2e%2e/outside.txt", "/static/..%2f..%2foutside.txt",
          "/static/..%5c..%5coutside.txt", "/static/..%c0%af..%c0%afoutside.txt", "/static/%252e%252e/outside.txt",
          "/static/site.css%00.png", "/static/%", "/static/./site.css", "/static/.", "/static/.."})
        EXPECT_EQ(get(target), 404) << target;
}

TEST_F(Site, HidesDotFiles) {
    for (const char* target : {"/static/.secret", "/static/%2esecret", "/static/.git/config", "/static/docs/.x"})
        EXPECT_EQ(get(target), 404) << target;
}

TEST_F(Site, KnowsFilesThatAreNone) {
    ASSERT_EQ(::mkfifo(folder.path("root/static/fifo").c_str(), 0600), 0);
    EXPECT_EQ(get("/static/fifo"), 404) << "and does not wait for a writer";
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    folder.path("root/static/socket").copy(name.sun_path, sizeof name.sun_path - 1);
    const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    EXPECT_EQ(get("/static/socket"), 404);
    EXPECT_EQ(get("/static/site.css/"), 404);
    EXPECT_EQ(get("/static/site.css/x"), 404);
    EXPECT_EQ(get("/static/" + std::string(300, 'n')), 404);
    EXPECT_EQ(get("/static/" + std::string(5000, '/') + std::string(5000, 'n')), 404);
}

TEST_F(Site, AnswersFoldersWithTheirIndex) {
    ASSERT_EQ(get("/static/docs/"), 200);
    EXPECT_EQ(content(), "index");
    EXPECT_EQ(field("Content-Type"), "text/html; charset=utf-8");
    EXPECT_EQ(get("/static/"), 404) << "no index, no listing";
    std::filesystem::create_directories(folder.path("root/static/trap/index.html"));
    EXPECT_EQ(get("/static/trap/"), 404);
}

TEST_F(Site, AddsTheMissingSlashOfAFolder) {
    ASSERT_EQ(get("/static/docs?q=1"), 301);
    EXPECT_EQ(field("Location"), "./docs/?q=1");
    ASSERT_EQ(get("/static/a%20b:c"), 301);
    EXPECT_EQ(field("Location"), "./a%20b:c/");
    open({});
    ASSERT_EQ(get("//static"), 301);
    EXPECT_EQ(field("Location"), "./static/") << "never //static/, which names another host";
}

TEST_F(Site, SaysNotModifiedToWhoeverHasIt) {
    ASSERT_EQ(get("/static/site.css"), 200);
    const std::string etag = field("ETag");
    const std::string date = field("Last-Modified");
    EXPECT_EQ(get("/static/site.css", {{"If-None-Match", etag}}), 304);
    EXPECT_EQ(reply.length(), 0U);
    EXPECT_EQ(field("ETag"), etag);
    const std::string weak = "\"x, y\", W/" + etag;
    EXPECT_EQ(get("/static/site.css", {{"If-None-Match", weak}}), 304);
    EXPECT_EQ(get("/static/site.css", {{"if-none-match", "\"x\""}, {"If-None-Match", etag}}), 304)
        << "two lines, one list";
    EXPECT_EQ(get("/static/site.css", {{"If-None-Match", "*"}}), 304);
    EXPECT_EQ(get("/static/site.css", {{"If-None-Match", "\"x\""}, {"If-Modified-Since", date}}), 200)
        << "the tag rules";
    EXPECT_EQ(get("/static/site.css", {{"If-Modified-Since", date}}), 304);
    EXPECT_EQ(get("/static/site.css", {{"If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}}), 200);
    EXPECT_EQ(get("/static/site.css", {{"If-Modified-Since", "yesterday"}}), 200);
    EXPECT_EQ(get("/static/site.css", {{"If-None-Match", "\"unclosed"}}), 200);
}

TEST_F(Site, KeepsItsHandsOffWhenAPreconditionFails) {
    ASSERT_EQ(get("/static/site.css"), 200);
    const std::string etag = field("ETag");
    const std::string weak = "W/" + etag;
    EXPECT_EQ(get("/static/site.css", {{"If-Match", etag}}), 200);
    EXPECT_EQ(get("/static/site.css", {{"If-Match", "*"}}), 200);
    EXPECT_EQ(get("/static/site.css", {{"If-Match", "\"x\""}}), 412);
    EXPECT_EQ(get("/static/site.css", {{"If-Match", weak}}), 412) << "strong comparison";
    EXPECT_EQ(get("/static/site.css", {{"If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}}), 412);
    EXPECT_FALSE(content().contains("body"));
}

TEST_F(Site, SendsTheRangeThatIsWanted) {
    ASSERT_EQ(get("/static/site.css", {{"Range", "bytes=0-3"}}), 206);
    EXPECT_EQ(content(), "body");
    EXPECT_EQ(field("Content-Range"), "bytes 0-3/7");
    EXPECT_EQ(field("Content-Type"), "text/css; charset=utf-8");
    EXPECT_FALSE(field("ETag").empty());
    EXPECT_EQ(reply.length(), 4U);
    ASSERT_EQ(get("/static/site.css", {{"Range", "bytes=-2"}}), 206);
    EXPECT_EQ(content(), "{}");
    ASSERT_EQ(get("/static/site.css", {{"Range", "bytes=7-"}}), 416);
    EXPECT_EQ(field("Content-Range"), "bytes */7");
    ASSERT_EQ(get("/static/site.css", {{"Range", "bytes=x"}}), 200);
    EXPECT_EQ(field("Accept-Ranges"), "bytes");
    EXPECT_EQ(get("/static/site.css", {{"Range", "bytes=0-3"}}, "HEAD"), 200);
    EXPECT_EQ(get("/static/site.css", {{"Range", "bytes=0-3"}, {"range", "bytes=4-5"}}), 200) << "which of them?";
}

TEST_F(Site, SendsSeveralRangesInOneReply) {
    ASSERT_EQ(get("/static/site.css", {{"Range", "bytes=5-6,0-1"}}), 206);
    const std::string type = field("Content-Type");
    ASSERT_TRUE(type.starts_with("multipart/byteranges; boundary=mpsup")) << type;
    const std::string line = "--" + type.substr(type.find('=') + 1);
    const std::string of_part = "\r\nContent-Type: text/css; charset=utf-8\r\nContent-Range: bytes ";
    EXPECT_EQ(content(), "\r\n" + line + of_part + "5-6/7\r\n\r\n{}\r\n" + line + of_part + "0-1/7\r\n\r\nbo\r\n" +
                             line + "--\r\n");
    EXPECT_EQ(reply.length(), content().size());
    EXPECT_EQ(field("Content-Range"), "") << "each part has its own";
    ASSERT_EQ(get("/static/site.css", {{"Range", "bytes=5-6,0-1"}}), 206);
    EXPECT_NE(field("Content-Type"), type) << "nobody can know the next boundary";
}

TEST_F(Site, SendsTheWholeWhenTheRangeIsOfAnotherState) {
    const timespec times[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, folder.path("root/static/site.css").c_str(), times, 0), 0);
    ASSERT_EQ(get("/static/site.css"), 200);
    const std::string etag = field("ETag");
    const std::string weak = "W/" + etag;
    const std::string date = field("Last-Modified");
    const auto with = [&](std::string_view if_range) {
        return get("/static/site.css", {{"Range", "bytes=0-3"}, {"If-Range", if_range}});
    };
    EXPECT_EQ(with(etag), 206);
    EXPECT_EQ(with(date), 206);
    EXPECT_EQ(with(weak), 200) << "strong comparison";
    EXPECT_EQ(with("\"x\""), 200);
    EXPECT_EQ(with("Sun, 06 Nov 1994 08:49:37 GMT"), 200);
    EXPECT_EQ(with("tomorrow"), 200);
    EXPECT_EQ(get("/static/site.css", {{"Range", "bytes=0-3"}, {"If-None-Match", etag}}), 304) << "first things first";
    folder.write("root/static/new.css", "body {}");
    ASSERT_EQ(get("/static/new.css"), 200);
    EXPECT_EQ(get("/static/new.css", {{"Range", "bytes=0-3"}, {"If-Range", field("Last-Modified")}}), 200)
        << "it may have changed again within the second";
}

TEST_F(Site, ChangesTheTagWithTheFile) {
    ASSERT_EQ(get("/static/site.css"), 200);
    const std::string before = field("ETag");
    folder.write("root/static/new.css", "body {}");
    std::filesystem::rename(folder.path("root/static/new.css"), folder.path("root/static/site.css"));
    ASSERT_EQ(get("/static/site.css"), 200);
    EXPECT_NE(field("ETag"), before);
}

TEST_F(Site, AnswersTheSameFromMemory) {
    // A change of three seconds ago is settled; the file system gives no way to set a ctime, so this waits for one.
    ASSERT_EQ(get("/static/site.css"), 200);
    const auto old = std::chrono::steady_clock::now() + std::chrono::milliseconds(3100);
    while (std::chrono::steady_clock::now() < old) ::usleep(10'000);
    for (int i = 0; i < 3; ++i) {
        ASSERT_EQ(get("/static/site.css"), 200);
        EXPECT_EQ(content(), "body {}");
        EXPECT_EQ(field("Content-Type"), "text/css; charset=utf-8");
        EXPECT_EQ(get("/static/site.css", {{"If-None-Match", field("ETag")}}), 304);
        EXPECT_EQ(reply.length(), 0U);
        EXPECT_EQ(get("/static/site.css", {{"If-Match", "\"x\""}}), 412);
        EXPECT_EQ(get("/static/site.css", {{"Range", "bytes=5-"}}), 206);
        EXPECT_EQ(content(), "{}");
        EXPECT_EQ(get("/static/site.css", {{"Range", "bytes=5-5,0-0"}}), 206);
        EXPECT_EQ(reply.length(), content().size());
        EXPECT_EQ(get("/static/site.css", {{"Range", "bytes=9-"}}), 416);
    }
    folder.write("root/static/site.css", "html {}");
    ASSERT_EQ(get("/static/site.css"), 200);
    EXPECT_EQ(content(), "html {}") << "from the first request after the change on";
    std::filesystem::remove(folder.path("root/static/site.css"));
    std::filesystem::create_symlink("../../outside.txt", folder.path("root/static/site.css"));
    EXPECT_EQ(get("/static/site.css"), 404);
}

TEST_F(Site, KeepsDatesOfTheFutureToItself) {
    const timespec times[2] = {{4'000'000'000, 0}, {4'000'000'000, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, folder.path("root/static/site.css").c_str(), times, 0), 0);
    ASSERT_EQ(get("/static/site.css"), 200);
    EXPECT_EQ(field("Last-Modified"), "");
}

TEST_F(Site, AsksToComeBackWhenDescriptorsRunOut) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit none{0, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    EXPECT_EQ(get("/static/site.css"), 503);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_EQ(field("Retry-After"), "1");
    EXPECT_EQ(get("/static/site.css"), 200);
}

TEST_F(Site, DoesNotReadWhatItMayNot) {
    if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
    ASSERT_EQ(::chmod(folder.path("root/static/site.css").c_str(), 0), 0);
    EXPECT_EQ(get("/static/site.css"), 403);
}

TEST(StaticFiles, NeedsAFolder) {
    const Folder folder;
    EXPECT_FALSE(StaticFiles::open(folder.path("nowhere"), {}));
    folder.write("file", "");
    EXPECT_FALSE(StaticFiles::open(folder.path("file"), {}));
}

} // namespace
} // namespace mpsup::static_files

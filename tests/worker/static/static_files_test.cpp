#include "worker/static/static_files.h"

#include "tests/worker/static/decompress.h"
#include "tests/worker/static/folder.h"
#include "worker/http/http_date.h"
#include "worker/http/target.h"
#include "worker/links/page_head.h"
#include "worker/static/error_pages.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace mpsup::static_files {
namespace {

class Site : public testing::Test {
protected:
    Site() : files(std::move(*StaticFiles::open(served(populate(folder), {"/static/", "/robots.txt"}), options()))) {}
    static contract::Files served(std::string root, std::vector<std::string> serves) {
        contract::Files files;
        files.root = std::move(root);
        files.serves = std::move(serves);
        return files;
    }
    // Time stands still unless a test moves it; the wall clock is a minute ahead of what files say, so they are settled.
    static StaticFiles::Options options() {
        now = {};
        ahead = 60;
        StaticFiles::Options options;
        options.now = [] { return now; };
        options.wall = [] { return std::time(nullptr) + ahead; };
        return options;
    }
    static inline StaticFiles::Clock::time_point now;
    static inline std::time_t ahead = 0;
    // As the kernel's clock ticks only now and then, some changes would not show.
    void change(const std::string& name, std::string_view content) {
        struct stat before{};
        ASSERT_EQ(::stat(folder.path(name).c_str(), &before), 0);
        struct stat after = before;
        while (after.st_ctim.tv_sec == before.st_ctim.tv_sec && after.st_ctim.tv_nsec == before.st_ctim.tv_nsec) {
            folder.write(name, content);
            ASSERT_EQ(::stat(folder.path(name).c_str(), &after), 0);
        }
    }
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
    void open(contract::Files wanted) {
        wanted.root = folder.path("root");
        files = std::move(*StaticFiles::open(std::move(wanted), options()));
    }
    void open(std::vector<std::string> serves) {
        files = std::move(*StaticFiles::open(served(folder.path("root"), std::move(serves)), options()));
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
        if (reply.source() < 0) return reply.text + std::string(reply.lent);
        return read(reply.offset, reply.file_size);
    }
    [[nodiscard]] std::string read(std::uint64_t offset, std::uint64_t size) const {
        std::string text(size, '\0');
        const ssize_t count = ::pread(reply.source(), text.data(), text.size(), static_cast<off_t>(offset));
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
    open(std::vector<std::string>{});
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
    open(std::vector<std::string>{});
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
    ahead = 0;
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
    now += std::chrono::seconds(1);
    ASSERT_EQ(get("/static/site.css"), 200);
    EXPECT_NE(field("ETag"), before);
}

TEST_F(Site, AnswersTheSameFromMemory) {
    for (int i = 0; i < 3; ++i) {
        ASSERT_EQ(get("/static/site.css"), 200);
        EXPECT_EQ(files.cache().files(), 1U);
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
}

TEST_F(Site, LooksAtWhatItKeepsOnceASecond) {
    ASSERT_EQ(get("/static/site.css"), 200);
    const std::string tag = field("ETag");
    change("root/static/site.css", "html {}");
    now += std::chrono::milliseconds(999);
    ASSERT_EQ(get("/static/site.css"), 200);
    EXPECT_EQ(content(), "body {}");
    EXPECT_EQ(field("ETag"), tag) << "content and tag are of one state";
    now += std::chrono::milliseconds(1);
    ASSERT_EQ(get("/static/site.css"), 200);
    EXPECT_EQ(content(), "html {}");
    EXPECT_NE(field("ETag"), tag);
    std::filesystem::remove(folder.path("root/static/site.css"));
    std::filesystem::create_symlink("../../outside.txt", folder.path("root/static/site.css"));
    now += std::chrono::seconds(1);
    EXPECT_EQ(get("/static/site.css"), 404);
    EXPECT_EQ(files.cache().files(), 0U);
}

TEST_F(Site, LooksAtOnceWhenToldTo) {
    StaticFiles::Options always = options();
    always.validate = {};
    files = std::move(*StaticFiles::open(served(folder.path("root"), {}), always));
    ASSERT_EQ(get("/static/site.css"), 200);
    change("root/static/site.css", "html {}");
    ASSERT_EQ(get("/static/site.css"), 200);
    EXPECT_EQ(content(), "html {}");
}

TEST_F(Site, KeepsNothingThatHasJustChanged) {
    ahead = 1;
    for (const char* text : {"body {}", "html {}", "span {}"}) {
        folder.write("root/static/site.css", text);
        ASSERT_EQ(get("/static/site.css"), 200);
        EXPECT_EQ(content(), text);
        EXPECT_EQ(files.cache().files(), 0U);
    }
}

TEST_F(Site, KeepsOneSpellingOfAPath) {
    for (const char* path : {"/static/%73ite.css", "/static/site.css", "/static//site.css", "/static/%73%69te.css"})
        EXPECT_EQ(get(path), 200);
    EXPECT_EQ(files.cache().files(), 1U);
}

TEST_F(Site, KeepsLargeFilesOpenAndSeesThemChange) {
    folder.write("root/static/large.bin", std::string(100'000, 'a'));
    ASSERT_EQ(get("/static/large.bin"), 200);
    const int descriptor = reply.lent_file;
    const std::string tag = field("ETag");
    ASSERT_EQ(get("/static/large.bin"), 200);
    EXPECT_EQ(reply.lent_file, descriptor) << "the same again";
    change("root/static/large.bin", std::string(50'000, 'b'));
    ahead = 0;
    ASSERT_EQ(get("/static/large.bin"), 200);
    EXPECT_NE(field("ETag"), tag);
    EXPECT_EQ(content(), std::string(50'000, 'b'));
    std::filesystem::remove(folder.path("root/static/large.bin"));
    EXPECT_EQ(get("/static/large.bin"), 404);
}

// A reply holds what it sends, whatever becomes of the file and of the memory meanwhile.
TEST_F(Site, KeepsWhatAReplySends) {
    ASSERT_EQ(get("/static/site.css"), 200);
    http::Reply other;
    std::swap(other, reply);
    change("root/static/site.css", "html {}");
    now += std::chrono::seconds(5);
    ASSERT_EQ(get("/static/site.css"), 200);
    EXPECT_EQ(other.lent, "body {}");
    EXPECT_EQ(content(), "html {}");
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

class Forms : public Site {
protected:
    Forms() : text(4000, 'c') {
        folder.write("root/static/a.css", text);
        folder.write("root/static/a.css.br", "brotli");
        folder.write("root/static/b.css", text);
        folder.write("root/static/c.png", text);
        open(contract::Files());
    }
    std::string text;
};

TEST_F(Forms, AreChosenByWhatTheClientTakes) {
    ASSERT_EQ(get("/static/a.css"), 200);
    const std::string tag = field("ETag");
    EXPECT_EQ(content(), text);
    EXPECT_EQ(field("Vary"), "Accept-Encoding") << "of every form";
    EXPECT_EQ(field("Content-Encoding"), "");
    ASSERT_EQ(get("/static/a.css", {{"Accept-Encoding", "gzip, br"}}), 200);
    EXPECT_EQ(content(), "brotli");
    EXPECT_EQ(field("Content-Encoding"), "br");
    EXPECT_EQ(field("Content-Type"), "text/css; charset=utf-8");
    EXPECT_EQ(field("Vary"), "Accept-Encoding");
    EXPECT_NE(field("ETag"), tag);
    EXPECT_FALSE(field("ETag").starts_with("W/"));
    ASSERT_EQ(get("/static/a.css", {{"Accept-Encoding", "gzip, br"}}, "HEAD"), 200);
    EXPECT_EQ(reply.length(), 6U);
    ASSERT_EQ(get("/static/c.png", {{"Accept-Encoding", "gzip, br"}}), 200);
    EXPECT_EQ(field("Content-Encoding"), "");
    EXPECT_EQ(field("Vary"), "") << "there is nothing to choose from";
}

TEST_F(Forms, AreCompressedOnceAndKept) {
    for (int i = 0; i < 3; ++i) {
        ASSERT_EQ(get("/static/b.css", {{"Accept-Encoding", "gzip"}}), 200);
        EXPECT_EQ(field("Content-Encoding"), "gzip");
        EXPECT_EQ(decompress(Coding::gzip, content()), text);
        EXPECT_TRUE(field("ETag").starts_with("W/\"")) << field("ETag");
        EXPECT_EQ(field("Vary"), "Accept-Encoding");
    }
    EXPECT_EQ(files.cache().bytes(), text.size() + reply.length());
    const std::string tag = field("ETag");
    const auto length = reply.length();
    ASSERT_EQ(get("/static/b.css", {{"Accept-Encoding", "gzip"}}, "HEAD"), 200);
    EXPECT_EQ(reply.length(), length);
    EXPECT_EQ(get("/static/b.css", {{"Accept-Encoding", "gzip"}, {"If-None-Match", tag}}), 304);
    EXPECT_EQ(field("ETag"), tag);
    EXPECT_EQ(field("Vary"), "Accept-Encoding");
    EXPECT_EQ(get("/static/b.css", {{"If-None-Match", tag}}), 200) << "another form is asked for";
    EXPECT_EQ(get("/static/b.css", {{"Accept-Encoding", "gzip"}, {"If-Match", tag}}), 412)
        << "weak tags match nothing there";
}

TEST_F(Forms, BesideTheFileGoBeforeWhatWeCompress) {
    ASSERT_EQ(get("/static/a.css", {{"Accept-Encoding", "zstd, gzip, br"}}), 200);
    EXPECT_EQ(field("Content-Encoding"), "br");
    ASSERT_EQ(get("/static/a.css", {{"Accept-Encoding", "zstd, br;q=0.9"}}), 200);
    EXPECT_EQ(field("Content-Encoding"), "zstd") << "unless the client likes that better";
}

TEST_F(Forms, BesideTheFileAreTriedInTheOrderOfTheTopology) {
    folder.write("root/static/a.css.gz", "gzip");
    contract::Files wanted;
    wanted.precompressed = {"gz", "br", "gz", "gz", "br", "none", "gz", "gz", "gz", "gz"};
    open(wanted);
    ASSERT_EQ(get("/static/a.css", {{"Accept-Encoding", "br, gzip"}}), 200);
    EXPECT_EQ(content(), "gzip");
    ASSERT_EQ(get("/static/a.css", {{"Accept-Encoding", "br, gzip;q=0.9"}}), 200);
    EXPECT_EQ(content(), "brotli");
}

TEST_F(Forms, AreNotCompressedWhileTheFileChanges) {
    ahead = 0;
    folder.write("root/static/b.css", text);
    ASSERT_EQ(get("/static/b.css", {{"Accept-Encoding", "gzip"}}), 200);
    EXPECT_EQ(field("Content-Encoding"), "");
    EXPECT_EQ(field("Vary"), "Accept-Encoding") << "the next reply may be another form";
}

TEST_F(Forms, HavePartsOfTheirOwn) {
    ASSERT_EQ(get("/static/a.css", {{"Accept-Encoding", "br"}, {"Range", "bytes=0-2"}}), 206);
    EXPECT_EQ(content(), "bro");
    EXPECT_EQ(field("Content-Range"), "bytes 0-2/6");
    EXPECT_EQ(field("Content-Encoding"), "br");
    const std::string tag = field("ETag");
    EXPECT_EQ(get("/static/a.css", {{"Accept-Encoding", "br"}, {"Range", "bytes=0-2"}, {"If-Range", tag}}), 206);
    EXPECT_EQ(get("/static/a.css", {{"Range", "bytes=0-2"}, {"If-Range", tag}}), 200) << "of the other form";
    ASSERT_EQ(get("/static/b.css", {{"Accept-Encoding", "gzip"}}), 200);
    const std::string weak = field("ETag");
    ASSERT_EQ(get("/static/b.css", {{"Accept-Encoding", "gzip"}, {"Range", "bytes=0-2"}}), 206);
    EXPECT_EQ(content(), "ccc") << "parts of what we compress might not fit together";
    EXPECT_EQ(field("Content-Encoding"), "");
    EXPECT_EQ(get("/static/b.css", {{"Accept-Encoding", "gzip"}, {"Range", "bytes=0-2"}, {"If-Range", weak}}), 200);
}

TEST_F(Forms, EndWith406WhenNoneIsAcceptable) {
    EXPECT_EQ(get("/static/c.png", {{"Accept-Encoding", "identity;q=0"}}), 200) << "nobody negotiates here";
    EXPECT_EQ(get("/static/a.css", {{"Accept-Encoding", "identity;q=0"}}), 406);
    EXPECT_EQ(field("Vary"), "Accept-Encoding");
    EXPECT_EQ(get("/static/a.css", {{"Accept-Encoding", "identity;q=0, gzip;q=0.1"}}), 200);
    EXPECT_EQ(field("Content-Encoding"), "gzip");
}

TEST_F(Forms, ChangeWithTheFile) {
    ASSERT_EQ(get("/static/b.css", {{"Accept-Encoding", "gzip"}}), 200);
    const std::string tag = field("ETag");
    change("root/static/b.css", std::string(4000, 'd'));
    change("root/static/a.css.br", "another");
    now += std::chrono::seconds(1);
    ASSERT_EQ(get("/static/b.css", {{"Accept-Encoding", "gzip"}}), 200);
    EXPECT_EQ(decompress(Coding::gzip, content()), std::string(4000, 'd'));
    EXPECT_NE(field("ETag"), tag);
    ASSERT_EQ(get("/static/a.css", {{"Accept-Encoding", "br"}}), 200);
    EXPECT_EQ(content(), "another");
    const timespec old[2] = {{1000, 0}, {1000, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, folder.path("root/static/a.css.br").c_str(), old, 0), 0);
    now += std::chrono::seconds(1);
    ASSERT_EQ(get("/static/a.css", {{"Accept-Encoding", "br"}}), 200);
    EXPECT_EQ(decompress(Coding::brotli, content()), text) << "what is out of date is left alone";
}

TEST_F(Site, SaysHowLongFilesAreGood) {
    contract::Files wanted;
    wanted.expires = {{*contract::PathPattern::parse("*.css"), std::chrono::hours(1)}};
    open(wanted);
    ASSERT_EQ(get("/static/site.css"), 200);
    EXPECT_EQ(field("Cache-Control"), "max-age=3600");
    ASSERT_EQ(get("/static/site.css", {{"If-None-Match", "*"}}), 304);
    EXPECT_EQ(field("Cache-Control"), "max-age=3600") << "RFC 9110 section 15.4.5";
    EXPECT_EQ(get("/robots.txt"), 200);
    EXPECT_EQ(field("Cache-Control"), "");
    EXPECT_EQ(get("/none.css"), 404);
    EXPECT_EQ(field("Cache-Control"), "");
}

TEST_F(Site, TakesAPrefixOffThePath) {
    contract::Files wanted;
    wanted.strip_prefix = "/assets";
    wanted.try_file = "/robots.txt"; // below the root
    open(wanted);
    ASSERT_EQ(get("/assets/static/site.css"), 200);
    EXPECT_EQ(content(), "body {}");
    EXPECT_EQ(get("/assets/static/docs/"), 200);
    ASSERT_EQ(get("/assets/static/docs"), 301);
    EXPECT_EQ(field("Location"), "./docs/");
    EXPECT_EQ(get("/static/site.css"), 404);
    EXPECT_EQ(get("/assets/.git/config"), 404);
    EXPECT_EQ(get("/assets/../outside.txt"), 404);
    EXPECT_EQ(get("/assetsx/robots.txt"), 404);
    EXPECT_EQ(get("/assetsrobots.txt"), 404);
    ASSERT_EQ(get("/assets"), 301);
    EXPECT_EQ(field("Location"), "./assets/");
    for (int i = 0; i < 2; ++i) {
        ASSERT_EQ(get("/assets/none"), 200) << "the file that stands in";
        EXPECT_EQ(content(), "robots");
    }
}

TEST_F(Site, DoesNotServeTheFileThatStandsInByItsOwnName) {
    contract::Files wanted;
    wanted.serves = {"/app/"};
    wanted.try_file = "/robots.txt";
    open(wanted);
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(get("/app/anything"), 200);
        EXPECT_EQ(get("/robots.txt"), 404) << "outside of what is served, whatever is kept";
    }
}

TEST_F(Site, LeavesToOthersWhatItDoesNotHave) {
    const auto try_get = [&](std::string_view path, std::string_view method = "GET") {
        static_cast<void>(get(path, {}, method)); // makes the request
        reply.clear();
        return files.try_answer(request, reply);
    };
    EXPECT_TRUE(try_get("/static/site.css"));
    EXPECT_EQ(content(), "body {}");
    EXPECT_TRUE(try_get("/static/docs/"));
    EXPECT_TRUE(try_get("/static/docs"));
    EXPECT_EQ(reply.status, 301);
    std::filesystem::create_directories(folder.path("root/static/empty"));
    for (const char* path :
         {"/static/none", "/static/empty", "/static/empty/", "/private/x.txt", "/static/.secret", "/static/%00", "/"}) {
        EXPECT_FALSE(try_get(path)) << path;
        EXPECT_TRUE(reply.fields().empty() && reply.length() == 0 && reply.status == 200) << path;
    }
    EXPECT_FALSE(try_get("/static/site.css", "POST"));
}

TEST_F(Site, ListsFoldersWhereThatIsWanted) {
    EXPECT_EQ(get("/static/"), 404);
    contract::Files wanted;
    wanted.listing = true;
    open(wanted);
    ASSERT_EQ(get("/static/"), 200);
    EXPECT_EQ(field("Content-Type"), "text/html; charset=utf-8");
    EXPECT_TRUE(content().contains("href=\"./site.css\"")) << content();
    EXPECT_FALSE(content().contains("secret"));
    ASSERT_EQ(get("/"), 200);
    EXPECT_FALSE(content().contains("../"));
    EXPECT_EQ(get("/static/docs/"), 200);
    EXPECT_EQ(content(), "index");
    EXPECT_EQ(get("/none/"), 404);
    EXPECT_EQ(get("/robots.txt/"), 404);
    EXPECT_EQ(get("/.git/"), 404);
}

TEST_F(Site, TriesTheNamesOfIndexFilesInTurn) {
    folder.write("root/static/two/index.htm", "second");
    contract::Files wanted;
    wanted.index = {"index.html", "index.htm"};
    open(wanted);
    ASSERT_EQ(get("/static/two/"), 200);
    EXPECT_EQ(content(), "second");
    folder.write("root/static/two/index.html", "first");
    ASSERT_EQ(get("/static/two/"), 200);
    EXPECT_EQ(content(), "first");
    wanted.index = {};
    open(wanted);
    EXPECT_EQ(get("/static/two/"), 404);
}

TEST_F(Site, ShowsWhatIsWellKnown) {
    folder.write("root/.well-known/security.txt", "mail us");
    folder.write("root/.well-known/.secret", "no");
    folder.write("root/sub/.well-known/x", "no");
    open(std::vector<std::string>{});
    EXPECT_EQ(get("/.well-known/security.txt"), 200);
    for (const char* path :
         {"/.well-known/.secret", "/sub/.well-known/x", "/.well-knownx", "/.well-known/../.git", "/.well-known"})
        EXPECT_EQ(get(path), 404) << path;
}

TEST_F(Site, UsesThePagesOfTheSiteForErrors) {
    folder.write("pages/404.html", "<p>lost");
    auto pages = std::move(*ErrorPages::open(folder.path("pages")));
    StaticFiles::Options with = options();
    with.error_pages = &pages;
    files = std::move(*StaticFiles::open(served(folder.path("root"), {}), with));
    ASSERT_EQ(get("/none"), 404);
    EXPECT_EQ(content(), "<p>lost");
    EXPECT_EQ(field("Content-Type"), "text/html; charset=utf-8");
    EXPECT_EQ(get("/robots.txt", {}, "POST"), 405);
    EXPECT_EQ(content(), "405 Method Not Allowed\n");
}

// What bad input gets, by the numbers of the list of faults.

TEST_F(Site, Fault58RangesWithoutEndAreIgnored) {
    std::string many = "bytes=0-0";
    for (int i = 1; i < 1000; ++i) many += ",0-" + std::to_string(i);
    ASSERT_EQ(get("/static/site.css", {{"Range", many}}), 200);
    EXPECT_EQ(content(), "body {}");
    for (const char* range : {"bytes=18446744073709551615-18446744073709551616", "bytes=99999999999999999999999-"})
        EXPECT_EQ(get("/static/site.css", {{"Range", range}}), 416) << range;
    EXPECT_EQ(get("/static/site.css", {{"Range", "bytes=-0"}}), 416);
    EXPECT_EQ(get("/static/empty.txt", {{"Range", "bytes=-5"}}), 416);
    ASSERT_EQ(get("/static/site.css", {{"Range", "bytes=-99999999999999999999999"}}), 206);
    EXPECT_EQ(content(), "body {}");
    ASSERT_EQ(get("/static/site.css", {{"Range", "bytes=0-3,2-5,1-6"}}), 206);
    EXPECT_EQ(content(), "body {}") << "what overlaps is sent once";
}

TEST_F(Site, Fault65PathsAreDecodedOnceAndNeverLeadOut) {
    open(std::vector<std::string>{});
    for (const char* target : {"/../outside.txt",
                               "/%2e%2e/outside.txt",
                               "/%2E%2E/outside.txt",
                               "/.%2e/outside.txt",
                               "/static/%2e%2e%2f%2e%2e%2foutside.txt",
                               "/static/..%2f..%2foutside.txt",
                               "/..%5coutside.txt",
                               "/%252e%252e/outside.txt",
                               "/%25%32%65%25%32%65/outside.txt",
                               "/robots.txt%00",
                               "/robots.txt%00.png",
                               "/%00",
                               "/..%c0%af..%c0%afoutside.txt",
                               "/%c0%ae%c0%ae/outside.txt",
                               "/%uff0e%uff0e/outside.txt",
                               "/./robots.txt",
                               "/robots.txt/",
                               "/robots.txt.",
                               "/robots.txt%20",
                               "/robots.txt/.",
                               "/%2frobots.txt",
                               "/static%2fsite.css",
                               "/static\\site.css",
                               "/..;/outside.txt",
                               "/static/..;/..;/outside.txt"})
        EXPECT_EQ(get(target), 404) << target;
    EXPECT_EQ(get("//robots.txt"), 200) << "empty segments are none";
    EXPECT_EQ(get("/static///site.css"), 200);
    EXPECT_EQ(get("/" + std::string(8000, 'a')), 404);
    EXPECT_EQ(get("/" + std::string(8000, '%')), 404);
    std::string deep;
    for (int i = 0; i < 2000; ++i) deep += "/a";
    EXPECT_EQ(get(deep), 404);
}

TEST_F(Site, Fault66OnlyRegularFilesBelowTheRootAreOpened) {
    std::filesystem::create_symlink("../../outside.txt", folder.path("root/static/out"));
    std::filesystem::create_symlink("/dev/zero", folder.path("root/static/zero"));
    std::filesystem::create_directory(folder.path("root/static/folder"));
    ASSERT_EQ(::mkfifo(folder.path("root/static/fifo").c_str(), 0600), 0);
    for (const char* target : {"/static/out", "/static/zero", "/static/folder/", "/static/fifo", "/static/.secret"})
        EXPECT_EQ(get(target), 404) << target;
    if (::mknod(folder.path("root/static/null").c_str(), S_IFCHR | 0600, 0x0103) == 0) {
        EXPECT_EQ(get("/static/null"), 404);
    }
    std::filesystem::create_hard_link(folder.path("root/robots.txt"), folder.path("root/static/hard"));
    EXPECT_EQ(get("/static/hard"), 200) << "whoever may make one in the root could copy the file as well";
    // Swapped again and again between a file and a link that leads out: never what is outside.
    std::filesystem::create_symlink("../../outside.txt", folder.path("root/static/link"));
    folder.write("root/static/swapped", "inside");
    const std::string link = folder.path("root/static/link");
    const std::string swapped = folder.path("root/static/swapped");
    for (int i = 0; i < 200; ++i) {
        now += std::chrono::seconds(1);
        ASSERT_EQ(::renameat2(AT_FDCWD, link.c_str(), AT_FDCWD, swapped.c_str(), RENAME_EXCHANGE), 0);
        const int status = get("/static/swapped");
        EXPECT_EQ(status, i % 2 == 0 ? 404 : 200);
        EXPECT_EQ(content() == "inside", status == 200);
    }
}

TEST_F(Site, Fault67LengthAndTagAreOfTheFileThatIsSent) {
    folder.write("root/static/large.bin", std::string(100'000, 'a'));
    ASSERT_EQ(get("/static/large.bin"), 200);
    EXPECT_EQ(reply.length(), 100'000U);
    std::filesystem::rename(folder.path("outside.txt"), folder.path("root/static/large.bin"));
    EXPECT_EQ(content(), std::string(100'000, 'a')) << "a file that was replaced is sent as it was";
    ASSERT_EQ(get("/static/large.bin"), 200);
    EXPECT_EQ(content(), "outside") << "and the next request gets the new one, whatever was kept";
    EXPECT_EQ(reply.length(), 7U);
}

TEST(StaticFiles, NeedsAFolder) {
    const Folder folder;
    EXPECT_FALSE(StaticFiles::open({.root = folder.path("nowhere")}));
    folder.write("file", "");
    EXPECT_FALSE(StaticFiles::open({.root = folder.path("file")}));
}

class RewrittenSite : public Site {
protected:
    RewrittenSite() { open_with("l000001"); }
    void open_with(const std::string& tag) {
        auto with = options();
        with.pages = {&map, tag, [this](contract::PageFate fate) { fates.push_back(fate); }};
        files = std::move(*StaticFiles::open(served(folder.path("root"), {"/static/"}), with));
    }
    const links::LinkMap map{{{{"http", "files.example", 80}, {"/static/"}}, {{"http", "app.example", 80}, {}}}, 0};
    std::vector<contract::PageFate> fates;
};

TEST_F(RewrittenSite, RewritesAPageOnceAVersion) {
    folder.write("root/static/p.html", "<a href=/cart><a href=b.html><a href='../x'>");
    const std::string right = "<a href=http://app.example/cart><a href=b.html><a href='http://app.example/x'>";
    for (int i = 0; i < 3; ++i) {
        ASSERT_EQ(get("/static/p.html"), 200);
        EXPECT_EQ(content(), right);
        EXPECT_EQ(reply.length(), right.size());
        now += std::chrono::seconds(2);
    }
    EXPECT_EQ(fates, std::vector{contract::PageFate::rewritten});
    const std::string before = field("ETag");
    EXPECT_EQ(get("/static/p.html", {{"If-None-Match", before}}), 304);
    ASSERT_EQ(get("/static/p.html", {{"Range", "bytes=8-26"}}), 206);
    EXPECT_EQ(content(), "http://app.example/");
    ASSERT_EQ(get("/static/p.html", {}, "HEAD"), 200);
    EXPECT_EQ(reply.length(), right.size());
    open_with("l000002");
    EXPECT_EQ(get("/static/p.html", {{"If-None-Match", before}}), 200) << "another map makes other bytes";
}

TEST_F(RewrittenSite, SaysNoDateThatIsTheSameForEachMap) {
    folder.write("root/static/p.html", "<a href=/cart>" + std::string(2'000, 'x'));
    folder.write("root/static/q.html", "<a href=q.html>");
    const http::Field later{"If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT"};
    ASSERT_EQ(get("/static/q.html"), 200);
    EXPECT_NE(field("Last-Modified"), "") << "its bytes are the file's";
    EXPECT_EQ(get("/static/q.html", {later}), 304);
    for (const http::Field& coding : {http::Field{"Accept", "*/*"}, http::Field{"Accept-Encoding", "gzip"}}) {
        ASSERT_EQ(get("/static/p.html", {coding, later}), 200);
        EXPECT_EQ(field("Last-Modified"), "");
        EXPECT_EQ(get("/static/p.html", {coding, {"If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:01 GMT"}}), 200);
    }
}

TEST_F(RewrittenSite, LeavesFilesWithRightLinksAsTheyAre) {
    folder.write("root/static/p.html", "<a href=b.html>");
    ASSERT_EQ(get("/static/p.html"), 200);
    const std::string tag = field("ETag");
    EXPECT_FALSE(tag.contains("l00")) << tag;
    folder.write("root/static/large.html", "<a href=/cart>" + std::string(links::most_rewritten, 'x'));
    ASSERT_EQ(get("/static/large.html"), 200);
    EXPECT_TRUE(content().starts_with("<a href=/cart>"));
    folder.write("root/static/x.txt", "<a href=/cart>");
    ASSERT_EQ(get("/static/x.txt"), 200);
    EXPECT_EQ(content(), "<a href=/cart>");
    EXPECT_EQ(fates, (std::vector{contract::PageFate::right, contract::PageFate::too_large}));
}

TEST_F(RewrittenSite, RewritesPagesThatAreKeptOpenOtherwise) {
    folder.write("root/static/p.html", "<a href=/cart>" + std::string(100'000, 'x'));
    folder.write("root/static/s.css", "a{b:url(/i.png)}" + std::string(100'000, ' '));
    ASSERT_EQ(get("/static/p.html"), 200);
    EXPECT_TRUE(content().starts_with("<a href=http://app.example/cart>xx"));
    ASSERT_EQ(get("/static/s.css"), 200);
    EXPECT_TRUE(content().starts_with("a{b:url(http://app.example/i.png)}"));
}

class DeferredPages : public RewrittenSite {
protected:
    DeferredPages() {
        auto with = options();
        with.defers = true;
        with.pages = {&map, "l000001", [this](contract::PageFate fate) { fates.push_back(fate); }};
        files = std::move(*StaticFiles::open(served(folder.path("root"), {"/static/"}), with));
        folder.write("root/static/p.html", "<a href=/cart>" + std::string(most_at_once, 'x'));
        request.method = "GET";
        request.path = "/static/p.html";
    }
    std::shared_ptr<FileInWork> ask() {
        reply.clear();
        return files.answer(request, reply);
    }
};

TEST_F(DeferredPages, AreRewrittenByWhoeverAsks) {
    const auto page = ask();
    ASSERT_TRUE(page);
    EXPECT_EQ(reply.length() + reply.fields().size(), 0U);
    const auto same = ask();
    EXPECT_EQ(same, page) << "one for all who ask meanwhile";
    std::thread([page] { page->rewrite(); }).join();
    same->rewrite();
    for (const auto& each : {page, same}) {
        reply.clear();
        EXPECT_FALSE(files.answer(request, *each, reply));
        EXPECT_EQ(reply.status, 200);
        EXPECT_TRUE(content().starts_with("<a href=http://app.example/cart>xx"));
    }
    EXPECT_FALSE(ask()) << "it is kept";
    EXPECT_TRUE(content().starts_with("<a href=http://app.example/cart>xx"));
    EXPECT_EQ(fates, std::vector{contract::PageFate::rewritten});
}

TEST_F(DeferredPages, AreOfOneVersion) {
    const auto before = ask();
    change("root/static/p.html", "<a href=/card>" + std::string(most_at_once, 'x'));
    const auto after = ask();
    ASSERT_TRUE(after);
    EXPECT_NE(before, after);
    after->rewrite();
    EXPECT_FALSE(files.answer(request, *after, reply));
    EXPECT_TRUE(content().starts_with("<a href=http://app.example/card>xx"));
    before->rewrite();
    reply.clear();
    if (const auto again = files.answer(request, *before, reply)) { // what was opened is not what is there
        again->rewrite();
        EXPECT_FALSE(files.answer(request, *again, reply));
    }
    EXPECT_EQ(reply.status, 200);
}

TEST_F(DeferredPages, AreLargeAndMayBeRewritten) {
    folder.write("root/static/p.html", "<a href=/cart>" + std::string(most_at_once - 14, 'x'));
    EXPECT_FALSE(ask()) << "small";
    folder.write("root/static/p.html", "<a href=/cart>" + std::string(links::most_rewritten, 'x'));
    now += std::chrono::seconds(2);
    EXPECT_FALSE(ask()) << "too large";
    folder.write("root/static/p.txt", "<a href=/cart>" + std::string(most_at_once, 'x'));
    request.path = "/static/p.txt";
    EXPECT_FALSE(ask()) << "no page";
    folder.write("root/static/index.html", "<a href=/cart>" + std::string(most_at_once, 'x'));
    request.path = "/static/";
    EXPECT_TRUE(ask());
}

TEST_F(RewrittenSite, DoesNotSendWhatWasCompressedBefore) {
    folder.write("root/static/p.html", "<a href=/cart>" + std::string(2'000, 'x'));
    folder.write("root/static/p.html.gz", "old links");
    folder.write("root/static/q.html", "<a href=q.html>");
    folder.write("root/static/q.html.gz", "right links");
    const http::Field gzip{"Accept-Encoding", "gzip"};
    for (int i = 0; i < 2; ++i) {
        ASSERT_EQ(get("/static/p.html", {gzip}), 200);
        EXPECT_EQ(field("Content-Encoding"), "gzip");
        EXPECT_TRUE(decompress(Coding::gzip, content()).starts_with("<a href=http://app.example/cart>xx"));
        EXPECT_TRUE(field("ETag").starts_with("W/") && field("ETag").ends_with("-l000001-gz\"")) << field("ETag");
        now += std::chrono::seconds(2);
    }
    ASSERT_EQ(get("/static/q.html", {gzip}), 200);
    EXPECT_EQ(content(), "right links");
    EXPECT_EQ(fates, (std::vector{contract::PageFate::rewritten, contract::PageFate::right}))
        << "and is not looked at again";
}

TEST_F(RewrittenSite, RewritesAgainWhatHasChanged) {
    folder.write("root/static/p.html", "<a href=/cart>");
    ASSERT_EQ(get("/static/p.html"), 200);
    change("root/static/p.html", "<a href=/card>");
    now += std::chrono::seconds(2);
    ASSERT_EQ(get("/static/p.html"), 200);
    EXPECT_EQ(content(), "<a href=http://app.example/card>");
    EXPECT_EQ(fates.size(), 2U);
}

} // namespace
} // namespace mpsup::static_files

#include "worker/dynamic/page_filter.h"

#include "tests/worker/links/two_servers.h"

#include <cstdio>
#include <gtest/gtest.h>
#include <memory>

namespace mpsup::dynamic {
namespace {

using contract::PageFate;
using Started = perl::Reply::Started;
using Fields = std::vector<http::Field>;

/// Notes what reaches the client.
class Client final : public perl::Reply {
public:
    Started start(int status, std::span<const http::Field> fields, std::optional<std::uint64_t> length,
                  bool close) override {
        head = std::to_string(status) + (close ? " close" : "") + "\n";
        for (const http::Field& field : fields) head.append(field.name).append(": ").append(field.value) += '\n';
        announced = length;
        ++heads;
        return Started::ok;
    }
    bool write(std::string_view bytes) override {
        content += bytes;
        return is_there;
    }
    bool send_file(int, std::uint64_t offset, std::uint64_t count) override {
        content += "file " + std::to_string(offset) + " " + std::to_string(count);
        return is_there;
    }
    Started inform(int status, std::span<const http::Field> fields) override {
        return start(status, fields, {}, false);
    }
    Connection take_connection() override { return {7, {}}; }

    std::string head, content;
    std::optional<std::uint64_t> announced;
    int heads = 0;
    bool is_there = true;
};

class PageFilterTest : public testing::Test {
protected:
    PageFilterTest() {
        now = {};
        request.method = "GET";
        request.path = "/app/page";
        static_cast<void>(filter.begin(request, client));
    }
    Started start(Fields fields = {}, std::optional<std::uint64_t> length = {}, int status = 200) {
        fields.insert(fields.begin(), {"Content-Type", "text/html"});
        return filter.start(status, fields, length, false);
    }

    static inline http::TimePoint now;
    links::LinkMap map = links::of_application();
    std::vector<PageFate> fates;
    PageFilter filter{map, links::PageTag("l000001"), [this](PageFate fate) { fates.push_back(fate); },
                      [] { return now; }};
    http::Request request;
    Client client;
};

const std::string page = "<p>x<a href='../static/a'>y</a>";
const std::string right_page = "<p>x<a href='http://www.example.org:8080/static/a'>y</a>";

TEST_F(PageFilterTest, RewritesAWholePage) {
    ASSERT_EQ(start({{"ETag", "\"1\""}, {"Accept-Ranges", "bytes"}}, page.size()), Started::ok);
    EXPECT_TRUE(filter.write(page));
    EXPECT_EQ(client.heads, 0) << "nothing before it is whole";
    EXPECT_TRUE(filter.finish(true));
    EXPECT_EQ(client.content, right_page);
    EXPECT_EQ(client.announced, right_page.size());
    EXPECT_EQ(client.head, "200\nContent-Type: text/html\nETag: W/\"1-l000001s\"\n");
    EXPECT_EQ(fates, std::vector{PageFate::rewritten});
}

TEST_F(PageFilterTest, PutsTogetherWhatIsCutAnywhere) {
    for (std::size_t cut = 0; cut <= page.size(); ++cut) {
        client = {};
        static_cast<void>(filter.begin(request, client));
        ASSERT_EQ(start(), Started::ok);
        EXPECT_TRUE(filter.write(page.substr(0, cut)) && filter.write(page.substr(cut)));
        EXPECT_TRUE(filter.finish(true));
        EXPECT_EQ(client.content, right_page) << cut;
        EXPECT_EQ(client.announced, right_page.size());
    }
}

TEST_F(PageFilterTest, LeavesAPageWithRightLinksAsItIs) {
    const std::string fine = "<a href=/app>";
    ASSERT_EQ(start({{"ETag", "\"1\""}}), Started::ok);
    EXPECT_TRUE(filter.write(fine) && filter.finish(true));
    EXPECT_EQ(client.content, fine);
    EXPECT_EQ(client.head, "200\nContent-Type: text/html\nETag: W/\"1-l000001s\"\n")
        << "of another map it would not be";
    EXPECT_EQ(fates, std::vector{PageFate::right});
    ASSERT_EQ(start(), Started::ok);
    EXPECT_TRUE(filter.finish(true)) << "an empty page";
    EXPECT_EQ(client.announced, 0U);
}

TEST_F(PageFilterTest, PassesOnAtOnceWhatIsNoPage) {
    const Fields fields{{"Content-Type", "image/png"}, {"Location", "/static/a"}};
    ASSERT_EQ(filter.start(302, fields, 3, true), Started::ok);
    EXPECT_EQ(client.head, "302 close\nContent-Type: image/png\nLocation: http://www.example.org:8080/static/a\n");
    EXPECT_TRUE(filter.write("<a "));
    EXPECT_EQ(client.content, "<a ");
    EXPECT_TRUE(filter.send_file(1, 2, 3));
    EXPECT_TRUE(filter.finish(true));
    EXPECT_FALSE(filter.finish(false));
    EXPECT_TRUE(fates.empty());
}

TEST_F(PageFilterTest, PassesOnWhatIsTooLarge) {
    ASSERT_EQ(start({}, links::most_rewritten + 1), Started::ok);
    EXPECT_EQ(client.heads, 1) << "known before";
    ASSERT_EQ(start(), Started::ok);
    const std::string half(links::most_rewritten / 2 + 1, 'x');
    EXPECT_TRUE(filter.write(half));
    EXPECT_EQ(client.heads, 1);
    EXPECT_TRUE(filter.write(half));
    EXPECT_EQ(client.content.size(), 2 * half.size());
    EXPECT_FALSE(client.announced);
    EXPECT_TRUE(filter.write("y") && filter.finish(true));
    EXPECT_TRUE(client.content.ends_with("xy"));
    EXPECT_EQ(fates, (std::vector{PageFate::too_large, PageFate::too_large}));
}

TEST_F(PageFilterTest, TakesAPageOfExactlyTheLimit) {
    std::string large = page + std::string(links::most_rewritten - page.size(), 'x');
    ASSERT_EQ(start({}, large.size()), Started::ok);
    EXPECT_TRUE(filter.write(large) && filter.finish(true));
    EXPECT_EQ(fates, std::vector{PageFate::rewritten});
}

TEST_F(PageFilterTest, HoldsUpNobodyWhoWaits) {
    ASSERT_EQ(start(), Started::ok);
    EXPECT_TRUE(filter.write("<a href=/static/a>"));
    now += PageFilter::silence;
    EXPECT_TRUE(filter.write("<a href=/static/b>"));
    EXPECT_EQ(client.heads, 0);
    now += PageFilter::silence + std::chrono::milliseconds(1);
    EXPECT_TRUE(filter.write("c"));
    EXPECT_EQ(client.content, "<a href=/static/a><a href=/static/b>c");
    EXPECT_TRUE(filter.finish(true));
    EXPECT_EQ(fates, std::vector{PageFate::streamed});
}

TEST_F(PageFilterTest, IsNotPatientForEver) {
    ASSERT_EQ(start(), Started::ok);
    for (int i = 0; i < 10; ++i) {
        EXPECT_TRUE(filter.write("x"));
        EXPECT_EQ(client.heads, 0) << i;
        now += PageFilter::patience / 10;
    }
    now += std::chrono::milliseconds(1);
    EXPECT_TRUE(filter.write("x"));
    EXPECT_EQ(client.content, "xxxxxxxxxxx");
}

TEST_F(PageFilterTest, LetsGoWhenTheApplicationAsksForIt) {
    EXPECT_TRUE(filter.flush()) << "nothing is held";
    ASSERT_EQ(start(), Started::ok);
    EXPECT_TRUE(filter.write(page) && filter.flush() && filter.flush());
    EXPECT_EQ(client.content, page);
    EXPECT_TRUE(filter.finish(true));
    EXPECT_EQ(fates, std::vector{PageFate::streamed});
    ASSERT_EQ(start(), Started::ok);
    EXPECT_EQ(filter.take_connection().fd, 7);
    EXPECT_EQ(client.heads, 2) << "what was said before the connection was taken";
}

TEST_F(PageFilterTest, CutsWhatIsNotWhole) {
    ASSERT_EQ(start({}, 100), Started::ok);
    EXPECT_TRUE(filter.write(page));
    EXPECT_FALSE(filter.finish(false));
    EXPECT_EQ(client.content, page);
    EXPECT_EQ(client.announced, 100U) << "so that the client sees it";
}

TEST_F(PageFilterTest, GivesHeadTheFieldsOfGet) {
    const Fields fields{{"ETag", "W/\"1\""}, {"Accept-Ranges", "bytes"}, {"Last-Modified", "x"}};
    for (const std::string& content : {page, std::string("<p>")}) {
        request.method = "HEAD";
        ASSERT_EQ(start(fields, 30), Started::ok);
        EXPECT_EQ(client.head, "200\nContent-Type: text/html\nETag: W/\"1-l000001w\"\n");
        EXPECT_FALSE(client.announced) << "nobody knows how long it would become";
        EXPECT_TRUE(filter.finish(true));
        const std::string head = client.head;
        request.method = "GET";
        ASSERT_EQ(start(fields), Started::ok);
        EXPECT_TRUE(filter.write(content) && filter.finish(true));
        EXPECT_EQ(client.head, head);
    }
}

TEST_F(PageFilterTest, ShowsTheApplicationItsOwnTag) {
    request.fields = {{"If-None-Match", "W/\"1-l000001s\""}};
    EXPECT_EQ(filter.begin(request, client).find("If-None-Match"), "\"1\"");
    ASSERT_EQ(start({{"ETag", "\"1\""}}, {}, 304), Started::ok);
    EXPECT_EQ(client.head, "304\nContent-Type: text/html\nETag: W/\"1-l000001s\"\n");
    request.fields = {{"If-None-Match", "W/\"1-l000002s\""}, {"If-Modified-Since", "x"}};
    EXPECT_TRUE(filter.begin(request, client).fields.empty()) << "its links are other ones";
    request.fields = {{"If-None-Match", "\"1\""}};
    EXPECT_EQ(&filter.begin(request, client), &request);
}

TEST_F(PageFilterTest, CountsWhatItMayNotTouch) {
    ASSERT_EQ(start({{"Content-Encoding", "gzip"}}), Started::ok);
    EXPECT_EQ(client.heads, 1);
    ASSERT_EQ(start({}, {}, 206), Started::ok);
    ASSERT_EQ(start({{"Cache-Control", "no-transform"}}), Started::ok);
    ASSERT_EQ(filter.start(200, Fields{{"Content-Type", "text/html; charset=utf-16"}}, {}, false), Started::ok);
    EXPECT_TRUE(filter.write(page) && filter.finish(true));
    EXPECT_EQ(client.content, page);
    EXPECT_EQ(fates, (std::vector{PageFate::coding, PageFate::partial, PageFate::unwanted, PageFate::charset}));
}

TEST_F(PageFilterTest, RefusesBadHeadsAtOnce) {
    EXPECT_EQ(start({{"a b", "c"}}), Started::bad_field_name);
    EXPECT_EQ(start({{"a", "c\n"}}), Started::bad_field_value);
    EXPECT_EQ(start({}, {}, 99), Started::bad_status);
    EXPECT_TRUE(filter.finish(true));
    EXPECT_EQ(client.heads, 0);
}

TEST_F(PageFilterTest, ReadsPagesFromFiles) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), std::fclose);
    std::fputs(("head" + page).c_str(), file.get());
    std::fflush(file.get());
    ASSERT_EQ(start({}, page.size()), Started::ok);
    EXPECT_TRUE(filter.send_file(::fileno(file.get()), 4, page.size()) && filter.finish(true));
    EXPECT_EQ(client.content, right_page);
    client = {};
    ASSERT_EQ(start({}, page.size() + 1), Started::ok);
    EXPECT_TRUE(filter.send_file(::fileno(file.get()), 4, page.size() + 1))
        << "shorter than it was: who sends it finds out";
    EXPECT_EQ(client.content, "file 4 32");
    client = {};
    ASSERT_EQ(start(), Started::ok);
    EXPECT_TRUE(filter.send_file(::fileno(file.get()), 0, links::most_rewritten + 1));
    EXPECT_EQ(client.content, "file 0 2097153") << "not through memory";
}

TEST_F(PageFilterTest, LooksAtInterimFieldsToo) {
    EXPECT_EQ(filter.inform(103, Fields{{"Link", "</static/a>; rel=preload"}}), Started::ok);
    EXPECT_EQ(client.head, "103\nLink: <http://www.example.org:8080/static/a>; rel=preload\n");
}

TEST_F(PageFilterTest, SaysWhenTheClientIsGone) {
    client.is_there = false;
    ASSERT_EQ(start(), Started::ok);
    EXPECT_TRUE(filter.write(page));
    EXPECT_FALSE(filter.finish(true));
}

} // namespace
} // namespace mpsup::dynamic

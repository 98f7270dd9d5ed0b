#include "worker/static/error_pages.h"

#include "tests/worker/static/folder.h"
#include "worker/static/range_reply.h"

#include <gtest/gtest.h>

namespace mpsup::static_files {
namespace {

using namespace std::chrono_literals;

class Pages : public testing::Test {
protected:
    Pages() {
        folder.write("404.html", "not found");
        folder.write("50x.html", "fifty");
        folder.write("5xx.html", "five");
        folder.write("maintenance.html", "back soon");
        folder.write("notes.txt", "no page");
        pages.emplace(std::move(*ErrorPages::open(folder.path())));
    }
    std::string page(int status) {
        const auto found = pages->find(status, now);
        return found ? *found : "[none]";
    }

    Folder folder;
    ErrorPages::Time now{100s};
    std::optional<ErrorPages> pages;
};

TEST_F(Pages, AreFoundByTheMostExactName) {
    EXPECT_EQ(page(404), "not found");
    EXPECT_EQ(page(403), "[none]");
    EXPECT_EQ(page(502), "fifty");
    EXPECT_EQ(page(511), "five");
    for (const int status : {0, 200, 304, 399, 600, -1}) EXPECT_EQ(page(status), "[none]") << status;
    folder.write("502.html", "bad gateway");
    now += 1s;
    EXPECT_EQ(page(502), "bad gateway");
    EXPECT_EQ(*pages->maintenance(now), "back soon");
}

TEST_F(Pages, AreLookedAtOnceASecond) {
    EXPECT_EQ(page(404), "not found");
    folder.write("404.html", "nothing there");
    now += 999ms;
    EXPECT_EQ(page(404), "not found");
    now += 1ms;
    EXPECT_EQ(page(404), "nothing there");
    std::filesystem::remove(folder.path("404.html"));
    std::filesystem::remove(folder.path("maintenance.html"));
    now += 1s;
    EXPECT_EQ(page(404), "[none]");
    EXPECT_FALSE(pages->maintenance(now));
    std::filesystem::remove_all(folder.path());
    now += 1s;
    EXPECT_EQ(page(502), "[none]");
}

TEST_F(Pages, AreNotTakenFromWhatCannotBeOne) {
    folder.write("400.html", "");
    folder.write("401.html", std::string((256 << 10) + 1, 'x'));
    std::filesystem::create_directory(folder.path("402.html"));
    ASSERT_EQ(::mkfifo(folder.path("403.html").c_str(), 0600), 0);
    now += 1s;
    for (const int status : {400, 401, 402, 403}) EXPECT_EQ(page(status), "[none]") << status;
}

TEST_F(Pages, ReplaceTheContentOfOurOwnReplies) {
    http::Reply reply;
    refuse(reply, 503);
    pages->apply(reply, now);
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.text, "");
    EXPECT_EQ(reply.lent, "fifty");
    EXPECT_EQ(reply.length(), 5U);
    ASSERT_EQ(reply.fields().size(), 2U);
    EXPECT_EQ(reply.fields()[0].name, "Retry-After");
    EXPECT_EQ(reply.fields()[1].value, "text/html; charset=utf-8");
    pages.reset();
    EXPECT_EQ(reply.lent, "fifty") << "the reply holds on to it";
    reply.clear();
}

TEST_F(Pages, LeaveRepliesWithoutAPageAlone) {
    http::Reply reply;
    refuse(reply, 405);
    pages->apply(reply, now);
    EXPECT_EQ(reply.text, "405 Method Not Allowed\n");
}

TEST(ErrorPages, NeedAFolder) { EXPECT_FALSE(ErrorPages::open("/nowhere")); }

} // namespace
} // namespace mpsup::static_files

#include "worker/static/listing.h"

#include "tests/worker/static/folder.h"

#include <cerrno>
#include <gtest/gtest.h>

namespace mpsup::static_files {
namespace {

Listed list(const Folder& folder, const char* path, contract::Symlinks symlinks = contract::Symlinks::inside) {
    const auto root = Root::open(folder.path("root"), symlinks);
    auto listed = list_folder(*root, path);
    return listed ? *listed : Listed{{{"error " + std::to_string(listed.error())}}, false};
}

std::string names(const Listed& listed) {
    std::string all;
    for (const ListedName& each : listed.names) all += each.name + (each.is_folder ? "/ " : " ");
    return all;
}

TEST(Listing, HasFoldersFirstAndNothingThatIsNotServed) {
    Folder folder;
    folder.write("outside", "no");
    for (const char* name :
         {"root/b.txt", "root/a.txt", "root/Z.txt", "root/.secret", "root/sub/x", "root/.git/x", "root/Alpha/x"})
        folder.write(name, "text");
    std::filesystem::create_symlink("a.txt", folder.path("root/link"));
    std::filesystem::create_symlink("../outside", folder.path("root/out"));
    ASSERT_EQ(::mkfifo(folder.path("root/fifo").c_str(), 0600), 0);
    EXPECT_EQ(names(list(folder, ".")), "Alpha/ sub/ Z.txt a.txt b.txt link ");
    EXPECT_EQ(names(list(folder, ".", contract::Symlinks::off)), "Alpha/ sub/ Z.txt a.txt b.txt ");
    EXPECT_EQ(names(list(folder, ".", contract::Symlinks::anywhere)), "Alpha/ sub/ Z.txt a.txt b.txt link out ");
    EXPECT_EQ(names(list(folder, "sub")), "x ");
    EXPECT_EQ(names(list(folder, "none")), "error " + std::to_string(ENOENT) + " ");
    EXPECT_EQ(names(list(folder, "a.txt")), "error " + std::to_string(ENOTDIR) + " ");
}

TEST(Listing, IsBounded) {
    Folder folder;
    for (std::size_t i = 0; i <= most_listed; ++i) folder.write("root/" + std::to_string(i), "");
    const Listed listed = list(folder, ".");
    EXPECT_EQ(listed.names.size(), most_listed);
    EXPECT_FALSE(listed.whole);
    EXPECT_TRUE(listing_page("/", listed, true).contains("more than these"));
}

TEST(ListingPage, EscapesWhateverNamesHold) {
    Listed listed;
    listed.names = {{"<script>alert('1')</script>", false, 1536, 86'400},
                    {"a b?c#d%2e\"&:", false, 0, 0},
                    {"javascript:alert(1)", false, 0, 0},
                    {"line\nbreak", true, 0, 0}};
    const std::string page = listing_page("/x<y>/", listed, false);
    EXPECT_FALSE(page.contains("<script"));
    EXPECT_FALSE(page.contains("'1'"));
    EXPECT_TRUE(page.contains("<h1>/x&lt;y&gt;/</h1>"));
    EXPECT_TRUE(page.contains(R"x(href="./%3Cscript%3Ealert(&#39;1&#39;)%3C/script%3E")x")) << page;
    EXPECT_TRUE(page.contains(R"x(href="./a%20b%3Fc%23d%252e%22&amp;:")x")) << page;
    EXPECT_TRUE(page.contains(R"x(href="./javascript:alert(1)")x")) << "never a scheme";
    EXPECT_TRUE(page.contains("href=\"./line%0Abreak/\">line\xef\xbf\xbd"
                              "break/</a>"))
        << page;
    EXPECT_TRUE(page.contains("1.5KiB"));
    EXPECT_TRUE(page.contains("1970-01-02 00:00"));
    EXPECT_TRUE(page.contains("href=\"../\""));
    EXPECT_FALSE(listing_page("/", listed, true).contains("href=\"../\""));
}

TEST(ListingPage, SaysItsCharsetAndKnowsTheDark) {
    const std::string page = listing_page("/", {}, true);
    EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
    EXPECT_TRUE(page.contains("<meta charset=\"utf-8\">"));
    EXPECT_TRUE(page.contains("prefers-color-scheme: dark"));
}

} // namespace
} // namespace mpsup::static_files

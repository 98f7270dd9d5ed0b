#include "worker/links/html_links.h"

#include <gtest/gtest.h>

namespace mpsup::links {
namespace {

std::expected<References, Untouched> references_of(std::string_view text, std::string_view charset = {}) {
    return html_references({.text = text, .charset = charset}, ParseLimits::of_page(text.size()));
}

// "href=a src=b!", with '!' where following it sends something.
std::string listed(std::string_view text) {
    std::string list;
    const References found = references_of(text).value();
    for (const Reference& each : found.references)
        list += (list.empty() ? "" : " ") + std::string(each.of) + "=" + each.text + (each.by_get ? "" : "!");
    return list;
}

TEST(HtmlReferences, AreFoundInEveryPosition) {
    EXPECT_EQ(listed("<a href='a?x=1&amp;y=2'>x</a><img src=b srcset='c 1x, d 2x'><video poster=e></video>"),
              "href=a?x=1&y=2 src=b srcset=c srcset=d poster=e");
    EXPECT_EQ(listed("<meta http-equiv=refresh content='5; url=f'><object data=g></object><p data=no>"),
              "content=f data=g");
    EXPECT_EQ(listed("<style>a { b: url(h) }</style><p style=\"c: url('i')\"><q cite=j></q>"),
              "style=h style=i cite=j");
    EXPECT_EQ(listed("<a href='https://elsewhere.example/&copy;'>x</a>"), "href=https://elsewhere.example/&copy;");
}

TEST(HtmlReferences, KnowWhatIsNotAskedForByGet) {
    EXPECT_EQ(
        listed(
            "<form method=POST action=a><button formaction=b></button><button formmethod=get formaction=c></button>"),
        "action=a! formaction=b! formaction=c");
    EXPECT_EQ(listed("<form action=d><button formaction=e></button><button formmethod=post "
                     "formaction=f></button></form><a ping=g>"),
              "action=d formaction=e formaction=f! ping=g!");
}

TEST(HtmlReferences, StandSomewhereInThePage) {
    const std::string_view page = "<p>\n<a\nhref=x>y</a>";
    const auto found = references_of(page).value();
    ASSERT_EQ(found.references.size(), 1U);
    EXPECT_EQ(page.substr(found.references[0].at), "x>y</a>");
    EXPECT_FALSE(found.base);
    EXPECT_EQ(references_of("<base href='/b&#47;'><a href=x>").value().base, "/b/");
}

// Gumbo 0.10 says that such a value is shorter than nothing.
TEST(HtmlReferences, MayBeACharacterReferenceAndABrokenLine) {
    for (const std::string end : {"\r\n", "\r\nid=x", "\n", " "}) {
        EXPECT_EQ(listed("<a href=&#47;" + end + ">x</a>"), "href=/");
        EXPECT_EQ(listed("<a href=&#65" + end + ">x</a>"), "href=A");
    }
}

TEST(HtmlReferences, OfPagesThatCannotBeReadAreNone) {
    EXPECT_EQ(references_of("<a href=x>", "utf-16").error(), Untouched::encoding);
    EXPECT_EQ(html_references({.text = "<a href=x>"}, {}).error(), Untouched::too_costly);
}

} // namespace
} // namespace mpsup::links

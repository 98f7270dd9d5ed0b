#include "worker/links/reference_spans.h"

#include <gtest/gtest.h>
#include <string>

namespace mpsup::links {
namespace {

using Find = Spans (*)(std::string_view);
using Texts = std::vector<std::string>;

Texts found(Find find, std::string_view value) {
    Texts result;
    for (const Span& span : find(value)) result.emplace_back(span.of(value));
    return result;
}

TEST(ReferenceSpans, AreFoundInSrcset) {
    const auto in = [](std::string_view value) { return found(srcset_references, value); };
    EXPECT_EQ(in("a.png 1x, b.png 2x"), (Texts{"a.png", "b.png"}));
    EXPECT_EQ(in("a,b 100w,c"), (Texts{"a,b", "c"})); // a comma within is the URL's
    EXPECT_EQ(in(" , a.png,, b.png\n"), (Texts{"a.png", "b.png"}));
    EXPECT_EQ(in("a 1x (x, y) 2x, b"), (Texts{"a", "b"}));
    EXPECT_EQ(in("data:,a 1x, b"), (Texts{"data:,a", "b"}));
    EXPECT_EQ(in("a (, b"), (Texts{"a"}));
    EXPECT_EQ(in(""), Texts{});
    EXPECT_EQ(in(" ,, "), Texts{});
}

TEST(ReferenceSpans, AreFoundInRefresh) {
    const auto in = [](std::string_view value) { return found(refresh_references, value); };
    EXPECT_EQ(in("5; url=/a"), Texts{"/a"});
    EXPECT_EQ(in("0;URL = '/a'b"), Texts{"/a"});
    EXPECT_EQ(in(" 1.5, \"/a"), Texts{"/a"});
    EXPECT_EQ(in("1 /a b"), Texts{"/a b"});
    EXPECT_EQ(in("1;urls/a"), Texts{"urls/a"});
    EXPECT_EQ(in("1;url"), Texts{"url"});
    EXPECT_EQ(in("1;url=''"), Texts{""});
    for (const char* none : {"", "5", "5;", "5; url=", "x; url=/a", "; url=/a", "5x url=/a"})
        EXPECT_EQ(in(none), Texts{}) << none;
}

TEST(ReferenceSpans, AreFoundBetweenSpaces) {
    EXPECT_EQ(found(spaced_references, " a\n b "), (Texts{"a", "b"}));
    EXPECT_EQ(found(spaced_references, ""), Texts{});
}

TEST(ReferenceSpans, AreFoundInLink) {
    const auto in = [](std::string_view value) { return found(link_field_references, value); };
    EXPECT_EQ(in("</a>; rel=preload; as=style, </b,c>"), (Texts{"/a", "/b,c"}));
    EXPECT_EQ(in("</a>; title=\"x, </y>\\\", </z>\", </b>"), (Texts{"/a", "/b"}));
    EXPECT_EQ(in(" ,</a> , x, </b>"), (Texts{"/a", "/b"}));
    EXPECT_EQ(in("</a>; title=\"x, </b>"), Texts{"/a"});
    EXPECT_EQ(in("</a>; title=\"\\"), Texts{"/a"});
    EXPECT_EQ(in("</a"), Texts{});
    EXPECT_EQ(in("<>"), Texts{""});
}

} // namespace
} // namespace mpsup::links

// 10,000 pages and 10,000 style sheets by chance: after rewriting they are what they were, but for the links.
#include "tests/worker/links/generated_html.h"
#include "tests/worker/links/same_page.h"
#include "tests/worker/links/two_servers.h"
#include "worker/links/rewriting.h"

#include <gtest/gtest.h>

namespace mpsup::links {
namespace {

constexpr unsigned count = 10'000;

std::optional<Untouched> why(const std::expected<std::string, Untouched>& result) {
    return result ? std::nullopt : std::optional(result.error());
}

TEST(GeneratedPages, AreTheSameButForTheirLinks) {
    unsigned changed = 0;
    for (unsigned seed = 0; seed < count; ++seed) {
        const bool from_files = seed % 4 == 3;
        const LinkMap map = from_files ? of_files() : of_application();
        const std::string path = from_files ? "/static/page.html" : "/app/page";
        const std::string before = GeneratedHtml(seed).page();
        const auto after = rewritten_html({before, path}, map);
        ASSERT_EQ(why(after).value_or(Untouched::right), Untouched::right) << seed;
        ASSERT_EQ(difference(before, after.value_or(before), map, path, true), "") << seed << "\n"
                                                                                   << before << "\n"
                                                                                   << after.value_or("");
        if (!after) continue;
        ++changed;
        ASSERT_EQ(why(rewritten_html({*after, path}, map)), Untouched::right) << seed << "\n" << *after;
    }
    EXPECT_GT(changed, count / 2); // else it would prove little
}

// A style sheet, and what must become of it.
struct Sheet {
    std::string before, after;
};

Sheet generated_sheet(unsigned seed) {
    static const Texts same{" ",
                            "\n",
                            "a{b:c}",
                            "/* url(/static/) */",
                            "'url(/static/)'",
                            "\"/static/\\\"url(/static/)\"",
                            "xurl(/static/)",
                            "#url(/static/)",
                            "1url(/static/)",
                            "@media x{",
                            "}",
                            ";",
                            "url()",
                            "url(/app/)",
                            "url('x')",
                            "url(data:,/static/)",
                            "url(/static/a b)",
                            "url(#static)",
                            "@import",
                            " screen",
                            "@import '/app/';",
                            "-",
                            "+1.5e3",
                            "\\",
                            "é",
                            ":",
                            "(",
                            ")",
                            "url(//other/static/)",
                            "<!--",
                            "-->",
                            "'bad\n"};
    static const Texts links{
        "url(/static/a)",     "url( /static/a )",     "url('/static/a')",          "URL(\"/static/a?x#y\")",
        "\\75 rl(/static/a)", "@import '/static/a';", "@import/**/\"/static/b\";", "@import url(/static/c);",
        "url(/\\73 tatic/a)", "url('/sta\\\ntic/a')", "url(/static/\\(\\)a)"};
    Chance chance(seed);
    Sheet sheet;
    const auto add = [&sheet](const std::string& before, const std::string& after) {
        // Between them something that ends whatever comes before.
        sheet.before += before + "/**/ ";
        sheet.after += after + "/**/ ";
    };
    for (int i = chance.below(40); i >= 0; --i) {
        if (!chance.one_in(3)) {
            const std::string& text = chance.of(same);
            add(text, text);
            if (text == "@import") add(";", ";");
            continue;
        }
        const std::string& text = chance.of(links);
        std::string after = text;
        after.insert(text.find_first_of("/", text.starts_with("@import/") ? 12 : 0), "http://www.example.org:8080");
        add(text, after);
    }
    return sheet;
}

TEST(GeneratedSheets, AreTheSameButForTheirLinks) {
    const LinkMap map = of_application();
    for (unsigned seed = 0; seed < count; ++seed) {
        const Sheet sheet = generated_sheet(seed);
        const auto after = rewritten_css({sheet.before, "/app/page"}, map);
        ASSERT_EQ(after.value_or(sheet.before), sheet.after) << seed << "\n" << sheet.before;
        ASSERT_EQ(why(rewritten_css({sheet.after, "/app/page"}, map)), Untouched::right) << seed;
    }
}

} // namespace
} // namespace mpsup::links

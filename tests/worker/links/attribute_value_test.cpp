#include "worker/links/attribute_value.h"

#include "worker/links/character_reference.h"

#include <gtest/gtest.h>
#include <gumbo.h>

namespace mpsup::links {
namespace {

std::string decoded(std::string_view raw) {
    const auto result = decoded_attribute(raw);
    return result ? result->text() : "nothing";
}

// What the parser makes of it.
std::string parsed(const std::string& raw) {
    const std::string page = "<a href=\"" + raw + "\">";
    GumboOutput* output = gumbo_parse(page.c_str());
    const auto* body = static_cast<const GumboNode*>(output->root->v.element.children.data[1]);
    const auto* link = static_cast<const GumboNode*>(body->v.element.children.data[0]);
    std::string value = gumbo_get_attribute(&link->v.element.attributes, "href")->value;
    gumbo_destroy_output(&kGumboDefaultOptions, output);
    return value;
}

TEST(AttributeValue, IsDecodedAsTheParserDoes) {
    for (const char* name : {"amp",          "AMP",
                             "lt",           "LT",
                             "gt",           "GT",
                             "quot",         "QUOT",
                             "apos",         "Tab",
                             "NewLine",      "excl",
                             "num",          "dollar",
                             "percnt",       "lpar",
                             "rpar",         "ast",
                             "midast",       "plus",
                             "comma",        "period",
                             "sol",          "colon",
                             "semi",         "equals",
                             "quest",        "commat",
                             "lsqb",         "lbrack",
                             "bsol",         "rsqb",
                             "rbrack",       "Hat",
                             "lowbar",       "UnderBar",
                             "grave",        "DiacriticalGrave",
                             "lcub",         "lbrace",
                             "verbar",       "vert",
                             "VerticalLine", "rcub",
                             "rbrace"})
        for (const char* after : {";", "", "=", "x", ";x", "/"}) {
            const std::string raw = "&" + std::string(name) + after;
            std::string ours = decoded(raw);
            for (char& c : ours)
                if (c == kept_ampersand) c = '&';
            EXPECT_EQ(ours, parsed(raw)) << raw;
        }
    for (const char* raw :
         {"&#47;", "&#47x", "&#x2F;", "&#X2f", "&#", "&#;", "&#x", "&#xg", "&", "&&amp;", "& ", "&=", "&#38;amp;"})
        EXPECT_EQ(decoded(raw), parsed(raw)) << raw;
}

TEST(AttributeValue, HasPercentEncodedWhatIsBeyondAscii) {
    EXPECT_EQ(decoded("&#233;"), "%C3%A9");
    EXPECT_EQ(decoded("&#x20AC;"), "%E2%82%AC");
    EXPECT_EQ(decoded("&#128;"), "%E2%82%AC"); // as in windows-1252
    EXPECT_EQ(decoded("&#x1F600;"), "%F0%9F%98%80");
    for (const char* raw : {"&#0;", "&#xD800;", "&#x110000;", "&#99999999999999;"})
        EXPECT_EQ(decoded(raw), "%EF%BF%BD") << raw;
    EXPECT_EQ(decoded("\xe9"), "\xe9");
}

TEST(AttributeValue, KeepsNamesThatItDoesNotKnow) {
    EXPECT_EQ(decoded("caf&eacute;"), "caf\xff"
                                      "eacute;");
    EXPECT_EQ(encoded_attribute(decoded("caf&eacute;&amp;")), "caf&eacute;&#38;");
    EXPECT_EQ(decoded("\xff"), "nothing");
}

TEST(AttributeValue, IsEncodedForAnyQuotes) {
    const std::string text = "a&b\"c'd<e>f g`h";
    EXPECT_EQ(encoded_attribute(text), "a&#38;b&#34;c&#39;d&#60;e&#62;f&#32;g&#96;h");
    EXPECT_EQ(decoded(encoded_attribute(text)), text);
}

TEST(AttributeValue, KnowsWhereEachOctetCameFrom) {
    const auto value = decoded_attribute("a&amp;b&#233;c");
    ASSERT_EQ(value->text(), "a&b%C3%A9c");
    EXPECT_EQ(value->raw({1, 2, "x"}), (Edit{1, 6, "x"}));
    EXPECT_EQ(value->raw({0, 4, "x"}), (Edit{0, 13, "xC3%A9"})); // never half of an escape
    EXPECT_EQ(value->raw({10, 10, "x"}), (Edit{14, 14, "x"}));
}

} // namespace
} // namespace mpsup::links

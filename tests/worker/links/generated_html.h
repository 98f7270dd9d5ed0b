// HTML pages by chance, mostly broken, full of links.
#pragma once

#include "tests/worker/links/chance.h"

namespace mpsup::links {

class GeneratedHtml {
public:
    explicit GeneratedHtml(unsigned seed) : chance_(seed) {}

    std::string page() {
        std::string result;
        if (chance_.one_in(3)) result += "<!DOCTYPE html>";
        if (chance_.one_in(8)) result += base();
        for (int i = chance_.below(60); i >= 0; --i) result += piece();
        return result;
    }

private:
    // Without names beyond ASCII, which make it foreign.
    std::string base() {
        std::string href = reference();
        for (std::size_t at = 0; (at = href.find("&eacute;")) != std::string::npos;) href.erase(at, 8);
        return "<base href=\"" + href + "\">";
    }

    std::string piece() {
        switch (chance_.below(12)) {
        case 0: return text();
        case 1: return "</" + chance_.of(names) + ">";
        case 2: return "<!-- " + piece() + " -->";
        case 3: return "<style>" + sheet() + "</style>";
        case 4: return "<script>" + text() + piece() + "</script>";
        case 5: return chance_.of(odd);
        default: return tag();
        }
    }

    std::string tag() {
        std::string result = "<" + chance_.of(names);
        for (int i = chance_.below(4); i > 0; --i) result += chance_.of(gaps) + attribute();
        if (chance_.one_in(30)) return result; // left open
        return result + chance_.of(ends);
    }

    std::string attribute() {
        const std::string name = chance_.of(attributes);
        std::string value = reference();
        if (name == "style") value = "a:url(" + value + ")";
        if (name == "content") value = "5; url=" + value;
        if (name == "srcset") value += " 1x, " + reference() + " 2x";
        if (name == "title") value = text() + (chance_.one_in(2) ? "> " : "<i> ") + text();
        if (chance_.one_in(10)) return name;
        switch (chance_.below(4)) {
        case 0: return name + "='" + without(value, "'") + "'";
        case 1: return name + "=" + without(value, " \n\t>\"'=`");
        case 2: return name + " =\n\"" + without(value, "\"") + "\"";
        default: return name + "=\"" + without(value, "\"") + "\"";
        }
    }

    std::string reference() {
        std::string result = chance_.of(starts);
        for (int i = chance_.below(4); i > 0; --i) result += chance_.of(segments);
        if (chance_.one_in(4)) result += chance_.of(tails);
        return chance_.one_in(12) ? " " + result + "\n" : result;
    }

    std::string sheet() {
        return chance_.of(sheets) + "url(" + without(reference(), " \n\t\"'()<>") + ")" + chance_.of(sheets) + "a>b{}";
    }

    std::string text() {
        std::string result;
        for (int i = chance_.below(12); i > 0; --i) result += chance_.of(words);
        return result;
    }

    static std::string without(std::string text, std::string_view octets) {
        std::erase_if(text, [octets](char c) { return octets.contains(c); });
        return text;
    }

    static inline const Texts names{"a",
                                    "p",
                                    "b",
                                    "i",
                                    "div",
                                    "span",
                                    "img",
                                    "table",
                                    "tr",
                                    "td",
                                    "form",
                                    "input",
                                    "svg",
                                    "use",
                                    "math",
                                    "select",
                                    "option",
                                    "button",
                                    "object",
                                    "meta http-equiv=refresh",
                                    "body",
                                    "html",
                                    "head",
                                    "template",
                                    "title",
                                    "li",
                                    "nobr",
                                    "h1",
                                    "video",
                                    "link",
                                    "annotation-xml",
                                    "frameset",
                                    "x-y",
                                    "A"};
    static inline const Texts attributes{"href",       "src",           "action",     "style",  "srcset", "title",
                                         "HREF",       "data",          "content",    "poster", "id",     "class",
                                         "background", "type=hidden x", "xlink:href", "href",   "src"};
    static inline const Texts gaps{" ", "\n", "/", "\t ", "  "};
    static inline const Texts ends{">", ">", ">", "/>", " >", "\n>"};
    static inline const Texts starts{"/",
                                     "../",
                                     "",
                                     "./",
                                     "/static/",
                                     "../static/",
                                     "http://www.example.org:8081/",
                                     "//other/",
                                     "#",
                                     "?",
                                     "data:",
                                     "javascript:",
                                     "http://www.example.org:8080/",
                                     "\\",
                                     "../../",
                                     "/&#115;tatic/",
                                     "/%73tatic/"};
    static inline const Texts segments{"static/", "a/",       "../",   "./",          "%2e%2e/",
                                       "img/",    "deep/",    "b.png", "caf\xc3\xa9", "caf&#233;",
                                       "&amp;",   "&eacute;", "&sol;", "favicon.ico", "x=y",
                                       "s",       "'",        ";p",    "sta\ntic/",   "long-name-of-something"};
    static inline const Texts tails{"?a=1&b=2", "?a=1&amp;b=2", "#top", "?q=/static/", "#/static/'"};
    static inline const Texts words{" ",        "word ",   "it's ", "\"quoted\" ", "&nbsp;",
                                    "&amp; ",   "static ", "\n",    "a = b ",      "long words of text ",
                                    "\xc3\xa9", "> ",      "-- ",   "&#32;",       "&lt;",
                                    "/ ",       "]] "};
    static inline const Texts odd{"<",
                                  ">",
                                  "<!",
                                  "<?x>",
                                  "</>",
                                  "<a",
                                  "\"",
                                  "'",
                                  "<!-- x",
                                  "-->",
                                  "<![CDATA[ x > y ]]>",
                                  "<p title=\"> word word",
                                  "&",
                                  "</a href='/static/'>",
                                  "=",
                                  "<a href=\"/static/x\" href=\"/y\">",
                                  "<textarea>",
                                  "</textarea>",
                                  "<br/>",
                                  "<plaintext>",
                                  "<isindex>",
                                  "<title>",
                                  "</title>",
                                  "<svg><style>a{b:url(/static/)}</style>",
                                  "</svg>"};
    static inline const Texts sheets{
        "", "a{b:c}", "/* url(/static/) */", "@import '/static/x';", "a{content:'url(/static/)'}", "<!--", "--> "};

    Chance chance_;
};

} // namespace mpsup::links

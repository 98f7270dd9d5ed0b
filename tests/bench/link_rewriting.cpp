// What it costs to rewrite the links of a page. Prints nanoseconds of CPU for each octet, whole and in parts: files that are
// named, else pages made here.
#include "worker/links/page_skeleton.h"
#include "worker/links/rewriting.h"
#include "worker/links/word_scan.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>

using namespace mpsup::links;

namespace {

constexpr int rounds = 15;

// The best of some rounds: what else the machine did is not ours.
template <typename Work> double nanoseconds(std::size_t octets, Work work) {
    std::clock_t best = std::clock_t{1} << 40U;
    const auto repeats = static_cast<int>(std::max(std::size_t{1}, (std::size_t{1} << 20U) / octets));
    for (int i = 0; i < rounds; ++i) {
        const std::clock_t begun = std::clock();
        for (int j = 0; j < repeats; ++j) work();
        best = std::min(best, std::clock() - begun);
    }
    return static_cast<double>(best) * 1e9 / CLOCKS_PER_SEC / static_cast<double>(octets) / repeats;
}

const LinkMap& map() {
    static const LinkMap map(
        {{{"http", "www.example.org", 8080}, {"/static/"}}, {{"http", "www.example.org", 8081}, {}}}, 1);
    return map;
}

void measure(const std::string& name, const std::string& text) {
    const PageSkeleton skeleton(text);
    const auto limits = ParseLimits::of_page(text.size());
    const auto parse = [&limits](std::string_view page) {
        if (!HtmlTree::parse(page, limits)) std::abort();
    };
    const auto edits = html_links({text, "/app/page"}, map());
    std::printf("%s: %zu octets, %zu links changed, skeleton %.2f\n", name.c_str(), text.size(),
                edits ? edits->size() : 0,
                static_cast<double>(skeleton.text().size()) / static_cast<double>(text.size()));
    const std::string_view none[] = {"no-such-word"};
    std::printf("  whole %.1f ns an octet; the scan of a page without links %.2f; parsed with all its text %.1f, "
                "without %.1f\n",
                nanoseconds(text.size(), [&] { (void)rewritten_html({text, "/app/page"}, map()); }),
                nanoseconds(text.size(),
                            [&] {
                                if (may_hold_words(text, none) && text.contains("no-such-word")) std::abort();
                            }),
                nanoseconds(text.size(), [&] { parse(text); }),
                nanoseconds(text.size(), [&] { parse(skeleton.text()); }));
}

// As an application writes it: a table of rows with links, and prose.
std::string made_page(int rows, int words) {
    std::string page =
        "<!DOCTYPE html>\n<html>\n<head>\n<title>Orders</title>\n<link rel=\"stylesheet\" href=\"/static/site.css\">\n"
        "</head>\n<body>\n<table class=\"orders\">\n";
    for (int i = 0; i < rows; ++i) {
        const std::string number = std::to_string(i);
        page += "<tr class=\"" + std::string(i % 2 == 0 ? "dark" : "light") + "\">\n<td><a href=\"/app/order/" +
                number + "\">Order " + number + "</a></td>\n<td><img src=\"/static/icons/state-" +
                std::to_string(i % 5) + ".png\" alt=\"\"> sent</td>\n<td>";
        for (int j = 0; j < words; ++j) page += j % 9 == 8 ? "customer's wish, " : "some words of text ";
        page += "</td>\n</tr>\n";
    }
    return page + "</table>\n</body>\n</html>\n";
}

// One link and one image in about 95 octets, and nothing else.
std::string dense_page(int rows) {
    std::string page = "<!DOCTYPE html><html><head><title>Rows</title></head><body><table>\n";
    for (int i = 0; i < rows; ++i)
        page += "<tr><td><a href=\"/app/order/" + std::to_string(100'000 + i) +
                "\">Order</a><td><img src=\"/static/icons/state-" + std::to_string(i % 5) + ".png\"> sent\n";
    return page + "</table></body></html>\n";
}

} // namespace

int main(int count, char** names) {
    for (int i = 1; i < count; ++i) {
        std::ifstream file(names[i]);
        measure(names[i], {std::istreambuf_iterator<char>(file), {}});
    }
    if (count > 1) return 0;
    measure("links and images alone", dense_page(1000));
    measure("links and images alone, large", dense_page(20'000));
    measure("table", made_page(500, 0));
    measure("table with prose", made_page(500, 10));
    measure("prose", made_page(500, 60));
    return 0;
}

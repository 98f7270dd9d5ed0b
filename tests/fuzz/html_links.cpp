// A page of any octets: rewritten it is the same tree but for its links, and right. The first octet chooses who looks at it, and
// what its encoding is said to be.
#include "tests/worker/links/same_page.h"
#include "tests/worker/links/two_servers.h"
#include "worker/links/rewriting.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

using namespace mpsup::links;

namespace {

void require(bool good, const char* what) {
    if (good) return;
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

void check_order(const Edits& edits, std::size_t size) {
    std::size_t at = 0;
    for (const Edit& edit : edits) {
        require(edit.begin >= at && edit.end >= edit.begin && edit.end <= size, "edits overlap");
        at = edit.end;
    }
}

// With all errors kept: at gumbo's limit of them an edit makes it another page (html_tree.h).
bool is_changed_once(const Page& page, const LinkMap& map) {
    const auto changed = [&map](const Page& before) {
        ParseLimits limits = ParseLimits::of_page(before.text.size());
        limits.errors = -1;
        return html_links(before, map, limits);
    };
    const auto edits = changed(page);
    if (!edits) return true;
    const std::string after = applied(page.text, *edits);
    const auto again = changed({after, page.path, page.charset});
    return !again || again->empty();
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const LinkMap maps[] = {of_application(), of_files()};
    static constexpr std::string_view paths[] = {"/app/page", "/static/page.html"};
    static constexpr std::string_view charsets[] = {"utf-8", "", "latin1"};
    if (size == 0) return 0;
    const std::size_t who = *data % 2U;
    const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
    const Page page{text, paths[who], charsets[*data / 2U % 3U]};
    const auto edits = html_links(page, maps[who]);
    if (!edits) return 0;
    check_order(*edits, text.size());
    const std::string after = applied(text, *edits);
    bool is_plain = true; // the parser changes none of it
    for (const char c : text) is_plain &= c != '&' && ((c >= ' ' && c < 0x7f) || c == '\n');
    const std::string wrong = difference(text, after, maps[who], page.path, is_plain);
    require(wrong.empty(), wrong.c_str());
    require(is_changed_once(page, maps[who]), "changed twice");
    return 0;
}

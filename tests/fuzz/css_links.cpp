// A style sheet of any octets: what is changed lies in order within it, is written in octets that end nothing, and is right.
#include "worker/links/css_links.h"
#include "tests/worker/links/two_servers.h"
#include "worker/links/rewriting.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace mpsup::links;

namespace {

void require(bool good) {
    if (!good) std::abort();
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const LinkMap map = of_application();
    const std::string_view css(reinterpret_cast<const char*>(data), size);
    const LinkBase base = map.base("/app/page");
    const Edits edits = css_links(css, map, base);
    std::size_t at = 0;
    for (const Edit& edit : edits) {
        require(edit.begin >= at && edit.end >= edit.begin && edit.end <= size);
        require(edit.text.find_first_of("<>\"'()\n") == std::string::npos);
        at = edit.end;
    }
    require(css_links(applied(css, edits), map, base).empty());
    // The scan for words finds a reason to look wherever there is one.
    const auto whole = rewritten_css({css, "/app/page", "latin1"}, map);
    if (whole)
        require(*whole == applied(css, edits));
    else
        require(edits.empty() || whole.error() == Untouched::encoding);
    return 0;
}

// The links of an HTML page.
#pragma once

#include "worker/links/html_tree.h"
#include "worker/links/link_map.h"

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::links {

/// Why a text stays as it is.
enum class Untouched {
    right,      // all links lead where they should
    encoding,   // one in which links cannot be found octet by octet, or that we do not know
    too_costly, // to parse
};

/// The whole of a page; views outlive the call.
struct Page {
    std::string_view text{};
    std::string_view path = "/"; // of its request, raw
    std::string_view
        charset{}; // of its Content-Type; empty: the page may say itself (<meta>), else any with ASCII in it
};

/// What must be changed so that its links lead where they should, in the values of: href, src, srcset, imagesrcset, action,
/// formaction, poster, cite, background, longdesc, ping, manifest; data of <object>; content of <meta http-equiv=refresh>;
/// style, and the text of <style>. `<base href>` is heeded and stays: what is relative to it is the page's own, or is made
/// absolute. Comments, scripts, srcdoc, usemap and what scripts read (data-…) are no links. Every edit lies within such a value,
/// whose quotes stay as they are; broken HTML is understood as browsers do. Nothing to change: no edits.
[[nodiscard]] std::expected<Edits, Untouched> html_links(const Page& page, const LinkMap& map);
/// The same under other limits than ParseLimits::of_page.
[[nodiscard]] std::expected<Edits, Untouched> html_links(const Page& page, const LinkMap& map,
                                                         const ParseLimits& limits);

/// A reference that stands in a page.
struct Reference {
    std::size_t at = 0;    // where in the page the value begins that holds it
    std::string_view of{}; // the name of the attribute; "style" of a style sheet too, "content" of <meta>
    std::string text{};    // decoded
    bool by_get = true;    // false: what follows it sends something (a form's method, ping)

    friend bool operator==(const Reference&, const Reference&) = default;
};

struct References {
    std::optional<std::string> base{}; // of <base href>, decoded
    std::vector<Reference> references{};
};

/// All references in what `html_links` looks at, wherever they lead, in the order of the page.
[[nodiscard]] std::expected<References, Untouched> html_references(const Page& page, const ParseLimits& limits);

} // namespace mpsup::links

// What the head of a response says of a page, and what becomes of it when the page's links are rewritten.
#pragma once

#include "worker/contract/page_fate.h"
#include "worker/http/request.h"
#include "worker/links/link_map.h"
#include "worker/links/page_tag.h"
#include "worker/links/rewriting.h"

#include <cstddef>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::links {

/// Larger pages are passed on as they are.
constexpr std::size_t most_rewritten = std::size_t{2} << 20U;

enum class PageKind { none, html, css };

struct PageType {
    PageKind kind = PageKind::none;
    std::string_view charset{}; // a view into the field; empty: not said
};

/// Of a Content-Type: text/html, application/xhtml+xml and text/css are pages.
[[nodiscard]] PageType page_type(std::string_view content_type) noexcept;

/// The page in a response with this head. Unexpected: it is to be passed on as it is. Of kind none: there is none.
[[nodiscard]] std::expected<PageType, contract::PageFate> page_of(int status, std::span<const http::Field> fields);

/// The whole of a page with its links rewritten, or why it stays as it is.
[[nodiscard]] std::expected<std::string, contract::PageFate> rewritten_page(PageKind kind, const Page& page,
                                                                            const LinkMap& map);

/// Of one that was passed on untouched, for a log that says it once: "links in a page are not rewritten: …".
[[nodiscard]] std::string sentence_of(contract::PageFate fate);

/// A request as the application is to see it, where links are rewritten: If-None-Match has the application's own tags (page_tag.h), or is
/// not there when all are of other maps; and no If-Modified-Since is beside a tag of a page. False: `request` is right as it is. Else
/// `seen` is a copy of it that has views into `memory`.
[[nodiscard]] bool hide_map(const http::Request& request, const PageTag& tag, http::Request& seen, std::string& memory);

/// The fields of a response, in its order, copied.
class PageFields {
public:
    void assign(std::span<const http::Field> fields);
    [[nodiscard]] std::vector<http::Field> views() const;

    /// Location and the like (field_links.h) lead where they should; `base`: of the request's path.
    void rewrite_links(const LinkMap& map, const LinkBase& base);

    /// Of a page, whether something is changed in it or not, so that GET and HEAD and one map and another agree about what there is: its
    /// digests (RFC 9530, and what was before) go, because they may be of other bytes; so does Accept-Ranges, because the application would
    /// take parts from its own page, and Last-Modified, which does not tell two maps apart. An entity tag says the map.
    void describe_page(const PageTag& tag);

    /// Of a 304: the tag as the client has it, when `request` asks for one of a page. Else a cache would not find what it has
    /// (RFC 9111 section 4.3.4).
    void tag_as_asked(const http::Request& request, const PageTag& tag);

private:
    struct Owned {
        std::string name, value;
    };
    std::vector<Owned> fields_;
};

} // namespace mpsup::links

// References to URLs as browsers read them (RFC 3986 section 4, and where the URL Standard reads more than that allows).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mpsup::links {

/// The parts of a reference. `authority` is a view into the text that was split.
struct UrlReference {
    std::string scheme{};         // lower-case, without the colon; empty: none
    std::string_view authority{}; // only with has_authority
    bool has_authority = false;
    std::string path{};    // '\' is '/', tabs and line ends are taken out
    std::size_t begin = 0; // where it starts: behind white space
    std::size_t tail = 0;  // where its query or fragment starts, or else its end: before white space
};

enum class ReferenceFault {
    nowhere, // empty, or a fragment alone: the page itself
    scheme,  // "mailto:x", "data:…", "javascript:…", "http:x": a scheme that no "//" follows
    octets,  // a control character within; an authority that is empty or holds a tab, a line end or '@'
};

struct SplitReference {
    std::optional<UrlReference> reference{};
    ReferenceFault fault = ReferenceFault::nowhere; // when there is none
};

/// White space around is no part of a reference. A '\' before the query is a '/'; tabs and line ends within count as not
/// being there.
[[nodiscard]] SplitReference split_reference(std::string_view text);

/// RFC 3986 section 5.2.4, where "%2e" is a dot as well. `path` begins with '/'; so does the result.
[[nodiscard]] std::string without_dot_segments(std::string_view path);

} // namespace mpsup::links

// Where references are in values that hold more than a reference.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace mpsup::links {

/// The octets [begin, end) of a value.
struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;

    [[nodiscard]] std::string_view of(std::string_view value) const noexcept {
        return value.substr(begin, end - begin);
    }

    friend bool operator==(const Span&, const Span&) = default;
};
using Spans = std::vector<Span>; // in their order

/// Of srcset and imagesrcset: "a.png 1x, b.png 2x" (HTML, parsing a srcset attribute).
[[nodiscard]] Spans srcset_references(std::string_view value);

/// Of the field Refresh and of <meta http-equiv=refresh>: "5; url=a" (HTML, shared declarative refresh steps). One or none.
[[nodiscard]] Spans refresh_references(std::string_view value);

/// Of ping: "a b".
[[nodiscard]] Spans spaced_references(std::string_view value);

/// Of the field Link: "<a>; rel=x, <b>" (RFC 8288 section 3; parsed as its appendix B.2 says). Targets alone, no anchors.
[[nodiscard]] Spans link_field_references(std::string_view value);

} // namespace mpsup::links

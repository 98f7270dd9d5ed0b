// Entity tags of pages whose links are rewritten: they depend on the map too.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mpsup::links {

/// An application's tag "v1" is W/"v1-l3fa9b2s" for clients: the map's tag, and whether the application's was strong or weak. It is
/// weak, because what both stand for is the same in other bytes (RFC 9110 section 8.8.1).
class PageTag {
public:
    /// `map`: SiteLinks::tag().
    explicit PageTag(std::string map) : map_(std::move(map)) {}

    /// For clients; empty: `tag` is none (RFC 9110 section 8.8.3).
    [[nodiscard]] std::string marked(std::string_view tag) const;

    /// An If-None-Match as the application is to see it: with its own tags, and without those of other maps; empty: nothing is left. Nothing:
    /// no tag of ours is in it, and it stays as it is.
    [[nodiscard]] std::optional<std::string> unmarked(std::string_view list) const;

    /// The tag in an If-None-Match that stands for this one of the application's; empty: there is none.
    [[nodiscard]] std::string_view as_asked(std::string_view list, std::string_view tag) const;

private:
    std::string map_;
};

} // namespace mpsup::links

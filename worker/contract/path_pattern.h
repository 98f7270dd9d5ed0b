// Which paths a rule is for.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mpsup::contract {

/// As it stands in a topology, compared with normal paths (routing.h), case-sensitively:
///   "/x/"    prefix: everything below it, and "/x" itself; "/" is everything
///   "/x"     that path alone
///   "*.php"  glob without a slash: of the last segment
///   "/a/*/b" glob of the whole path: `*` stands for anything within a segment, `**` for anything at all; one that ends
///            in a slash is for everything below it
struct PathPattern {
    enum class Kind { prefix, exact, name_glob, path_glob };

    Kind kind = Kind::prefix;
    std::string text = "/";

    /// Nothing for one that no normal path could match: neither "/…" nor a name with a `*`, a "//", "." or ".." segment,
    /// a control character, '?', '#' or ';'; and for more than 16 stars or 1024 bytes.
    [[nodiscard]] static std::optional<PathPattern> parse(std::string_view text);

    [[nodiscard]] bool matches(std::string_view normal_path) const noexcept;
    /// Does it match whatever the other one matches? Sure when true; globs are compared by what is plain about them.
    [[nodiscard]] bool covers(const PathPattern& other) const noexcept;

    friend bool operator==(const PathPattern&, const PathPattern&) = default;
};

} // namespace mpsup::contract

// The tree of an HTML page, as gumbo parses it, and its memory.
#pragma once

#include <gumbo.h>

#include <chrono>
#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::links {

/// What a parse may cost: some pages make a parser as HTML demands it quadratic, in time or memory.
struct ParseLimits {
    std::size_t memory = 0;          // octets
    std::chrono::nanoseconds cpu{0}; // of this thread
    int errors = 32; // kept, though nobody reads them (see name_of); each may be as large as the page is deep. -1: all

    /// Five times what a usual page of this size takes.
    [[nodiscard]] static ParseLimits of_page(std::size_t size) noexcept;
};

enum class ParseFailure { too_costly };

/// The name, lower-case, maybe in `memory`. Not GumboAttribute::name, because gumbo 0.10, once it keeps no more errors, puts the name
/// of an attribute that comes twice before the name of the next one.
[[nodiscard]] std::string_view name_of(const GumboAttribute& attribute, std::string& memory);

/// Owns every node: all memory goes at once with it, without a walk, because gumbo's own would recurse as deep as the page.
class HtmlTree {
public:
    /// `text` stays where it is as long as the tree: nodes have views into it. Any octets are a page.
    [[nodiscard]] static std::expected<HtmlTree, ParseFailure> parse(std::string_view text, const ParseLimits& limits);

    HtmlTree(HtmlTree&&) noexcept;
    HtmlTree& operator=(HtmlTree&&) noexcept;
    ~HtmlTree();

    /// Calls `visit` with each node, parents first, in the order of the tree; without recursion.
    template <typename Visit> void each(Visit visit) const {
        std::vector<const GumboNode*> waiting{document_};
        while (!waiting.empty()) {
            const GumboNode* node = waiting.back();
            waiting.pop_back();
            visit(*node);
            const GumboVector* children = children_of(*node);
            for (unsigned i = children ? children->length : 0; i > 0; --i)
                waiting.push_back(static_cast<const GumboNode*>(children->data[i - 1]));
        }
    }

    class Arena;

private:
    HtmlTree(std::unique_ptr<Arena> arena, const GumboNode* document) noexcept;
    // Null for nodes that can have none.
    [[nodiscard]] static const GumboVector* children_of(const GumboNode& node) noexcept;

    std::unique_ptr<Arena> arena_;
    const GumboNode* document_;
};

} // namespace mpsup::links

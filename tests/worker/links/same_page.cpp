#include "tests/worker/links/same_page.h"

#include "worker/http/request.h"
#include "worker/links/css_links.h"
#include "worker/links/html_tree.h"
#include "worker/links/reference_spans.h"

#include <set>

namespace mpsup::links {

namespace {

// With all errors: a page that is at the limit of them would be another to gumbo when an edit takes one away.
constexpr ParseLimits no_limits{std::size_t{1} << 40U, std::chrono::hours(1), -1};

std::vector<const GumboNode*> nodes_of(const HtmlTree& tree) {
    std::vector<const GumboNode*> nodes;
    tree.each([&nodes](const GumboNode& node) { nodes.push_back(&node); });
    return nodes;
}

bool is_element(const GumboNode& node) { return node.type == GUMBO_NODE_ELEMENT || node.type == GUMBO_NODE_TEMPLATE; }

// A character beyond ASCII may have become the percent-encoded octets that browsers make of it.
std::string percent_encoded(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string result;
    for (const char c : text) {
        const auto octet = static_cast<unsigned char>(c);
        if (octet < 0x80)
            result += c;
        else
            result += {'%', digits[octet >> 4U], digits[octet & 15U]};
    }
    return result;
}

class Comparison {
public:
    Comparison(const LinkMap& map, std::string_view path, bool exact)
        : map_(map), base_(map.base(path)), exact_(exact) {}

    std::string run(std::string_view before, std::string_view after) {
        const auto old_tree = HtmlTree::parse(without_mark(before), no_limits);
        const auto new_tree = HtmlTree::parse(without_mark(after), no_limits);
        const auto olds = nodes_of(*old_tree);
        const auto news = nodes_of(*new_tree);
        if (olds.size() != news.size()) return "other nodes";
        for (const GumboNode* node : olds) find_base(*node);
        for (std::size_t i = 0; i < olds.size(); ++i) node(*olds[i], *news[i]);
        return wrong_;
    }

private:
    static std::string_view without_mark(std::string_view text) {
        return text.starts_with("\xef\xbb\xbf") ? text.substr(3) : text;
    }

    void find_base(const GumboNode& node) {
        if (found_base_ || !is_element(node) || node.v.element.tag != GUMBO_TAG_BASE) return;
        const GumboAttribute* href = gumbo_get_attribute(&node.v.element.attributes, "href");
        if (!href || href->original_value.data == href->original_name.data) return;
        base_ = map_.base(base_, href->value);
        found_base_ = true;
    }

    void node(const GumboNode& old_node, const GumboNode& new_node) {
        if (old_node.type != new_node.type) return wrong("another type of node", "");
        if (old_node.type == GUMBO_NODE_DOCUMENT) return;
        if (!is_element(old_node)) return text(old_node, new_node);
        const GumboElement& old_element = old_node.v.element;
        const GumboElement& new_element = new_node.v.element;
        if (old_element.tag != new_element.tag || old_element.attributes.length != new_element.attributes.length)
            return wrong("another element", "");
        for (unsigned i = 0; i < old_element.attributes.length; ++i)
            attribute(old_element, *static_cast<const GumboAttribute*>(old_element.attributes.data[i]),
                      *static_cast<const GumboAttribute*>(new_element.attributes.data[i]));
    }

    void text(const GumboNode& old_node, const GumboNode& new_node) {
        std::string wanted = old_node.v.text.text;
        const GumboNode& parent = *old_node.parent;
        const bool is_sheet = is_element(parent) && parent.v.element.tag == GUMBO_TAG_STYLE &&
                              parent.v.element.tag_namespace == GUMBO_NAMESPACE_HTML;
        if (is_sheet && !exact_) return;
        if (is_sheet) wanted = applied(wanted, css_links(wanted, map_, base_));
        if (percent_encoded(wanted) != percent_encoded(new_node.v.text.text))
            wrong("another text", wanted + " / " + new_node.v.text.text);
    }

    void attribute(const GumboElement& element, const GumboAttribute& old_one, const GumboAttribute& new_one) {
        std::string memory;
        std::string new_memory;
        const std::string name(name_of(old_one, memory));
        const std::string old_value = old_one.value;
        const std::string new_value = new_one.value;
        if (name != name_of(new_one, new_memory)) return wrong("another attribute", name);
        const bool has_value = old_one.original_value.data != old_one.original_name.data;
        const bool is_link = has_value && is_link_of(element, name);
        if (is_link && !exact_) return;
        const std::string wanted = is_link ? changed(name, old_value) : old_value;
        if (is_link ? percent_encoded(new_value) != percent_encoded(wanted) : new_value != wanted)
            wrong(name, old_value + " / " + wanted + " / " + new_value);
    }

    static bool is_link_of(const GumboElement& element, const std::string& name) {
        static const std::set<std::string> names{"href",        "src",        "action",   "formaction", "poster",
                                                 "cite",        "background", "longdesc", "manifest",   "srcset",
                                                 "imagesrcset", "style",      "ping"};
        if (name == "href" && element.tag == GUMBO_TAG_BASE) return false;
        if (name == "data") return element.tag == GUMBO_TAG_OBJECT;
        if (name != "content") return names.contains(name);
        const GumboAttribute* equivalent = gumbo_get_attribute(&element.attributes, "http-equiv");
        return element.tag == GUMBO_TAG_META && equivalent && http::equals_ignoring_case(equivalent->value, "refresh");
    }

    std::string changed(const std::string& name, const std::string& value) const {
        if (name == "style") return applied(value, css_links(value, map_, base_));
        Spans spans{{0, value.size()}};
        if (name == "srcset" || name == "imagesrcset") spans = srcset_references(value);
        if (name == "content") spans = refresh_references(value);
        if (name == "ping") spans = spaced_references(value);
        std::string result;
        std::size_t at = 0;
        for (const Span& span : spans) {
            result += value.substr(at, span.begin - at) +
                      map_.rewritten(base_, span.of(value)).value_or(std::string(span.of(value)));
            at = span.end;
        }
        return result + value.substr(at);
    }

    void wrong(std::string_view what, std::string_view values) {
        if (wrong_.empty()) wrong_ = std::string(what) + ": " + std::string(values);
    }

    const LinkMap& map_;
    LinkBase base_;
    bool exact_;
    bool found_base_ = false;
    std::string wrong_;
};

} // namespace

std::string difference(std::string_view before, std::string_view after, const LinkMap& map, std::string_view path,
                       bool exact) {
    return Comparison(map, path, exact).run(before, after);
}

} // namespace mpsup::links

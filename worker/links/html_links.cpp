#include "worker/links/html_links.h"

#include "worker/http/request.h"
#include "worker/links/attribute_value.h"
#include "worker/links/charset.h"
#include "worker/links/css_links.h"
#include "worker/links/page_skeleton.h"
#include "worker/links/reference_spans.h"
#include "worker/links/white_space.h"
#include "worker/links/word_scan.h"

#include <algorithm>
#include <optional>
#include <string>

namespace mpsup::links {

namespace {

enum class Kind { reference, srcset, spaced, refresh, style };

struct NamedKind {
    std::string_view name;
    Kind kind;
};
constexpr NamedKind attributes[] = {
    {"href", Kind::reference},     {"src", Kind::reference},        {"action", Kind::reference},
    {"srcset", Kind::srcset},      {"style", Kind::style},          {"formaction", Kind::reference},
    {"poster", Kind::reference},   {"background", Kind::reference}, {"cite", Kind::reference},
    {"longdesc", Kind::reference}, {"imagesrcset", Kind::srcset},   {"ping", Kind::spaced},
    {"manifest", Kind::reference}};

// The links of one decoded value.
Edits edits_of(std::string_view value, Kind kind, const ChangeReference& change) {
    if (kind == Kind::style) return css_links(value, change);
    Spans spans{{0, value.size()}};
    if (kind == Kind::srcset) spans = srcset_references(value);
    if (kind == Kind::spaced) spans = spaced_references(value);
    if (kind == Kind::refresh) spans = refresh_references(value);
    Edits edits;
    for (const Span& span : spans)
        if (auto edit = change(span.of(value)))
            edits.push_back({span.begin + edit->begin, span.begin + edit->end, std::move(edit->text)});
    return edits;
}

const GumboAttribute* find(const GumboElement& element, std::string_view name) {
    std::string memory;
    for (unsigned i = 0; i < element.attributes.length; ++i) {
        const auto* attribute = static_cast<const GumboAttribute*>(element.attributes.data[i]);
        if (name_of(*attribute, memory) == name) return attribute;
    }
    return nullptr;
}

bool is_word(const std::string& value, std::string_view word) { return http::equals_ignoring_case(value, word); }

// Looks through the tree for values that are, or hold, links. Nothing is changed before all of it was seen: the base may be
// anywhere.
class Finder {
public:
    Finder(const Page& page, const PageSkeleton& skeleton) : page_(page.text), skeleton_(skeleton) {}

    void look_at(const GumboNode& node) {
        if (node.type != GUMBO_NODE_ELEMENT && node.type != GUMBO_NODE_TEMPLATE) return;
        const GumboElement& element = node.v.element;
        for (unsigned i = 0; i < element.attributes.length; ++i)
            look_at(node, *static_cast<const GumboAttribute*>(element.attributes.data[i]));
        if (element.tag == GUMBO_TAG_STYLE && element.tag_namespace == GUMBO_NAMESPACE_HTML) sheet(element);
        if (element.tag == GUMBO_TAG_META) meta(element);
    }

    [[nodiscard]] Edits edits(const LinkMap& map, const LinkBase& page_base) {
        const LinkBase base = base_of(map, page_base);
        Edits result;
        each_value([&](const Value& value) {
            add(value, [&](std::string_view reference) { return map.change(base, reference); }, result);
        });
        return result;
    }

    [[nodiscard]] References references() {
        References result;
        if (const auto href = base_ ? decoded_attribute(base_->of(page_)) : std::nullopt) result.base = href->text();
        each_value([&](const Value& value) {
            Edits none;
            const auto note = [&](std::string_view reference) -> std::optional<Edit> {
                std::string text(reference);
                std::ranges::replace(text, kept_ampersand, '&');
                result.references.push_back({value.span.begin, value.name, std::move(text), value.by_get});
                return std::nullopt;
            };
            add(value, note, none);
        });
        return result;
    }

    [[nodiscard]] bool has_fit_charset() const noexcept { return has_fit_charset_; }

private:
    struct Value {
        Kind kind;
        std::string_view name; // of the attribute
        bool is_text;          // of <style>: nothing is encoded in it
        bool by_get;
        Span span; // in the page, without quotes
    };

    // What the parser made two elements of comes twice.
    template <typename Visit> void each_value(Visit visit) {
        std::ranges::sort(values_, {}, [](const Value& value) { return value.span.begin; });
        std::size_t seen = 0;
        for (const Value& value : values_)
            if (value.span.begin >= seen) {
                seen = value.span.end;
                visit(value);
            }
    }

    // One whose path holds a reference that we cannot decode is nobody we know.
    [[nodiscard]] LinkBase base_of(const LinkMap& map, const LinkBase& page_base) const {
        if (!base_) return page_base;
        const auto href = decoded_attribute(base_->of(page_));
        LinkBase base = href ? map.base(page_base, href->text()) : page_base;
        if (!href || base.path.contains(kept_ampersand)) base.ours = false;
        return base;
    }

    // A form's, or that of the form around a button.
    [[nodiscard]] bool is_sent_by_get(const GumboNode& node, std::string_view name) const {
        if (name == "ping") return false;
        if (name != "action" && name != "formaction") return true;
        const auto* own = find(node.v.element, name == "action" ? "method" : "formmethod");
        if (own) return is_word(text_of(*own), "get");
        if (name == "action") return true;
        for (const GumboNode* form = node.parent; form && form->type == GUMBO_NODE_ELEMENT; form = form->parent)
            if (form->v.element.tag == GUMBO_TAG_FORM) return is_sent_by_get(*form, "action");
        return true;
    }

    void look_at(const GumboNode& node, const GumboAttribute& attribute) {
        const GumboElement& element = node.v.element;
        std::string memory;
        const std::string_view name = name_of(attribute, memory);
        if (element.tag == GUMBO_TAG_BASE && name == "href") {
            if (!base_) base_ = value_of(attribute);
            return;
        }
        const auto* known = std::ranges::find(attributes, name, &NamedKind::name);
        if (known != std::end(attributes))
            add(known->kind, attribute, known->name, is_sent_by_get(node, name));
        else if (name == "data" && element.tag == GUMBO_TAG_OBJECT)
            add(Kind::reference, attribute, "data");
    }

    void meta(const GumboElement& element) {
        if (const auto* charset = find(element, "charset")) said_charset(text_of(*charset));
        const auto* equivalent = find(element, "http-equiv");
        const auto* content = find(element, "content");
        if (!equivalent || !content) return;
        const std::string what = text_of(*equivalent);
        if (is_word(what, "refresh")) add(Kind::refresh, *content, "content");
        if (!is_word(what, "content-type")) return;
        const std::string type = text_of(*content);
        if (const std::size_t at = type.find("charset="); at != std::string::npos)
            said_charset(std::string_view(type).substr(at + 8, type.find(';', at) - at - 8));
    }

    [[nodiscard]] std::string text_of(const GumboAttribute& attribute) const {
        const auto span = value_of(attribute);
        const auto decoded = span ? decoded_attribute(span->of(page_)) : std::nullopt;
        return decoded ? decoded->text() : std::string();
    }

    // A page that can say so in ASCII is not in UTF-16: browsers take it for UTF-8.
    void said_charset(std::string_view label) {
        const bool is_wide = http::equals_ignoring_case(label.substr(0, 5), "utf-1");
        if (!is_wide && !is_ascii_superset(label)) has_fit_charset_ = false;
    }

    // Between the tags of <style>, which hold nothing but text.
    void sheet(const GumboElement& element) {
        if (element.original_tag.length == 0) return;
        const std::size_t begin = end_in_page(element.original_tag);
        const std::size_t end =
            element.original_end_tag.length > 0 ? in_page(element.original_end_tag.data) : page_.size();
        if (begin < end) values_.push_back({Kind::style, "style", true, true, {begin, end}});
    }

    void add(Kind kind, const GumboAttribute& attribute, std::string_view name, bool by_get = true) {
        if (const auto span = value_of(attribute)) values_.push_back({kind, name, false, by_get, *span});
    }

    // Nothing for an attribute without a value. It is looked up behind the name: of an unquoted one that begins with a character
    // reference gumbo 0.10 says that it begins behind that, and may say that its length is below zero.
    [[nodiscard]] std::optional<Span> value_of(const GumboAttribute& attribute) const noexcept {
        const std::size_t equals = skip_space(end_in_page(attribute.original_name));
        if (equals >= page_.size() || page_[equals] != '=') return std::nullopt;
        const std::size_t begin = skip_space(equals + 1);
        if (begin >= page_.size()) return std::nullopt;
        const char first = page_[begin];
        const bool is_quoted = first == '"' || first == '\'';
        const std::size_t end = is_quoted ? page_.find(first, begin + 1) : page_.find_first_of(" \t\n\f\r>", begin);
        if (end == std::string_view::npos || end == begin) return std::nullopt;
        return Span{is_quoted ? begin + 1 : begin, end};
    }

    [[nodiscard]] std::size_t skip_space(std::size_t at) const noexcept {
        return std::min(page_.find_first_not_of(white_space, at), page_.size());
    }
    [[nodiscard]] std::size_t in_page(const char* at) const noexcept {
        return skeleton_.in_page(static_cast<std::size_t>(at - skeleton_.text().data()));
    }
    [[nodiscard]] std::size_t end_in_page(const GumboStringPiece& piece) const noexcept {
        return in_page(piece.data + piece.length - 1) + 1;
    }

    void add(const Value& value, const ChangeReference& change, Edits& edits) const {
        const auto in_page = [&value](Edit edit) {
            return Edit{value.span.begin + edit.begin, value.span.begin + edit.end, std::move(edit.text)};
        };
        const std::string_view raw = value.span.of(page_);
        if (value.is_text) {
            for (Edit& edit : edits_of(raw, value.kind, change)) edits.push_back(in_page(std::move(edit)));
        } else if (const auto decoded = decoded_attribute(raw)) {
            for (Edit& edit : edits_of(decoded->text(), value.kind, change)) {
                edits.push_back(in_page(decoded->raw(std::move(edit))));
                edits.back().text = encoded_attribute(edits.back().text);
            }
        }
    }

    std::string_view page_;
    const PageSkeleton& skeleton_;
    std::optional<Span> base_;
    std::vector<Value> values_;
    bool has_fit_charset_ = true;
};

template <typename Found, typename Ask>
std::expected<Found, Untouched> look_through(const Page& page, const ParseLimits& limits, Ask ask) {
    const PageSkeleton skeleton(page.text);
    const auto tree = HtmlTree::parse(skeleton.text(), limits);
    if (!tree) return std::unexpected(Untouched::too_costly);
    Finder finder(page, skeleton);
    tree->each([&finder](const GumboNode& node) { finder.look_at(node); });
    if (page.charset.empty() && !finder.has_fit_charset()) return std::unexpected(Untouched::encoding);
    return ask(finder);
}

} // namespace

std::expected<Edits, Untouched> html_links(const Page& page, const LinkMap& map) {
    return html_links(page, map, ParseLimits::of_page(page.text.size()));
}

std::expected<Edits, Untouched> html_links(const Page& page, const LinkMap& map, const ParseLimits& limits) {
    if (!is_ascii_superset(page.charset) || has_wide_mark(page.text)) return std::unexpected(Untouched::encoding);
    const LinkBase base = map.base(page.path);
    if (const auto words = map.words(base); words && !may_hold_words(page.text, *words)) return Edits{};
    return look_through<Edits>(page, limits, [&](Finder& finder) { return finder.edits(map, base); });
}

std::expected<References, Untouched> html_references(const Page& page, const ParseLimits& limits) {
    if (!is_ascii_superset(page.charset) || has_wide_mark(page.text)) return std::unexpected(Untouched::encoding);
    return look_through<References>(page, limits, [](Finder& finder) { return finder.references(); });
}

} // namespace mpsup::links

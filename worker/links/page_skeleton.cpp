#include "worker/links/page_skeleton.h"

#include "worker/http/request.h"
#include "worker/links/white_space.h"

#include <algorithm>
#include <array>

namespace mpsup::links {

namespace {

constexpr std::size_t worth_it = 8; // octets

constexpr std::array<bool, 256> octets_of(std::string_view set, bool others) {
    std::array<bool, 256> table{};
    for (bool& each : table) each = others;
    for (const char c : set) table[static_cast<unsigned char>(c)] = !others;
    return table;
}

// Of a value: whatever ends none, in any state of the tokenizer, and is no white space.
constexpr std::array<bool, 256> word_octets = octets_of(std::string_view("<>\"'=&` \t\n\f\r\0", 13), true);
bool is_word(char c) noexcept { return word_octets[static_cast<unsigned char>(c)]; }

constexpr std::array<bool, 256> special_octets = octets_of(std::string_view("\"'=\0", 4), false);

// May it be shortened? A NUL, and a reference to white space at its start, are more to the parser than text.
bool is_plain(std::string_view text) noexcept {
    bool has_quote = false;
    for (const char c : text) {
        if (!special_octets[static_cast<unsigned char>(c)]) continue;
        if (c == '\0' || (c == '=' && has_quote)) return false;
        has_quote |= c != '=';
    }
    const auto* const first = std::ranges::find_if_not(text, is_space);
    return first == text.end() || *first != '&';
}

// Those that the parser knows stay: type=hidden, and encoding=… of MathML.
bool may_shorten_value(std::string_view value) noexcept {
    return value.size() >= worth_it && !http::equals_ignoring_case(value, "text/html") &&
           !http::equals_ignoring_case(value, "application/xhtml+xml");
}

constexpr std::size_t looked_back = 64; // octets; names of attributes are shorter

// Whether a tag's name may be open at the end of this, which a '/' in what follows would end.
bool may_be_in_tag_name(std::string_view page) noexcept {
    const std::string_view last = page.substr(page.size() - std::min(page.size(), looked_back));
    const std::size_t at = last.find_last_of("<>/ \t\n\f\r");
    return at == std::string_view::npos || last[at] == '<' || last.substr(0, at + 1).ends_with("</");
}

} // namespace

PageSkeleton::PageSkeleton(std::string_view page) : page_(page) {
    text_.reserve(page.size());
    std::size_t kept = page.starts_with("\xef\xbb\xbf") ? 3 : 0; // the parser would take the mark for text
    pieces_.push_back({0, kept});
    std::size_t behind = kept; // the '<' before
    for (std::size_t at = kept; (at = page.find('<', at)) != std::string_view::npos; behind = ++at) {
        const std::size_t before = page.substr(behind, at - behind).rfind('>');
        if (before == std::string_view::npos) continue;
        const std::size_t from = behind + before + 1;
        if (at - from < worth_it || !is_plain(page.substr(from, at - from))) continue;
        keep_tags(kept, from);
        shorten(from, at);
        kept = at;
    }
    keep_tags(kept, page.size());
}

// Where there are tags, if nowhere else, values are shortened.
void PageSkeleton::keep_tags(std::size_t from, std::size_t to) {
    const std::string_view tags = page_.substr(0, to);
    std::size_t kept = from;
    for (std::size_t at = from; (at = tags.find('=', at)) != std::string_view::npos;) {
        const std::size_t begin = ++at + 1;
        if (begin >= to || (page_[at] != '"' && page_[at] != '\'')) continue;
        std::size_t end = begin;
        while (end < to && is_word(page_[end])) ++end;
        if (end == to || page_[end] != page_[at] || !may_shorten_value(page_.substr(begin, end - begin)) ||
            may_be_in_tag_name(page_.substr(0, at - 1)))
            continue;
        keep(kept, begin);
        put_word(begin);
        at = kept = end;
    }
    keep(kept, to);
}

// Quotes stay.
void PageSkeleton::shorten(std::size_t from, std::size_t to) {
    while (from < to) {
        std::size_t end = from;
        while (end < to && page_[end] != '"' && page_[end] != '\'') ++end;
        shorten_run(from, end);
        if (end < to) keep(end, end + 1);
        from = end + 1;
    }
}

// White space at both ends stays white space, and what is not, not.
void PageSkeleton::shorten_run(std::size_t from, std::size_t to) {
    if (from == to) return;
    const std::string_view run = page_.substr(from, to - from);
    const auto first = static_cast<std::size_t>(std::ranges::find_if_not(run, is_space) - run.begin());
    if (first == run.size()) return keep(from, from + 1);
    if (is_space(run.front())) keep(from, from + 1);
    put_word(from + first);
    if (is_space(run.back())) keep(to - 1, to);
}

void PageSkeleton::keep(std::size_t from, std::size_t to) {
    if (from == to) return;
    go_on(from);
    text_.append(page_.substr(from, to - from));
}

void PageSkeleton::put_word(std::size_t from) {
    go_on(from);
    text_ += 'x';
}

void PageSkeleton::go_on(std::size_t from) {
    if (const Piece& last = pieces_.back(); text_.size() - last.at != from - last.in_page)
        pieces_.push_back({text_.size(), from});
}

std::size_t PageSkeleton::in_page(std::size_t at) const noexcept {
    if (at == text_.size()) return page_.size();
    const auto after = std::ranges::upper_bound(pieces_, at, {}, &Piece::at);
    const Piece& piece = *std::prev(after);
    return piece.in_page + (at - piece.at);
}

} // namespace mpsup::links

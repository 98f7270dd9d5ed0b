#include "worker/links/page_skeleton.h"

#include <algorithm>

namespace mpsup::links {

namespace {

constexpr std::string_view spaces = " \t\n\f\r";
constexpr std::size_t worth_it = 8; // octets

bool is_space(char c) noexcept { return spaces.contains(c); }

// May it be shortened? A NUL, and a reference to white space at its start, are more to the parser than text.
bool is_plain(std::string_view text) noexcept {
    using namespace std::string_view_literals;
    if (text.contains('\0')) return false;
    const std::size_t quote = text.find_first_of("\"'"sv);
    if (quote != std::string_view::npos && text.find('=', quote) != std::string_view::npos) return false;
    const std::size_t first = text.find_first_not_of(spaces);
    return first == std::string_view::npos || text[first] != '&';
}

} // namespace

PageSkeleton::PageSkeleton(std::string_view page) : page_(page) {
    text_.reserve(page.size());
    std::size_t kept = page.starts_with("\xef\xbb\xbf") ? 3 : 0; // the parser would take the mark for text
    pieces_.push_back({0, kept});
    for (std::size_t at = page.find('>', kept); at < page.size(); at = page.find('>', at)) {
        const std::size_t from = ++at;
        at = std::min(page.find_first_of("<>", from), page.size());
        const bool is_text = at < page.size() && page[at] == '<';
        if (!is_text || at - from < worth_it || !is_plain(page.substr(from, at - from))) continue;
        keep(kept, from);
        shorten(from, at);
        kept = at;
    }
    keep(kept, page.size());
}

void PageSkeleton::keep(std::size_t from, std::size_t to) {
    if (const Piece& last = pieces_.back(); text_.size() - last.at != from - last.in_page)
        pieces_.push_back({text_.size(), from});
    text_.append(page_.substr(from, to - from));
}

// Quotes stay.
void PageSkeleton::shorten(std::size_t from, std::size_t to) {
    while (from < to) {
        const std::size_t end = std::min(page_.find_first_of("\"'", from), to);
        shorten_run(from, end);
        if (end < to) keep(end, end + 1);
        from = end + 1;
    }
}

// White space at both ends stays white space, and what is not, not.
void PageSkeleton::shorten_run(std::size_t from, std::size_t to) {
    if (from == to) return;
    const std::string_view run = page_.substr(from, to - from);
    const std::size_t first = run.find_first_not_of(spaces);
    if (first == std::string_view::npos) return keep(from, from + 1);
    if (is_space(run.front())) keep(from, from + 1);
    if (text_.size() - pieces_.back().at != from + first - pieces_.back().in_page)
        pieces_.push_back({text_.size(), from + first});
    text_ += 'x';
    if (is_space(run.back())) keep(to - 1, to);
}

std::size_t PageSkeleton::in_page(std::size_t at) const noexcept {
    if (at == text_.size()) return page_.size();
    const auto after = std::ranges::upper_bound(pieces_, at, {}, &Piece::at);
    const Piece& piece = *std::prev(after);
    return piece.in_page + (at - piece.at);
}

} // namespace mpsup::links

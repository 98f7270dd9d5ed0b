// A page without most of its text, for a parser that pays for each character.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::links {

/// Parses to the same elements with the same attributes as the page, whose texts are shorter. What is shortened lies between a
/// '>' and the next '<', and holds no '>'. Whatever the tokenizer of HTML is in there (text, script, comment, or a quoted
/// value that began before the '>'), it leaves that state by no octet but a quote, so quotes stay; and once a quote may have
/// ended a value, only what an attribute's name could be is shortened: nothing with a '=' behind a quote. Values of
/// attributes may so become shorter as well: they are to be read from the page, by `in_page`.
class PageSkeleton {
public:
    explicit PageSkeleton(std::string_view page);

    [[nodiscard]] std::string_view text() const noexcept { return text_; }

    /// Where the octet at `at` of the text is in the page; the end of the text is the end of the page.
    [[nodiscard]] std::size_t in_page(std::size_t at) const noexcept;

private:
    struct Piece {
        std::size_t at, in_page; // from here on both go on alike
    };

    void keep(std::size_t from, std::size_t to);
    void shorten(std::size_t from, std::size_t to);
    void shorten_run(std::size_t from, std::size_t to);

    std::string_view page_;
    std::string text_;
    std::vector<Piece> pieces_;
};

} // namespace mpsup::links

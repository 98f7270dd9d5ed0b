// A page without most of its text and long values, for a parser that pays for each character.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::links {

/// Parses to the same start tags with the same attributes as the page; texts and values are shorter, so values are to be read from
/// the page, by `in_page`. Not the same is only how often the parser repeats formatting elements that were left open, because
/// it counts those that are alike. What is shortened:
///  - text from a '>' to the next '<' that holds no '>'. Whatever the tokenizer of HTML is in there (text, script, comment, or a
///    quoted value that began before the '>'), it leaves that state by no octet but a quote, so quotes stay; and once a
///    quote may have ended a value, only what an attribute's name could be is shortened: nothing with a '=' behind a quote;
///  - between '="' and the next quote (or with single quotes) one word, but in a tag's name: it is a value, or what could be a
///    name behind the end of one, or a part of some text.
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
    void keep_tags(std::size_t from, std::size_t to);
    void put_word(std::size_t from);
    void go_on(std::size_t from);
    void shorten(std::size_t from, std::size_t to);
    void shorten_run(std::size_t from, std::size_t to);

    std::string_view page_;
    std::string text_;
    std::vector<Piece> pieces_;
};

} // namespace mpsup::links

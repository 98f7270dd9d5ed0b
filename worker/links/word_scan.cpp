#include "worker/links/word_scan.h"

#include "worker/http/request.h"

#include "worker/http/char_class.h"
#include "worker/links/character_reference.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace mpsup::links {

namespace {

// What URLs, strings of CSS and values of attributes may have between the letters of a word.
bool is_left_out(char c) noexcept { return c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\\'; }

class Scan {
public:
    Scan(std::string_view page, std::span<const std::string_view> words) : page_(page), words_(words) {
        for (const char c : std::string_view("<%&\\")) is_start_[static_cast<unsigned char>(c)] = true;
        for (const std::string_view word : words) {
            is_start_[static_cast<unsigned char>(word.front())] = true;
            for (const char c : word) is_in_word_[static_cast<unsigned char>(c)] = true;
        }
    }

    bool run() const {
        for (std::size_t at = 0; at < page_.size(); ++at)
            if (is_start_[static_cast<unsigned char>(page_[at])] && is_found(at)) return true;
        return false;
    }

private:
    bool is_found(std::size_t at) const {
        switch (page_[at]) {
        case '<': return is_base(at);
        case '%': return is_percent(at);
        case '&': return is_reference(at);
        case '\\': return is_escape(at);
        default: return std::ranges::any_of(words_, [&](std::string_view word) { return is_word(word, at); });
        }
    }

    bool is_base(std::size_t at) const noexcept {
        constexpr std::string_view name = "base";
        return http::equals_ignoring_case(page_.substr(at + 1, name.size()), name);
    }

    bool is_word(std::string_view word, std::size_t at) const noexcept {
        for (std::size_t i = 0; i < word.size(); ++at) {
            if (at == page_.size()) return false;
            if (page_[at] == word[i])
                ++i;
            else if (i == 0 || !is_left_out(page_[at]))
                return false;
        }
        return true;
    }

    // Does it stand for something that matters: a part of a word, what may be within one, or what starts an escape?
    bool matters(std::uint32_t code_point) const noexcept {
        if (code_point >= 0x80) return false;
        const char c = static_cast<char>(code_point);
        return is_in_word_[code_point] || is_left_out(c) || c == '%';
    }

    // "%73", and what could be one when it is decoded.
    bool is_percent(std::size_t at) const noexcept {
        int value = 0;
        for (int digits = 0; digits < 2;) {
            if (++at == page_.size()) return false;
            if (page_[at] == '&' || page_[at] == '\\') return true;
            if (is_left_out(page_[at])) continue;
            if (!http::is(page_[at], http::hex_char)) return false;
            value = value * 16 + http::hex_value(page_[at]);
            ++digits;
        }
        return matters(static_cast<std::uint32_t>(value));
    }

    bool is_reference(std::size_t at) const {
        const auto reference = character_reference(page_.substr(at));
        return reference && matters(reference->code_point);
    }

    // An escape of CSS by a number; others are left out.
    bool is_escape(std::size_t at) const noexcept {
        std::uint32_t value = 0;
        std::size_t digits = 0;
        while (digits < 6 && at + digits + 1 < page_.size() && http::is(page_[at + digits + 1], http::hex_char))
            value = value * 16 + static_cast<std::uint32_t>(http::hex_value(page_[at + ++digits]));
        return digits > 0 && matters(value);
    }

    std::string_view page_;
    std::span<const std::string_view> words_;
    std::array<bool, 256> is_start_{};
    std::array<bool, 256> is_in_word_{};
};

} // namespace

bool may_hold_words(std::string_view page, std::span<const std::string_view> words) { return Scan(page, words).run(); }

} // namespace mpsup::links

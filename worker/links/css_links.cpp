#include "worker/links/css_links.h"

#include "worker/http/char_class.h"
#include "worker/links/decoded_text.h"
#include "worker/links/white_space.h"

#include <algorithm>
#include <utility>

namespace mpsup::links {

namespace {

bool is_newline(char c) noexcept { return c == '\n' || c == '\r' || c == '\f'; }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
// NUL counts as U+FFFD.
bool is_name_start(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80 ||
           c == '\0';
}
bool is_name_char(char c) noexcept { return is_name_start(c) || is_digit(c) || c == '-'; }
bool is_unprintable(char c) noexcept {
    return (static_cast<unsigned char>(c) < 0x20 && !is_space(c) && c != '\0') || c == 0x7f;
}

// What a URL may hold without an escape in every place of a style sheet, and in the <style> of a page.
bool is_plain(char c) noexcept {
    return static_cast<unsigned char>(c) >= 0x80 ||
           (http::is(c, http::path_plain) && c != '\'' && c != '(' && c != ')') || c == '%' || c == '[' || c == ']';
}

std::string escaped(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string result;
    for (const char c : text) {
        const auto octet = static_cast<unsigned char>(c);
        if (is_plain(c))
            result += c;
        else
            result += {'\\', digits[octet >> 4U], digits[octet & 15U], ' '};
    }
    return result;
}

class Tokenizer {
public:
    Tokenizer(std::string_view css, const ChangeReference& change) : css_(css), change_(change) {}

    Edits run() {
        while (at_ < css_.size()) token();
        return std::move(edits_);
    }

private:
    [[nodiscard]] char peek(std::size_t ahead = 0) const noexcept {
        return at_ + ahead < css_.size() ? css_[at_ + ahead] : ' ';
    }
    [[nodiscard]] bool is_at_end() const noexcept { return at_ >= css_.size(); }
    // Sections 4.3.8 and 4.3.9: does an escape, or an identifier, start there?
    [[nodiscard]] bool is_escape(std::size_t ahead = 0) const noexcept {
        return at_ + ahead < css_.size() && peek(ahead) == '\\' &&
               !is_newline(at_ + ahead + 1 < css_.size() ? peek(ahead + 1) : 'x');
    }
    [[nodiscard]] bool is_identifier(std::size_t ahead = 0) const noexcept {
        if (at_ + ahead >= css_.size()) return false;
        if (peek(ahead) != '-') return is_name_start(peek(ahead)) || is_escape(ahead);
        return at_ + ahead + 1 < css_.size() &&
               (peek(ahead + 1) == '-' || is_name_start(peek(ahead + 1)) || is_escape(ahead + 1));
    }
    [[nodiscard]] bool is_number() const noexcept {
        const std::size_t sign = peek() == '+' || peek() == '-' ? 1 : 0;
        return is_digit(peek(sign)) || (peek(sign) == '.' && is_digit(peek(sign + 1)));
    }

    void token() {
        if (is_space(peek())) {
            ++at_;
        } else if (css_.substr(at_).starts_with("/*")) {
            const std::size_t end = css_.find("*/", at_ + 2);
            at_ = end == std::string_view::npos ? css_.size() : end + 2;
        } else {
            // What @import is followed by is its URL; namespaces are names, which lead nowhere.
            const bool is_import = std::exchange(after_import_, false);
            visible_token(is_import);
        }
    }

    void visible_token(bool is_import) {
        const char c = peek();
        if (c == '"' || c == '\'') {
            string(is_import);
        } else if (is_number()) {
            number();
        } else if (css_.substr(at_).starts_with("-->")) {
            at_ += 3;
        } else if (is_identifier()) {
            identifier_like();
        } else if (c == '#') {
            ++at_;
            if (!is_at_end() && (is_name_char(peek()) || is_escape())) name();
        } else if (c == '@' && is_identifier(1)) {
            ++at_;
            const std::string keyword = name();
            after_import_ = keyword == "import";
            in_namespace_ = keyword == "namespace";
        } else {
            ++at_;
            if (c == ';' || c == '{') in_namespace_ = false;
        }
    }

    // Section 4.3.12, and the unit behind it.
    void number() {
        const auto digits = [this] {
            while (is_digit(peek())) ++at_;
        };
        if (!is_digit(peek()) && peek() != '.') ++at_;
        digits();
        if (peek() == '.' && is_digit(peek(1))) ++at_, digits();
        const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 2 : 1;
        if ((peek() == 'e' || peek() == 'E') && is_digit(peek(sign))) at_ += sign, digits();
        if (is_identifier()) name();
    }

    // Section 4.3.11; the result in lower case, as far as keywords have need of it.
    std::string name() {
        DecodedText result;
        while (!is_at_end() && (is_name_char(peek()) || is_escape())) {
            if (peek() == '\\')
                escape(result);
            else
                result.add(css_[at_], at_), ++at_;
        }
        std::string text = result.text();
        std::ranges::transform(text, text.begin(), http::lower);
        return text;
    }

    // Section 4.3.7: at a '\' that starts an escape.
    void escape(DecodedText& out) {
        const std::size_t start = at_++;
        if (is_at_end()) return out.add_code_point(0, start);
        if (!http::is(peek(), http::hex_char)) {
            out.add(css_[at_], start);
            ++at_;
            return;
        }
        std::uint32_t code_point = 0;
        for (int i = 0; i < 6 && !is_at_end() && http::is(peek(), http::hex_char); ++i)
            code_point = code_point * 16 + static_cast<std::uint32_t>(http::hex_value(css_[at_++]));
        out.add_code_point(code_point, start);
        if (css_.substr(at_).starts_with("\r\n"))
            at_ += 2;
        else if (!is_at_end() && is_space(peek()))
            ++at_;
        else
            out.leave_open();
    }

    // Section 4.3.5. A line end that is not escaped makes a string bad: it is none.
    void string(bool is_link) {
        const char quote = css_[at_++];
        DecodedText url;
        while (!is_at_end() && peek() != quote) {
            if (is_newline(peek())) return;
            if (is_escape() && at_ + 1 < css_.size())
                escape(url);
            else if (peek() == '\\')
                at_ += css_.substr(at_ + 1).starts_with("\r\n") ? 3 : 2; // a line that goes on, or nothing behind it
            else
                url.add(css_[at_], at_), ++at_;
        }
        at_ = std::min(at_, css_.size());
        if (is_link) link(url);
        ++at_;
    }

    // Section 4.3.4.
    void identifier_like() {
        const std::string word = name();
        if (is_at_end() || peek() != '(') return;
        ++at_;
        if (word != "url") return;
        while (is_space(peek()) && !is_at_end()) ++at_;
        if (peek() == '"' || peek() == '\'')
            string(true);
        else
            unquoted_url();
    }

    // Section 4.3.6.
    void unquoted_url() {
        DecodedText url;
        while (!is_at_end() && peek() != ')') {
            if (is_space(peek())) {
                const std::size_t end = at_;
                while (!is_at_end() && is_space(peek())) ++at_;
                if (!is_at_end() && peek() != ')') return bad_url();
                return link(url, end);
            }
            if (peek() == '"' || peek() == '\'' || peek() == '(' || is_unprintable(peek())) return bad_url();
            if (peek() == '\\') {
                if (!is_escape()) return bad_url();
                escape(url);
            } else {
                url.add(css_[at_], at_), ++at_;
            }
        }
        link(url, at_);
    }

    // Section 4.3.14.
    void bad_url() {
        while (!is_at_end() && css_[at_] != ')') at_ += is_escape() ? 2 : 1;
    }

    void link(DecodedText& url) { link(url, at_); }
    void link(DecodedText& url, std::size_t end) {
        if (in_namespace_) return;
        url.finish(end);
        auto edit = change_(url.text());
        if (!edit) return;
        edits_.push_back(url.raw(std::move(*edit)));
        edits_.back().text = escaped(edits_.back().text);
    }

    std::string_view css_;
    const ChangeReference& change_;
    std::size_t at_ = 0;
    bool after_import_ = false;
    bool in_namespace_ = false;
    Edits edits_;
};

} // namespace

Edits css_links(std::string_view css, const LinkMap& map, const LinkBase& base) {
    return css_links(css, [&](std::string_view reference) { return map.change(base, reference); });
}

Edits css_links(std::string_view css, const ChangeReference& change) { return Tokenizer(css, change).run(); }

} // namespace mpsup::links

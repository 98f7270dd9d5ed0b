#include "worker/cache/structured_field.h"

#include "worker/http/char_class.h"

#include <algorithm>
#include <optional>

namespace mpsup::cache {

namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_lower(char c) noexcept { return c >= 'a' && c <= 'z'; }
constexpr bool is_alpha(char c) noexcept { return is_lower(lower(c)); }

DictionaryValue of_boolean(bool set) noexcept {
    DictionaryValue value;
    value.kind = DictionaryValue::Kind::boolean;
    value.boolean = set;
    return value;
}

DictionaryValue of_string(std::string_view text) noexcept {
    DictionaryValue value;
    value.kind = DictionaryValue::Kind::string;
    value.string = text;
    return value;
}

// The parsing algorithms of section 4.2, without recursion deeper than an inner list.
class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    [[nodiscard]] bool done() const { return text_.empty(); }
    bool take(char c) {
        if (text_.empty() || text_.front() != c) return false;
        text_.remove_prefix(1);
        return true;
    }
    void skip_spaces(bool tabs) {
        while (!text_.empty() && (text_.front() == ' ' || (tabs && text_.front() == '\t'))) text_.remove_prefix(1);
    }

    std::optional<std::string_view> key() {
        if (text_.empty() || !(is_lower(text_.front()) || text_.front() == '*')) return std::nullopt;
        return take_while([](char c) { return is_lower(c) || is_digit(c) || std::string_view("_-.*").contains(c); });
    }

    std::optional<DictionaryValue> value() {
        std::optional<DictionaryValue> value = take('(') ? inner_list() : bare_item();
        return value && parameters() ? value : std::nullopt;
    }
    bool parameters() {
        while (take(';')) {
            skip_spaces(false);
            if (!key()) return false;
            if (take('=') && !bare_item()) return false;
        }
        return true;
    }

private:
    template <typename Belongs> std::string_view take_while(Belongs belongs) {
        const auto end = std::ranges::find_if_not(text_, belongs);
        const std::string_view taken(text_.begin(), end);
        text_.remove_prefix(taken.size());
        return taken;
    }

    std::optional<DictionaryValue> inner_list() {
        for (;;) {
            skip_spaces(false);
            if (take(')')) return DictionaryValue{};
            if (!bare_item() || !parameters()) return std::nullopt;
            if (text_.empty() || (text_.front() != ' ' && text_.front() != ')')) return std::nullopt;
        }
    }

    std::optional<DictionaryValue> bare_item() {
        if (text_.empty()) return std::nullopt;
        const char first = text_.front();
        if (first == '-' || is_digit(first)) return number();
        if (first == '"') return string();
        if (first == '?') return boolean();
        if (first == ':') return bytes();
        if (first == '*' || is_alpha(first)) {
            take_while([](char c) { return http::is(c, http::token_char) || c == ':' || c == '/'; });
            return DictionaryValue{};
        }
        return std::nullopt;
    }

    // At most 15 digits, or 12 with 1 to 3 after a point.
    std::optional<DictionaryValue> number() {
        const bool negative = take('-');
        const std::string_view whole = take_while(is_digit);
        if (whole.empty() || whole.size() > 15) return std::nullopt;
        if (take('.')) {
            const std::string_view fraction = take_while(is_digit);
            if (whole.size() > 12 || fraction.empty() || fraction.size() > 3) return std::nullopt;
            return DictionaryValue{};
        }
        DictionaryValue value;
        value.kind = DictionaryValue::Kind::integer;
        for (const char c : whole) value.integer = value.integer * 10 + (c - '0');
        if (negative) value.integer = -value.integer;
        return value;
    }

    std::optional<DictionaryValue> string() {
        const std::string_view start = text_.substr(1);
        for (std::size_t at = 0; at < start.size(); ++at) {
            if (start[at] == '"') {
                text_ = start.substr(at + 1);
                return of_string(start.substr(0, at));
            }
            if (start[at] == '\\' && ++at < start.size() && start[at] != '"' && start[at] != '\\') return std::nullopt;
            if (at >= start.size() || start[at] < 0x20 || start[at] > 0x7e) return std::nullopt;
        }
        return std::nullopt;
    }

    std::optional<DictionaryValue> boolean() {
        text_.remove_prefix(1);
        if (take('1')) return of_boolean(true);
        if (take('0')) return of_boolean(false);
        return std::nullopt;
    }

    std::optional<DictionaryValue> bytes() {
        text_.remove_prefix(1);
        take_while([](char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '/' || c == '='; });
        if (!take(':')) return std::nullopt;
        return DictionaryValue{};
    }

    std::string_view text_;
};

// Section 4.2.2: members with a comma between any two of them, and none at the end.
bool parse_line(std::string_view line, const std::function<void(std::string_view, const DictionaryValue&)>& visit) {
    Parser in(trimmed(line));
    for (;;) {
        const auto key = in.key();
        if (!key) return false;
        DictionaryValue value = of_boolean(true);
        if (in.take('=')) {
            const auto given = in.value();
            if (!given) return false;
            value = *given;
        } else if (!in.parameters()) {
            return false;
        }
        visit(*key, value);
        in.skip_spaces(true);
        if (in.done()) return true;
        if (!in.take(',')) return false;
        in.skip_spaces(true);
    }
}

} // namespace

bool parse_dictionary(Fields fields, std::string_view name,
                      const std::function<void(std::string_view, const DictionaryValue&)>& visit) {
    bool found = false;
    for (const http::Field& field : fields) {
        if (!http::equals_ignoring_case(field.name, name)) continue;
        if (!parse_line(field.value, visit)) return false;
        found = true;
    }
    return found;
}

} // namespace mpsup::cache

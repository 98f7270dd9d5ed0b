#include "worker/links/reference_spans.h"

#include "worker/http/request.h"
#include "worker/links/white_space.h"

#include <algorithm>

namespace mpsup::links {

namespace {

std::size_t skip(std::string_view value, std::size_t at, std::string_view set) noexcept {
    return std::min(value.find_first_not_of(set, at), value.size());
}
std::size_t find(std::string_view value, std::size_t at, std::string_view set) noexcept {
    return std::min(value.find_first_of(set, at), value.size());
}

// Behind the comma that ends the descriptors of a candidate; those in parentheses end nothing.
std::size_t behind_descriptors(std::string_view value, std::size_t at) noexcept {
    bool in_parentheses = false;
    for (; at < value.size(); ++at) {
        if (value[at] == '(') in_parentheses = true;
        if (value[at] == ')') in_parentheses = false;
        if (value[at] == ',' && !in_parentheses) return at + 1;
    }
    return at;
}

// Behind "url =" where that is at `at`; else `at`.
std::size_t behind_url_word(std::string_view value, std::size_t at) noexcept {
    constexpr std::string_view word = "url";
    if (!http::equals_ignoring_case(value.substr(at, word.size()), word)) return at;
    const std::size_t equals = skip(value, at + word.size(), white_space);
    return equals < value.size() && value[equals] == '=' ? skip(value, equals + 1, white_space) : at;
}

// Behind the comma that ends the parameters of a link; those in quoted strings end nothing.
std::size_t behind_parameters(std::string_view value, std::size_t at) noexcept {
    bool is_quoted = false;
    for (; at < value.size(); ++at) {
        if (value[at] == '"') is_quoted = !is_quoted;
        if (is_quoted && value[at] == '\\') ++at;
        if (!is_quoted && at < value.size() && value[at] == ',') return at + 1;
    }
    return value.size();
}

} // namespace

Spans srcset_references(std::string_view value) {
    Spans result;
    std::size_t at = 0;
    while ((at = skip(value, at, " \t\n\f\r,")) < value.size()) {
        const std::size_t end = find(value, at, white_space);
        Span span{at, end};
        while (value[span.end - 1] == ',') --span.end;
        result.push_back(span);
        at = span.end < end ? end : behind_descriptors(value, end);
    }
    return result;
}

Spans refresh_references(std::string_view value) {
    std::size_t at = skip(value, 0, white_space);
    const std::size_t number = at;
    at = skip(value, at, "0123456789.");
    if (at == number || at == value.size()) return {};
    if (value[at] != ';' && value[at] != ',' && !is_space(value[at])) return {};
    at = skip(value, at, white_space);
    if (at < value.size() && (value[at] == ';' || value[at] == ',')) ++at;
    at = behind_url_word(value, skip(value, at, white_space));
    if (at == value.size()) return {};
    if (value[at] != '"' && value[at] != '\'') return {{at, value.size()}};
    return {{at + 1, std::min(value.find(value[at], at + 1), value.size())}};
}

Spans spaced_references(std::string_view value) {
    Spans result;
    for (std::size_t at = 0; (at = skip(value, at, white_space)) < value.size();) {
        const std::size_t end = find(value, at, white_space);
        result.push_back({at, end});
        at = end;
    }
    return result;
}

Spans link_field_references(std::string_view value) {
    Spans result;
    for (std::size_t at = 0; (at = skip(value, at, " \t,")) < value.size();) {
        if (value[at] == '<') {
            const std::size_t end = value.find('>', at);
            if (end == std::string_view::npos) break;
            result.push_back({at + 1, end});
            at = end + 1;
        }
        at = behind_parameters(value, at);
    }
    return result;
}

} // namespace mpsup::links

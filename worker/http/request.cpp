#include "worker/http/request.h"

#include "worker/http/char_class.h"

namespace mpsup::http {

namespace {

std::string_view trim(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

} // namespace

bool equals_ignoring_case(std::string_view left, std::string_view right) noexcept {
    if (left.size() != right.size()) return false;
    for (std::size_t i = 0; i < left.size(); ++i)
        if (lower(left[i]) != lower(right[i])) return false;
    return true;
}

bool list_contains(std::string_view value, std::string_view token) noexcept {
    for (;;) {
        const std::size_t comma = value.find(',');
        if (equals_ignoring_case(trim(value.substr(0, comma)), token)) return true;
        if (comma == std::string_view::npos) return false;
        value.remove_prefix(comma + 1);
    }
}

std::optional<std::string_view> Request::find(std::string_view name) const noexcept {
    for (const Field& field : fields)
        if (equals_ignoring_case(field.name, name)) return field.value;
    return std::nullopt;
}

} // namespace mpsup::http

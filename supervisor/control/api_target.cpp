#include "supervisor/control/api_target.h"

#include <algorithm>
#include <charconv>

namespace mpsup {

namespace {

std::optional<std::string> decoded(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            plain += text[i];
            continue;
        }
        unsigned byte = 0;
        const auto digits = text.substr(i + 1, 2);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
        if (digits.size() < 2 || error != std::errc{} || end != digits.data() + 2 || byte == 0) return std::nullopt;
        plain += static_cast<char>(byte);
        i += 2;
    }
    return plain;
}

std::string encoded(std::string_view text) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~,";
    std::string result;
    for (const char c : text) {
        if (plain.contains(c)) {
            result += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        result += {'%', hex[byte >> 4], hex[byte & 15]};
    }
    return result;
}

} // namespace

std::optional<ApiTarget> ApiTarget::parse(std::string_view text) {
    const auto mark = text.find('?');
    ApiTarget target{std::string(text.substr(0, mark))};
    std::string_view rest = mark == std::string_view::npos ? std::string_view() : text.substr(mark + 1);
    while (!rest.empty()) {
        const auto end = rest.find('&');
        const auto pair = rest.substr(0, end);
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
        const auto equals = pair.find('=');
        auto name = decoded(pair.substr(0, equals));
        auto value = decoded(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1));
        if (!name || !value) return std::nullopt;
        target.values[std::move(*name)] = std::move(*value);
    }
    return target;
}

std::string ApiTarget::to_string() const {
    std::string text = path;
    char separator = '?';
    for (const auto& [name, value] : values) {
        text += separator + encoded(name) + "=" + encoded(value);
        separator = '&';
    }
    return text;
}

std::string ApiTarget::text(const std::string& name) const {
    const auto found = values.find(name);
    return found == values.end() ? std::string() : found->second;
}

std::vector<std::string> ApiTarget::list(const std::string& name) const {
    std::vector<std::string> items;
    const std::string text = this->text(name);
    for (std::size_t begin = 0; begin < text.size();) {
        const auto end = std::min(text.find(',', begin), text.size());
        if (end > begin) items.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return items;
}

std::optional<std::int64_t> ApiTarget::number(const std::string& name) const {
    const std::string text = this->text(name);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

} // namespace mpsup

#include "worker/static/freshness.h"

#include "worker/http/char_class.h"

#include <algorithm>

namespace mpsup::static_files {

namespace {

constexpr auto immutable = "max-age=31536000, immutable";
constexpr std::string_view separators = ".-_";

bool is_digest(std::string_view text) noexcept {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (text.size() < 8 || text.size() > 64 || !http::all_are(text, http::hex_char)) return false;
    return std::ranges::any_of(text, is_digit) && !std::ranges::all_of(text, is_digit);
}

} // namespace

bool is_fingerprinted(std::string_view path) noexcept {
    const std::string_view name = path.substr(path.rfind('/') + 1);
    for (std::size_t start = 0; start < name.size();) {
        const std::size_t end = name.find_first_of(separators, start);
        if (end == std::string_view::npos) return false; // an ending must follow
        if (start > 0 && name.find('.', end) != std::string_view::npos && is_digest(name.substr(start, end - start)))
            return true;
        start = end + 1;
    }
    return false;
}

std::string cache_control(const contract::Files& files, std::string_view path) {
    using Kind = contract::ExpiresRule::Kind;
    const auto rule = std::ranges::find_if(files.expires, [&](const auto& each) { return each.path.matches(path); });
    if (rule == files.expires.end()) return files.fingerprinted && is_fingerprinted(path) ? immutable : "";
    switch (rule->kind) {
    case Kind::immutable: return immutable;
    case Kind::off: return {};
    case Kind::max_age: break;
    }
    return rule->max_age.count() == 0 ? "no-cache" : "max-age=" + std::to_string(rule->max_age.count());
}

} // namespace mpsup::static_files

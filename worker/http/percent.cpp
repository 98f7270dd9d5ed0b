#include "worker/http/percent.h"

#include "worker/http/char_class.h"

namespace mpsup::http {

namespace {

// `forbidden`: octets that an escape must not stand for.
bool decode(std::string_view path, std::string_view forbidden, std::string& decoded) {
    decoded.clear();
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (path[i] != '%') {
            if (path[i] == '\0') return false;
            decoded.push_back(path[i]);
            continue;
        }
        if (path.size() - i < 3) return false;
        const int high = hex_value(path[i + 1]);
        const int low = hex_value(path[i + 2]);
        if (high < 0 || low < 0) return false;
        const char octet = static_cast<char>(high * 16 + low);
        if (octet == '\0' || forbidden.contains(octet)) return false;
        decoded.push_back(octet);
        i += 2;
    }
    return true;
}

bool has_parent_segment(std::string_view path) {
    std::size_t start = 0;
    for (;;) {
        const std::size_t end = path.find('/', start);
        if (path.substr(start, end - start) == "..") return true;
        if (end == std::string_view::npos) return false;
        start = end + 1;
    }
}

} // namespace

std::optional<std::string> decode_path(std::string_view path) {
    std::string decoded;
    return decode(path, {}, decoded) ? std::optional(std::move(decoded)) : std::nullopt;
}

bool decode_file_path(std::string_view path, std::string& decoded) {
    return decode(path, "/\\", decoded) && !has_parent_segment(decoded);
}

std::optional<std::string> decode_file_path(std::string_view path) {
    std::string decoded;
    return decode_file_path(path, decoded) ? std::optional(std::move(decoded)) : std::nullopt;
}

std::string encode_path(std::string_view path) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string encoded;
    encoded.reserve(path.size());
    for (const char c : path) {
        if (is(c, path_plain)) {
            encoded.push_back(c);
            continue;
        }
        const auto octet = static_cast<unsigned char>(c);
        encoded += {'%', digits[octet >> 4U], digits[octet & 15U]};
    }
    return encoded;
}

} // namespace mpsup::http

#include "worker/links/charset.h"

#include "worker/http/char_class.h"

#include <algorithm>
#include <string>

namespace mpsup::links {

namespace {

constexpr std::string_view known[] = {
    "utf-8",      "utf8",    "us-ascii",  "ascii",       "latin1",      "latin2", "latin3",   "latin4",
    "latin5",     "latin6",  "l1",        "l2",          "l3",          "l4",     "l5",       "l6",
    "cp1250",     "cp1251",  "cp1252",    "cp1253",      "cp1254",      "cp1255", "cp1256",   "cp1257",
    "cp1258",     "koi8-r",  "koi8-u",    "koi8",        "koi8_r",      "koi",    "koi8-ru",  "ibm866",
    "cp866",      "866",     "macintosh", "mac",         "x-mac-roman", "euc-jp", "x-euc-jp", "x-mac-cyrillic",
    "iso_8859-1", "tis-620", "dos-874",   "windows-874", "cp819",       "ibm819", "x-cp1250", "x-cp1251",
    "x-cp1252"};

bool is_between(std::string_view number, std::string_view from, std::string_view to) noexcept {
    return number.size() == from.size() && number >= from && number <= to;
}

// "iso-8859-15", "iso8859-1", "iso88591"
bool is_latin(std::string_view label) noexcept {
    for (const std::string_view start : {"iso-8859-", "iso8859-", "iso_8859-", "iso8859"})
        if (label.starts_with(start)) {
            const std::string_view number = label.substr(start.size());
            return is_between(number, "1", "9") || is_between(number, "10", "16") || number == "8-i" || number == "8-e";
        }
    return false;
}

bool is_windows(std::string_view label) noexcept {
    return label.starts_with("windows-") && is_between(label.substr(8), "1250", "1258");
}

} // namespace

bool is_ascii_superset(std::string_view label) {
    const auto is_around = [](char c) { return std::string_view(" \t\n\f\r\"'").contains(c); };
    while (!label.empty() && is_around(label.front())) label.remove_prefix(1);
    while (!label.empty() && is_around(label.back())) label.remove_suffix(1);
    if (label.empty()) return true;
    std::string lower(label);
    std::ranges::transform(lower, lower.begin(), http::lower);
    return is_latin(lower) || is_windows(lower) || std::ranges::find(known, lower) != std::end(known);
}

bool has_wide_mark(std::string_view text) noexcept {
    using namespace std::string_view_literals;
    return text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff") || text.starts_with("\0\0\xfe\xff"sv);
}

} // namespace mpsup::links

#include "worker/http/byte_ranges.h"

#include "worker/http/request.h"

#include <algorithm>
#include <charconv>

namespace mpsup::http {

namespace {

constexpr std::size_t most_ranges = 16;
constexpr std::string_view unit = "bytes=";

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view spaces = " \t";
    const std::size_t first = text.find_first_not_of(spaces);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

// Digits alone; a number beyond 64 bits is beyond the end of any file.
std::optional<std::uint64_t> number(std::string_view digits) {
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc::result_out_of_range ? UINT64_MAX : value;
}

struct Spec {
    std::optional<std::uint64_t> first, last; // no first: so many from the end
};

std::optional<Spec> parse_spec(std::string_view text) {
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const std::string_view first = text.substr(0, dash);
    const std::string_view last = text.substr(dash + 1);
    const Spec spec{number(first), number(last)};
    if ((!first.empty() && !spec.first) || (!last.empty() && !spec.last)) return std::nullopt;
    if (!spec.first && !spec.last) return std::nullopt;
    if (spec.first && spec.last && *spec.last < *spec.first) return std::nullopt;
    return spec;
}

// Nothing: it cannot be satisfied.
std::optional<ByteRange> resolve(const Spec& spec, std::uint64_t size) {
    if (size == 0) return std::nullopt;
    if (!spec.first) {
        const std::uint64_t count = std::min(spec.last.value_or(0), size);
        if (count == 0) return std::nullopt;
        return ByteRange{size - count, count};
    }
    if (*spec.first >= size) return std::nullopt;
    return ByteRange{*spec.first, std::min(spec.last.value_or(size - 1), size - 1) - *spec.first + 1};
}

bool any_overlap(std::vector<ByteRange> ranges) {
    std::ranges::sort(ranges, {}, &ByteRange::first);
    for (std::size_t i = 1; i < ranges.size(); ++i)
        if (ranges[i].first < ranges[i - 1].first + ranges[i - 1].count) return true;
    return false;
}

std::vector<ByteRange> merged(std::vector<ByteRange> ranges) {
    std::ranges::sort(ranges, {}, &ByteRange::first);
    std::vector<ByteRange> result;
    for (const ByteRange& range : ranges) {
        if (!result.empty() && range.first <= result.back().first + result.back().count) {
            const std::uint64_t end = std::max(result.back().first + result.back().count, range.first + range.count);
            result.back().count = end - result.back().first;
        } else {
            result.push_back(range);
        }
    }
    return result;
}

} // namespace

std::optional<std::vector<ByteRange>> select_byte_ranges(std::string_view field, std::uint64_t size) {
    if (field.size() < unit.size() || !equals_ignoring_case(field.substr(0, unit.size()), unit)) return std::nullopt;
    field.remove_prefix(unit.size());
    std::vector<ByteRange> ranges;
    std::size_t specs = 0;
    while (true) {
        const std::size_t comma = field.find(',');
        const std::string_view element = trimmed(field.substr(0, comma));
        if (!element.empty()) { // empty elements of a list are allowed (section 5.6.1.2)
            const auto spec = parse_spec(element);
            if (!spec || ++specs > most_ranges) return std::nullopt;
            if (const auto range = resolve(*spec, size)) ranges.push_back(*range);
        }
        if (comma == std::string_view::npos) break;
        field.remove_prefix(comma + 1);
    }
    if (specs == 0) return std::nullopt;
    if (any_overlap(ranges)) ranges = merged(std::move(ranges));
    return ranges;
}

std::string content_range(const ByteRange& range, std::uint64_t size) {
    return "bytes " + std::to_string(range.first) + "-" + std::to_string(range.first + range.count - 1) + "/" +
           std::to_string(size);
}

std::string unsatisfied_range(std::uint64_t size) { return "bytes */" + std::to_string(size); }

} // namespace mpsup::http

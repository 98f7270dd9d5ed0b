#include "worker/static/content_coding.h"

#include <algorithm>

namespace mpsup::static_files {

namespace {

using http::equals_ignoring_case;

struct Name {
    Coding coding;
    std::string_view name;
    std::string_view ending;
};
constexpr Name names[] = {
    {Coding::brotli, "br", "br"},
    {Coding::zstd, "zstd", "zst"},
    {Coding::gzip, "gzip", "gz"},
};

constexpr std::size_t index(Coding coding) noexcept { return static_cast<std::size_t>(coding); }

std::string_view trimmed(std::string_view text) noexcept {
    constexpr std::string_view spaces = " \t";
    const std::size_t first = text.find_first_not_of(spaces);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

// RFC 9110 section 12.4.2: "0", "1", and up to three decimals; in thousandths.
std::optional<int> parse_quality(std::string_view text) noexcept {
    if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
    if (text.size() > 1 && text[1] != '.') return std::nullopt;
    int value = (text[0] - '0') * 1000;
    int unit = 100;
    for (const char c : text.substr(std::min<std::size_t>(text.size(), 2))) {
        if (c < '0' || c > '9') return std::nullopt;
        value += (c - '0') * unit;
        unit /= 10;
    }
    return value <= 1000 ? std::optional(value) : std::nullopt;
}

// The weight of an element, whose name is what precedes the first semicolon.
std::optional<int> weight_of(std::string_view element) noexcept {
    const std::size_t semicolon = element.find(';');
    if (semicolon == std::string_view::npos) return 1000;
    const std::string_view parameter = trimmed(element.substr(semicolon + 1));
    if (parameter.size() < 2 || (parameter[0] | 0x20) != 'q' || parameter[1] != '=') return std::nullopt;
    return parse_quality(parameter.substr(2));
}

} // namespace

std::string_view coding_name(Coding coding) noexcept {
    const Name* found = std::ranges::find(names, coding, &Name::coding);
    return found == std::end(names) ? std::string_view{} : found->name;
}

std::string_view coding_ending(Coding coding) noexcept {
    const Name* found = std::ranges::find(names, coding, &Name::coding);
    return found == std::end(names) ? std::string_view{} : found->ending;
}

std::optional<Coding> coding_of_ending(std::string_view ending) noexcept {
    const Name* found = std::ranges::find(names, ending, &Name::ending);
    return found == std::end(names) ? std::nullopt : std::optional(found->coding);
}

AcceptedCodings AcceptedCodings::of(const http::Request& request) noexcept {
    AcceptedCodings accepted;
    std::array<std::optional<int>, coding_count> listed;
    std::optional<int> others;
    for (const http::Field& field : request.fields) {
        if (!equals_ignoring_case(field.name, "Accept-Encoding")) continue;
        std::string_view rest = field.value;
        while (!rest.empty()) {
            const std::size_t comma = rest.find(',');
            const std::string_view element = rest.substr(0, comma);
            rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
            const std::string_view name = trimmed(element.substr(0, element.find(';')));
            const auto weight = weight_of(element);
            if (!weight) continue;
            if (name == "*") others = weight;
            if (equals_ignoring_case(name, "identity")) listed[index(Coding::identity)] = weight;
            if (equals_ignoring_case(name, "x-gzip")) listed[index(Coding::gzip)] = weight;
            for (const Name& known : names)
                if (equals_ignoring_case(name, known.name)) listed[index(known.coding)] = weight;
        }
    }
    for (const Coding coding : codings)
        accepted.qualities_[index(coding)] = listed[index(coding)].or_else([&] { return others; }).value_or(0);
    if (const auto identity = listed[index(Coding::identity)])
        accepted.qualities_[index(Coding::identity)] = *identity;
    else if (others == 0)
        accepted.qualities_[index(Coding::identity)] = 0;
    return accepted;
}

std::optional<Coding> AcceptedCodings::choose(std::span<const Coding> offered) const noexcept {
    std::optional<Coding> best;
    for (const Coding coding : offered)
        if (quality(coding) > (best ? quality(*best) : 0)) best = coding;
    return best;
}

} // namespace mpsup::static_files

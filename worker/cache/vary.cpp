#include "worker/cache/vary.h"

#include "worker/cache/field_list.h"
#include "worker/http/char_class.h"

#include <algorithm>
#include <array>
#include <vector>

namespace mpsup::cache {

namespace {

using http::equals_ignoring_case;

constexpr std::size_t most_names = 16;
constexpr std::size_t most_members = 32; // of a list that is sorted; longer ones are compared as they are

// Fields whose members' order and case mean nothing.
bool is_preference(std::string_view name) noexcept {
    return name == "accept" || name == "accept-charset" || name == "accept-encoding" || name == "accept-language";
}

// Fields that the origin gets as we write them, and that follow from the key: scheme, host, and the route's prefix.
bool is_in_the_key(std::string_view name) noexcept {
    return name == "x-forwarded-host" || name == "x-forwarded-prefix" || name == "x-forwarded-proto";
}

// Fields that the origin gets as we write them, of each request anew: what the client sent says nothing about them.
bool is_written_by_us(std::string_view name) noexcept {
    constexpr std::string_view names[] = {"forwarded", "via",          "x-forwarded-for", "x-forwarded-port",
                                          "x-real-ip", "x-request-id", "x-request-start"};
    return std::ranges::find(names, name) != std::end(names);
}

// Appends the value without white space that means nothing: around commas, and in preferences around semicolons.
void append_squeezed(std::string& out, std::string_view value, bool preference) {
    bool first = true;
    for_each_member(value, [&](std::string_view member) {
        if (!first) out += ',';
        first = false;
        if (!preference) {
            out += member;
            return;
        }
        bool first_part = true;
        while (!member.empty()) {
            const std::string_view part = trimmed(take_until(member, ';'));
            const bool whole = part.starts_with("q=1") && part.find_first_not_of(".0", 3) == std::string_view::npos;
            if (!first_part && whole) continue; // q=1 is what is meant without it
            if (!first_part) out += ';';
            first_part = false;
            for (const char c : part) out += lower(c);
        }
    });
}

void sort_members(std::string& list, std::size_t from) {
    std::array<std::string_view, most_members> members;
    std::size_t count = 0;
    bool fits = true;
    for_each_member(std::string_view(list).substr(from), [&](std::string_view member) {
        if (count == members.size())
            fits = false;
        else
            members[count++] = member;
    });
    if (!fits || count < 2) return;
    std::ranges::sort(members.begin(), members.begin() + count);
    std::string sorted;
    for (std::size_t i = 0; i < count; ++i) {
        if (i > 0) sorted += ',';
        sorted += members[i];
    }
    list.replace(from, std::string::npos, sorted);
}

// Appends "name:value\n", or "name\n" when the request has no such field.
void append_selecting(std::string& out, std::string_view name, Fields request) {
    out += name;
    const bool preference = is_preference(name);
    const std::size_t start = out.size() + 1;
    bool found = false;
    for (const http::Field& field : request) {
        if (!equals_ignoring_case(field.name, name)) continue;
        out += found ? ',' : ':';
        found = true;
        append_squeezed(out, field.value, preference);
    }
    if (found && preference) sort_members(out, start);
    out += '\n';
}

// The q of a member in thousandths; 1000 without one, 0 for what is none.
int quality(std::string_view parameters) noexcept {
    while (!parameters.empty()) {
        const std::string_view part = trimmed(take_until(parameters, ';'));
        if (part.size() < 3 || lower(part[0]) != 'q' || part[1] != '=') continue;
        if (part[2] == '1') return 1000;
        if (part[2] != '0' || (part.size() > 3 && part[3] != '.')) return 0;
        int value = 0;
        int weight = 100;
        for (const char c : part.substr(std::min<std::size_t>(part.size(), 4))) {
            if (c < '0' || c > '9') return 0;
            value += (c - '0') * weight;
            weight /= 10;
        }
        return value;
    }
    return 1000;
}

// Is this the one language that the request likes best?
bool is_best_language(std::string_view language, Fields request) noexcept {
    int best = 0;
    bool ours = false, alone = false;
    for_each_member(request, "Accept-Language", [&](std::string_view member) {
        const std::string_view range = trimmed(take_until(member, ';'));
        const int value = quality(member);
        if (value < best || value == 0) return;
        alone = value > best;
        ours = equals_ignoring_case(range, language);
        best = value;
    });
    return ours && alone;
}

} // namespace

std::optional<std::string> variant_text(Fields response, Fields request) {
    std::vector<std::string> names;
    bool star = false; // or something that is no name at all
    for_each_member(response, "Vary", [&](std::string_view member) {
        std::string name(member);
        std::ranges::transform(name, name.begin(), lower);
        star = star || name == "*" || !http::all_are(name, http::token_char) || is_written_by_us(name);
        if (!is_in_the_key(name) && std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
    });
    if (star || names.size() > most_names) return std::nullopt;
    std::ranges::sort(names);
    std::string text;
    for (const std::string& name : names) append_selecting(text, name, request);
    return text;
}

bool variant_matches(std::string_view text, Fields request, std::string_view language) {
    static thread_local std::string ours; // keeps its memory from call to call
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size() - 1);
        const std::string_view line = text.substr(0, end + 1);
        const std::string_view name = line.substr(0, line.find_first_of(":\n"));
        ours.clear();
        append_selecting(ours, name, request);
        if (ours != line && !(name == "accept-language" && !language.empty() && is_best_language(language, request)))
            return false;
        text.remove_prefix(line.size());
    }
    return true;
}

} // namespace mpsup::cache

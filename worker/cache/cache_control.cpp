#include "worker/cache/cache_control.h"

#include "worker/cache/field_list.h"
#include "worker/cache/structured_field.h"

#include <algorithm>

namespace mpsup::cache {

namespace {

using http::equals_ignoring_case;

constexpr std::string_view surrogate_name = "mpsup";

struct Flag {
    std::string_view name;
    bool Directives::* member;
};
constexpr Flag flags[] = {
    {"no-store", &Directives::no_store},
    {"public", &Directives::is_public},
    {"must-revalidate", &Directives::must_revalidate},
    {"proxy-revalidate", &Directives::proxy_revalidate},
    {"must-understand", &Directives::must_understand},
    {"only-if-cached", &Directives::only_if_cached},
};

struct Length {
    std::string_view name;
    std::optional<Seconds> Directives::* member;
};
constexpr Length lengths[] = {
    {"max-age", &Directives::max_age},
    {"s-maxage", &Directives::s_maxage},
    {"stale-while-revalidate", &Directives::stale_while_revalidate},
    {"stale-if-error", &Directives::stale_if_error},
    {"min-fresh", &Directives::min_fresh},
    {"max-stale", &Directives::max_stale},
};

// Nothing for what is no number.
std::optional<Seconds> seconds(std::string_view digits) noexcept {
    if (digits.empty()) return std::nullopt;
    Seconds value = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') return std::nullopt;
        value = std::min(value * 10 + (c - '0'), longest);
    }
    return value;
}

// A directive as it stands: name[=argument].
struct Member {
    std::string_view name, argument;
    bool has_argument = false;
    bool malformed = false; // white space around '=', or a quoted string that does not end where it should
};

Member split(std::string_view text) noexcept {
    Member member;
    const std::size_t equals = text.find('=');
    member.name = trimmed(text.substr(0, equals));
    if (equals == std::string_view::npos) return member;
    member.has_argument = true;
    member.argument = text.substr(equals + 1);
    member.malformed = member.name.size() != equals || (!member.argument.empty() && is_space(member.argument.front()));
    if (member.argument.starts_with('"')) {
        const std::size_t end = skip_quoted(member.argument, 0);
        member.malformed |= end != member.argument.size() || end < 2 || member.argument[end - 1] != '"';
        member.argument = member.argument.substr(1, end < 2 ? 0 : end - 2);
    }
    return member;
}

// no-cache and private: alone, or for the fields that are named. Two lists of names are more than we keep.
void restrict_fields(const Member& member, bool& all, std::string_view& names) noexcept {
    if (!member.has_argument || member.malformed || trimmed(member.argument).empty() || !names.empty())
        all = true;
    else
        names = member.argument;
}

void apply(const Member& member, Directives& to) noexcept {
    if (equals_ignoring_case(member.name, "no-cache")) return restrict_fields(member, to.no_cache, to.no_cache_names);
    if (equals_ignoring_case(member.name, "private")) return restrict_fields(member, to.is_private, to.private_names);
    for (const Flag& flag : flags)
        if (equals_ignoring_case(member.name, flag.name)) to.*flag.member = true;
    for (const Length& length : lengths) {
        if (!equals_ignoring_case(member.name, length.name)) continue;
        if (length.member == &Directives::max_stale && !member.has_argument)
            to.max_stale_any = true;
        else if (!(to.*length.member))
            to.*length.member = member.malformed ? 0 : seconds(member.argument).value_or(0);
    }
}

void apply(std::string_view key, const DictionaryValue& value, Directives& to) noexcept {
    using Kind = DictionaryValue::Kind;
    const bool set = value.kind != Kind::boolean || value.boolean;
    if (key == "no-cache" || key == "private") {
        bool& all = key == "no-cache" ? to.no_cache : to.is_private;
        std::string_view& names = key == "no-cache" ? to.no_cache_names : to.private_names;
        names = value.kind == Kind::string ? value.string : std::string_view();
        all = set && names.empty();
    }
    for (const Flag& flag : flags)
        if (key == flag.name) to.*flag.member = set;
    for (const Length& length : lengths)
        if (key == length.name && value.kind == Kind::integer && value.integer >= 0)
            to.*length.member = std::min<Seconds>(value.integer, longest);
}

// "max-age=3600+600;target": what is meant for another surrogate is not for us.
void apply_surrogate(std::string_view text, Directives& to) noexcept {
    const Member member = split(trimmed(take_until(text, ';')));
    const std::string_view target = trimmed(text);
    if (!target.empty() && !equals_ignoring_case(target, surrogate_name)) return;
    if (equals_ignoring_case(member.name, "no-store")) {
        to.no_store = to.present = true;
    } else if (equals_ignoring_case(member.name, "max-age") && !member.malformed) {
        const std::size_t plus = member.argument.find('+');
        const auto fresh = seconds(member.argument.substr(0, plus));
        if (!fresh || (to.max_age && target.empty())) return;
        to.max_age = fresh;
        to.present = true;
        if (plus != std::string_view::npos) to.stale_while_revalidate = seconds(member.argument.substr(plus + 1));
    }
}

} // namespace

Directives parse_cache_control(Fields fields) noexcept {
    Directives directives;
    for_each_member(fields, "Cache-Control", [&directives](std::string_view member) {
        directives.present = true;
        apply(split(member), directives);
    });
    return directives;
}

Directives parse_cdn_cache_control(Fields fields) noexcept {
    constexpr std::string_view name = "CDN-Cache-Control";
    if (!find_field(fields, name)) return {};
    Directives directives;
    const auto visit = [&directives](std::string_view key, const DictionaryValue& value) {
        apply(key, value, directives);
    };
    if (!parse_dictionary(fields, name, visit)) return {};
    directives.present = true;
    return directives;
}

Directives parse_surrogate_control(Fields fields) noexcept {
    Directives directives;
    for_each_member(fields, "Surrogate-Control",
                    [&directives](std::string_view member) { apply_surrogate(member, directives); });
    return directives;
}

ResponseDirectives response_directives(Fields fields) noexcept {
    if (const Directives targeted = parse_cdn_cache_control(fields); targeted.present) return {targeted, true};
    if (const Directives targeted = parse_surrogate_control(fields); targeted.present) return {targeted, true};
    return {parse_cache_control(fields), false};
}

bool names_field(std::string_view list, std::string_view name) noexcept {
    bool found = false;
    for_each_member(list, [&](std::string_view member) { found = found || equals_ignoring_case(member, name); });
    return found;
}

} // namespace mpsup::cache

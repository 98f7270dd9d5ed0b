#include "worker/accelerator/reply_fields.h"

#include "worker/accelerator/hop_by_hop.h"

#include <algorithm>
#include <charconv>

namespace mpsup::accelerator {

namespace {

bool begins(std::string_view name, std::string_view with) noexcept {
    return name.size() >= with.size() && http::equals_ignoring_case(name.substr(0, with.size()), with);
}

// A decimal number at the start of `text`, which loses it and the spaces behind it.
template <typename Number> std::optional<Number> take_number(std::string_view& text) noexcept {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    while (text.starts_with(' ')) text.remove_prefix(1);
    return number;
}

// Seconds, or "@" and a time; "off" and nonsense say nothing.
std::optional<std::chrono::seconds> parse_expires(std::string_view text, std::int64_t now) noexcept {
    constexpr std::int64_t year = 366LL * 24 * 3600;
    const bool absolute = text.starts_with('@');
    if (absolute) text.remove_prefix(1);
    const auto number = take_number<std::int64_t>(text);
    if (!number || !text.empty() || *number < 0) return std::nullopt;
    const std::int64_t seconds = absolute ? (*number > now ? *number - now : 0) : *number;
    return std::chrono::seconds(std::min(seconds, year));
}

bool is_overridden(std::string_view name, const ReplyPlan& plan) noexcept {
    return std::ranges::any_of(plan.overrides,
                               [&](const auto& field) { return http::equals_ignoring_case(field.first, name); });
}

enum class Rewrite { none, location, refresh, link, cookie };

Rewrite rewrite_of(std::string_view name) noexcept {
    const auto named = [&](std::string_view wanted) { return http::equals_ignoring_case(name, wanted); };
    switch (name.size()) {
    case 4: return named("Link") ? Rewrite::link : Rewrite::none;
    case 7: return named("Refresh") ? Rewrite::refresh : Rewrite::none;
    case 8: return named("Location") ? Rewrite::location : Rewrite::none;
    case 10: return named("Set-Cookie") ? Rewrite::cookie : Rewrite::none;
    case 16: return named("Content-Location") ? Rewrite::location : Rewrite::none;
    default: return Rewrite::none;
    }
}

} // namespace

std::optional<ChildNote> ChildNote::parse(std::string_view text) noexcept {
    const auto pid = take_number<int>(text);
    const auto generation = pid ? take_number<std::uint64_t>(text) : std::nullopt;
    const auto heavy = generation ? take_number<std::uint64_t>(text) : std::nullopt;
    if (!heavy || !text.empty() || *pid <= 0) return std::nullopt;
    return ChildNote{*pid, *generation, *heavy};
}

// Fields that clients never see. Others' words for the same are left out as well, for they concern the server alone.
bool ReplyFields::take_directive(const http::Field& field, const ReplyPlan& plan) {
    const auto named = [&](std::string_view wanted) { return http::equals_ignoring_case(field.name, wanted); };
    if (begins(field.name, "Mpsup-")) {
        if (plan.from_pool && named("Mpsup-Child")) directives_.child = ChildNote::parse(field.value);
        return true;
    }
    if (named("X-Sendfile")) {
        directives_.file = field.value;
        return true;
    }
    if (!begins(field.name, "X-Accel-")) return false;
    if (named("X-Accel-Redirect")) directives_.redirect = field.value;
    if (named("X-Accel-Expires")) directives_.expires = parse_expires(field.value, plan.now);
    if (named("X-Accel-Buffering")) {
        if (http::equals_ignoring_case(field.value, "no")) directives_.buffering = false;
        if (http::equals_ignoring_case(field.value, "yes")) directives_.buffering = true;
    }
    return true;
}

void ReplyFields::add_rewritten(const http::Field& field, const ReplyPlan& plan) {
    std::string value;
    bool changed = false;
    switch (rewrite_of(field.name)) {
    case Rewrite::location: changed = rewrite_location(plan.map, field.value, value); break;
    case Rewrite::refresh: changed = rewrite_refresh(plan.map, field.value, value); break;
    case Rewrite::link: changed = rewrite_link(plan.map, field.value, value); break;
    case Rewrite::cookie: changed = rewrite_cookie(plan.map, field.value, value); break;
    case Rewrite::none: break;
    }
    if (changed)
        add(field.name, made_.emplace_back(std::move(value)));
    else
        add(field.name, field.value);
}

void ReplyFields::build(const UpstreamHead& head, const ReplyPlan& plan) {
    fields_.clear();
    fields_.reserve(head.fields.size() + 4);
    made_.clear();
    directives_ = {};
    const HopByHop hop(head.fields);
    std::string_view via;
    for (const http::Field& field : head.fields) {
        const char first = static_cast<char>(field.name.front() | 0x20);
        if ((first == 'm' || first == 'x') && take_directive(field, plan)) continue;
        if (hop.contains(field.name)) continue;
        if (http::equals_ignoring_case(field.name, "Content-Length")) continue;
        if (http::equals_ignoring_case(field.name, "X-Request-Id")) continue;
        if (!plan.overrides.empty() && is_overridden(field.name, plan)) continue;
        if (http::equals_ignoring_case(field.name, "Via")) {
            if (!via.empty()) add("Via", via);
            via = field.value;
            continue;
        }
        add_rewritten(field, plan);
    }
    std::string_view ours = head.minor_version == 0 ? "1.0 mpsup" : "1.1 mpsup";
    if (!via.empty()) ours = made_.emplace_back(std::string(via) + ", " + std::string(ours));
    add("Via", ours);
    for (const auto& [name, value] : plan.overrides)
        if (!value.empty()) add(name, value);
    lasting_ = fields_.size();
    if (!plan.request_id.empty()) add("X-Request-Id", plan.request_id);
    if (plan.upgrade)
        if (const auto upgrade = head.find("Upgrade")) add("Upgrade", *upgrade);
}

} // namespace mpsup::accelerator

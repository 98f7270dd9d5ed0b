#include "worker/static/validators.h"

#include "worker/http/http_date.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace mpsup::static_files {

namespace {

using http::equals_ignoring_case;

enum class Comparison { strong, weak }; // section 8.8.3.2

// Is the tag in this list of entity tags?
bool tag_listed(std::string_view list, const Validators& validators, Comparison comparison) noexcept {
    if (list == "*") return true;
    const bool weak_counts = comparison == Comparison::weak;
    if (validators.weak() && !weak_counts) return false;
    std::size_t at = 0;
    while (at < list.size()) {
        const bool weak = list.substr(at).starts_with("W/");
        const std::size_t open = at + (weak ? 2 : 0);
        if (open < list.size() && list[open] == '"') {
            const std::size_t close = list.find('"', open + 1);
            if (close == std::string_view::npos) return false;
            if ((weak_counts || !weak) && list.substr(open, close + 1 - open) == validators.etag()) return true;
            at = close + 1;
        } else {
            ++at; // a comma, a space, or nothing that we know
        }
    }
    return false;
}

// A field may come in several lines, which are one list.
std::optional<bool> any_tag(const http::Request& request, std::string_view name, const Validators& validators,
                            Comparison comparison) noexcept {
    std::optional<bool> found;
    for (const http::Field& field : request.fields)
        if (equals_ignoring_case(field.name, name))
            found = found.value_or(false) || tag_listed(field.value, validators, comparison);
    return found;
}

std::optional<std::time_t> date_of(const http::Request& request, std::string_view name) noexcept {
    const auto value = request.find(name);
    return value ? http::parse_http_date(*value) : std::nullopt;
}

} // namespace

Validators::Validators(const struct stat& status, std::string_view form, Strength strength) noexcept
    : weak_(strength == Strength::weak), modified_(status.st_mtim.tv_sec) {
    char* out = field_.data();
    char* const end = out + field_.size();
    const auto nanoseconds = static_cast<unsigned long long>(status.st_mtim.tv_sec) * 1'000'000'000ULL +
                             static_cast<unsigned long long>(status.st_mtim.tv_nsec);
    if (weak_) out = std::ranges::copy(std::string_view("W/"), out).out;
    *out++ = '"';
    out = std::to_chars(out, end, static_cast<unsigned long long>(status.st_ino), 16).ptr;
    *out++ = '-';
    out = std::to_chars(out, end, static_cast<unsigned long long>(status.st_size), 16).ptr;
    *out++ = '-';
    out = std::to_chars(out, end, nanoseconds, 16).ptr;
    if (!form.empty()) *out++ = '-';
    out = std::ranges::copy(form.substr(0, 12), out).out;
    *out++ = '"';
    field_size_ = static_cast<std::size_t>(out - field_.data());
}

int evaluate_conditions(const http::Request& request, const Validators& validators) noexcept {
    // Most requests carry none: one look at the first letters decides.
    bool conditional = false;
    for (const http::Field& field : request.fields)
        conditional |= field.name.size() > 3 && (field.name[0] | 0x20) == 'i' && (field.name[1] | 0x20) == 'f';
    if (!conditional) return 200;

    if (const auto match = any_tag(request, "If-Match", validators, Comparison::strong)) {
        if (!*match) return 412;
    } else if (const auto date = date_of(request, "If-Unmodified-Since"); date && validators.dated()) {
        if (validators.modified() > *date) return 412;
    }
    if (const auto match = any_tag(request, "If-None-Match", validators, Comparison::weak)) return *match ? 304 : 200;
    if (!validators.dated()) return 200;
    if (const auto date = date_of(request, "If-Modified-Since")) return validators.modified() <= *date ? 304 : 200;
    return 200;
}

bool if_range_holds(const http::Request& request, const Validators& validators, std::time_t now) noexcept {
    const auto value = request.find("If-Range");
    if (!value) return true;
    if (value->starts_with('"')) return !validators.weak() && *value == validators.etag();
    if (validators.weak() || !validators.dated()) return false;
    const auto date = http::parse_http_date(*value);
    return date && *date == validators.modified() && validators.modified() < now - 1;
}

} // namespace mpsup::static_files

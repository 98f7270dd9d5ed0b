#include "base/units.h"
#include "supervisor/topology/topology.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace mpsup::topology {

namespace {

constexpr std::int64_t most_children = 1000;
constexpr std::int64_t whole = 100;

} // namespace

int Share::of(int count) const {
    if (!is_percent) return static_cast<int>(std::min<std::int64_t>(value, most_children));
    const std::int64_t part = (count * value + whole - 1) / whole; // up: 1% of four is one
    return static_cast<int>(part);
}

std::optional<Share> parse_share(std::string_view text) {
    Share share;
    share.is_percent = text.ends_with('%');
    if (share.is_percent) text.remove_suffix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), share.value);
    const bool clean = !text.empty() && text.front() != '-' && end == text.data() + text.size();
    if (error != std::errc{} || !clean || share.value > (share.is_percent ? whole : most_children)) return std::nullopt;
    return share;
}

std::string to_string(const Share& share) { return std::to_string(share.value) + (share.is_percent ? "%" : ""); }

std::optional<RollStep> parse_roll_step(std::string_view text) {
    if (text == "pause") return RollStep{};
    if (text.starts_with("pause ")) {
        const auto time = parse_duration(text.substr(text.find_last_of(' ') + 1));
        return time ? std::optional(RollStep{{}, *time}) : std::nullopt;
    }
    const auto share = parse_share(text);
    return share && share->value > 0 ? std::optional(RollStep{share, {}}) : std::nullopt;
}

std::string_view to_string(OnFailure what) noexcept {
    switch (what) {
    case OnFailure::abort: return "abort";
    case OnFailure::rollback: return "rollback";
    case OnFailure::freeze: return "freeze";
    }
    std::unreachable();
}

} // namespace mpsup::topology

#include "worker/dynamic/wear.h"

#include <algorithm>
#include <cmath>

namespace mpsup::dynamic {

namespace {

bool is_over(std::uint64_t limit, std::uint64_t value) { return limit > 0 && value >= limit; }

} // namespace

Wear::Wear(const contract::Recycle& limits, double chance, TimePoint born) : limits_(limits), born_(born) {
    const double share = 1.0 - std::clamp(limits.jitter, 0, 100) / 100.0 * std::clamp(chance, 0.0, 1.0);
    const auto lower = [share](std::uint64_t& limit) {
        if (limit > 0)
            limit =
                std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(static_cast<double>(limit) * share)));
    };
    lower(limits_.requests);
    lower(limits_.rss);
    lower(limits_.unshared);
    limits_.age = std::chrono::milliseconds(std::llround(static_cast<double>(limits.age.count()) * share));
    limits_.idle = std::chrono::milliseconds(std::llround(static_cast<double>(limits.idle.count()) * share));
}

std::optional<WearReason> Wear::check(std::uint64_t requests, std::uint64_t rss, std::uint64_t unshared,
                                      TimePoint now) const {
    if (is_over(limits_.requests, requests)) return WearReason::requests;
    if (is_over(limits_.unshared, unshared)) return WearReason::unshared;
    if (is_over(limits_.rss, rss)) return WearReason::rss;
    if (limits_.age.count() > 0 && now >= born_ + limits_.age) return WearReason::age;
    return std::nullopt;
}

std::optional<WearReason> Wear::check_idle(TimePoint idle_since, TimePoint now) const {
    if (limits_.age.count() > 0 && now >= born_ + limits_.age) return WearReason::age;
    if (limits_.idle.count() > 0 && now >= idle_since + limits_.idle) return WearReason::idle;
    return std::nullopt;
}

std::optional<Wear::TimePoint> Wear::next_look(TimePoint idle_since) const {
    std::optional<TimePoint> next;
    if (limits_.age.count() > 0) next = born_ + limits_.age;
    if (limits_.idle.count() > 0 && (!next || idle_since + limits_.idle < *next)) next = idle_since + limits_.idle;
    return next;
}

} // namespace mpsup::dynamic

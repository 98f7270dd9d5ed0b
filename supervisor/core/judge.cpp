#include "supervisor/core/judge.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

namespace mpsup::core {

namespace {

// The chances that the header names.
constexpr double surely = 1e-6;
constexpr double probably = 1e-4;
constexpr double at_the_end = 1e-1; // while the old one has none
constexpr double at_the_end_otherwise = 1e-2;
constexpr double acquittal = 5e-4;

constexpr std::uint64_t most_weighed = 100'000; // requests; more change no verdict, and take time

constexpr double least_effect = 0.01;
constexpr double detected_effect = 0.02;
constexpr std::uint64_t least_tested = 10;
constexpr std::uint64_t least_timed = 200; // requests of each, before times are compared
constexpr std::uint64_t tolerance_us = 10'000;
constexpr Duration least_slope_span{600'000};
constexpr Duration warming_up{120'000};
constexpr Duration longest_remembered{900'000};
constexpr double least_slope = 1 << 20;
constexpr double slope_errors = 6;

double log_choose(double n, double k) { return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1); }

double share(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string failures_text(const Tally& tally) {
    std::array<char, 128> text{};
    std::snprintf(text.data(), text.size(), "%llu of %llu requests failed (%.1f %%)",
                  static_cast<unsigned long long>(tally.failed()), static_cast<unsigned long long>(tally.requests()),
                  100 * share(tally.failed(), tally.requests()));
    std::string result = text.data();
    if (tally.deaths > 0) result += ", " + std::to_string(tally.deaths) + " of them by the death of a child";
    if (tally.stuck > 0) result += ", " + std::to_string(tally.stuck) + " have no answer since long";
    return result;
}

std::string milliseconds(std::uint64_t us) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f ms", static_cast<double>(us) / 1000);
    return text.data();
}

double chance_of_failures(const Tally& old_one, const Tally& new_one) {
    return chance_of_as_many(old_one.requests() + new_one.requests(), old_one.failed() + new_one.failed(),
                             new_one.requests(), new_one.failed());
}

// Empty, or what is wrong.
std::string slower(const LatencyHistogram& old_one, const LatencyHistogram& new_one) {
    const auto n = new_one.total();
    const auto m = old_one.total();
    if (n < least_timed || m < least_timed) return {};
    const std::uint64_t usual = latency_bucket_end(old_one.quantile_bucket(95));
    const std::size_t limit = latency_bucket(usual + usual / 2 + tolerance_us);
    const auto late = new_one.above(limit);
    if (late * 20 <= n) return {};
    if (chance_of_as_many(n + m, late + old_one.above(limit), n, late) >= surely) return {};
    return "its 95th percentile is " + milliseconds(latency_bucket_end(new_one.quantile_bucket(95))) +
           ", the old one's " + milliseconds(usual);
}

} // namespace

double chance_of_as_many(std::uint64_t all, std::uint64_t marked, std::uint64_t drawn, std::uint64_t found) {
    const auto most = std::min(marked, drawn);
    const double whole = log_choose(static_cast<double>(all), static_cast<double>(drawn));
    double sum = 0;
    const std::uint64_t least = marked + drawn > all ? marked + drawn - all : 0;
    for (std::uint64_t i = std::max(found, least); i <= most; ++i) {
        const double term =
            std::exp(log_choose(static_cast<double>(marked), static_cast<double>(i)) +
                     log_choose(static_cast<double>(all - marked), static_cast<double>(drawn - i)) - whole);
        sum += term;
        if (term < sum * 1e-12 && i > found + (marked * drawn) / std::max<std::uint64_t>(all, 1))
            break; // beyond the peak
    }
    return std::min(sum, 1.0);
}

double chance_of_as_few(std::uint64_t drawn, double share, std::uint64_t found) {
    if (share >= 1) return found >= drawn ? 1 : 0;
    const auto n = static_cast<double>(drawn);
    double sum = 0;
    for (std::uint64_t i = 0; i <= std::min(found, drawn); ++i) {
        const auto k = static_cast<double>(i);
        sum += std::exp(log_choose(n, k) + k * std::log(share) + (n - k) * std::log1p(-share));
    }
    return std::min(sum, 1.0);
}

Verdict Judge::decide(Verdict verdict, std::string reason) {
    reason_ = std::move(reason);
    return verdict_ = verdict;
}

Tally Tally::since(const Tally& then) const {
    const auto less = [](std::uint64_t now, std::uint64_t before) { return now > before ? now - before : 0; };
    Tally tally = *this;
    for (std::size_t i = 0; i < tally.latency.counts.size(); ++i)
        tally.latency.counts[i] = less(latency.counts[i], then.latency.counts[i]);
    tally.failures = std::min(less(failures, then.failures), tally.latency.total());
    tally.deaths = less(deaths, then.deaths);
    return tally;
}

Tally Tally::bounded() const {
    const std::uint64_t all = requests();
    if (all <= most_weighed) return *this;
    const double factor = static_cast<double>(most_weighed) / static_cast<double>(all);
    const auto scale = [factor](std::uint64_t& count) {
        count = static_cast<std::uint64_t>(static_cast<double>(count) * factor);
    };
    Tally tally = *this;
    std::ranges::for_each(tally.latency.counts, scale);
    for (std::uint64_t* count : {&tally.failures, &tally.deaths, &tally.stuck}) scale(*count);
    tally.failures = std::min(tally.failures, tally.latency.total());
    return tally;
}

Verdict Judge::look(const Tally& old_counts, const Tally& new_counts, Time now) {
    const Tally old_one = old_counts.bounded();
    const Tally new_one = new_counts.bounded();
    if (verdict_ != Verdict::open) return verdict_;
    const bool is_end = now >= ends();
    const auto n = new_one.requests();
    reason_ = std::to_string(n) + " of " + std::to_string(rule_.requests) + " requests judged";
    const bool is_due = n >= least_tested && n >= looked_at_ + std::max(looked_at_ / 10, std::uint64_t{1});
    if (!is_due && !is_end) return verdict_;
    looked_at_ = n;
    const bool enough = n >= rule_.requests;
    const double effect = share(new_one.failed(), n) - share(old_one.failed(), old_one.requests());
    const double last_limit = old_one.failed() == 0 ? at_the_end : at_the_end_otherwise;
    const double limit = enough && is_end ? last_limit : enough ? probably : surely;
    if (effect >= least_effect && chance_of_failures(old_one, new_one) < limit)
        return decide(Verdict::bad, failures_text(new_one) + "; of the old one's meanwhile: " + failures_text(old_one));
    if (auto why = slower(old_one.latency, new_one.latency); !why.empty()) return decide(Verdict::bad, std::move(why));
    const double suspected = share(old_one.failed(), old_one.requests()) + detected_effect;
    const bool is_clean = enough && chance_of_as_few(n, suspected, new_one.failed()) < acquittal;
    // It fails more often, and that may be chance: the old one served too few.
    if (!is_clean && is_end && effect >= least_effect)
        return decide(Verdict::unjudged, failures_text(new_one) + ", and the old one served too few to compare with: " +
                                             failures_text(old_one));
    if (is_clean || (enough && is_end))
        return decide(Verdict::good,
                      failures_text(new_one) + "; of the old one's meanwhile: " + failures_text(old_one));
    if (is_end)
        return decide(Verdict::unjudged,
                      "only " + std::to_string(n) + " of " + std::to_string(rule_.requests) + " requests came in time");
    return verdict_;
}

Verdict Judge::look(const MemorySlope& old_one, const MemorySlope& new_one) {
    if (verdict_ == Verdict::bad || std::min(old_one.span(), new_one.span()) < least_slope_span) return verdict_;
    const auto before = old_one.slope();
    const auto after = new_one.slope();
    const double more = after.per_minute - before.per_minute;
    if (more < least_slope || more < slope_errors * std::hypot(before.error, after.error)) return verdict_;
    std::array<char, 128> text{};
    std::snprintf(text.data(), text.size(), "a child of it grows by %.1f MiB a minute, one of the old one by %.1f",
                  after.per_minute / (1 << 20), before.per_minute / (1 << 20));
    return decide(Verdict::bad, text.data());
}

void MemorySlope::add(Time at, std::uint64_t bytes) {
    if (!began_) began_ = at;
    if (at < *began_ + warming_up) return;
    points_.emplace_back(at, static_cast<double>(bytes));
    while (points_.front().first + longest_remembered < at) points_.pop_front();
}

Duration MemorySlope::span() const {
    if (points_.size() < 3) return Duration(0);
    return std::chrono::duration_cast<Duration>(points_.back().first - points_.front().first);
}

MemorySlope::Slope MemorySlope::slope() const {
    if (points_.size() < 3) return {};
    const auto n = static_cast<double>(points_.size());
    const auto minutes = [&](Time at) {
        return std::chrono::duration<double, std::ratio<60>>(at - points_.front().first).count();
    };
    double sum_x = 0, sum_y = 0;
    for (const auto& [at, bytes] : points_) sum_x += minutes(at), sum_y += bytes;
    double xx = 0, xy = 0, yy = 0;
    for (const auto& [at, bytes] : points_) {
        const double x = minutes(at) - sum_x / n;
        const double y = bytes - sum_y / n;
        xx += x * x, xy += x * y, yy += y * y;
    }
    if (xx <= 0) return {};
    const double per_minute = xy / xx;
    return {per_minute, std::sqrt(std::max(0.0, yy - per_minute * xy) / (n - 2) / xx)};
}

std::string_view to_string(Verdict verdict) noexcept {
    switch (verdict) {
    case Verdict::open: return "open";
    case Verdict::good: return "good";
    case Verdict::bad: return "bad";
    case Verdict::unjudged: return "unjudged";
    }
    std::unreachable();
}

} // namespace mpsup::core

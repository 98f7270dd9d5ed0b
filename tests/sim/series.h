// What both simulating programs do: schedules one after the other until one fails, which is traced.
#pragma once

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string_view>

namespace mpsup::sim {

struct Series {
    std::uint64_t seed = 0; // of the first schedule
    std::optional<std::uint64_t> schedules;
    std::chrono::seconds duration{10}; // where their number is not said
    bool trace = false;
};

// 20261123000000: schedule 0 of that day.
inline std::uint64_t seed_of_the_day() {
    const std::time_t now = std::time(nullptr);
    std::tm day{};
    gmtime_r(&now, &day);
    const auto number = (day.tm_year + 1900) * 10'000 + (day.tm_mon + 1) * 100 + day.tm_mday;
    return static_cast<std::uint64_t>(number) * 1'000'000'000;
}

inline std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// By the name that to_string gives it.
template <typename Bug> std::optional<Bug> bug_named(std::string_view name) {
    for (int i = 0; i < static_cast<int>(Bug::count); ++i)
        if (to_string(static_cast<Bug>(i)) == name) return static_cast<Bug>(i);
    return std::nullopt;
}

/// `run_one(seed, traces)` returns what has `passed`, `violation` and `events`. Returns the exit code of `program`.
template <typename RunOne> int run_series(const char* program, const Series& series, RunOne run_one) {
    using Clock = std::chrono::steady_clock;
    std::printf("base seed %llu\n", static_cast<unsigned long long>(series.seed));
    const auto begun = Clock::now();
    std::uint64_t done = 0;
    std::uint64_t events = 0;
    const auto is_over = [&] {
        return series.schedules ? done >= *series.schedules : Clock::now() - begun >= series.duration;
    };
    while (!is_over()) {
        const std::uint64_t seed = series.seed + done;
        const auto verdict = run_one(seed, series.trace);
        ++done;
        events += verdict.events;
        if (verdict.passed) continue;
        if (!series.trace) (void)run_one(seed, true);
        std::printf("FAILED: %s\nseed %llu, schedule %llu; again: %s --seed %llu --schedules 1 --trace\n",
                    verdict.violation.c_str(), static_cast<unsigned long long>(seed),
                    static_cast<unsigned long long>(done), program, static_cast<unsigned long long>(seed));
        return 1;
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
    std::printf("%llu schedules passed, %.0f a second, %.0f events each\n", static_cast<unsigned long long>(done),
                static_cast<double>(done) / seconds, static_cast<double>(events) / static_cast<double>(done));
    return 0;
}

} // namespace mpsup::sim

// simulate [--seconds N | --schedules N] [--seed S] [--trace] [--bug NAME]: schedules one after the other, from a seed of the
// day or S, until one fails. That one is traced, and run again by `--seed S --schedules 1 --trace`.
#include "tests/sim/schedule.h"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string_view>

namespace mpsup::sim {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
    std::uint64_t seed = 0;
    std::optional<std::uint64_t> schedules;
    std::chrono::seconds duration{10};
    bool trace = false;
    Bug bug = Bug::none;
};

// 20261123000000: schedule 0 of that day.
std::uint64_t seed_of_the_day() {
    const std::time_t now = std::time(nullptr);
    std::tm day{};
    gmtime_r(&now, &day);
    const auto number = (day.tm_year + 1900) * 10'000 + (day.tm_mon + 1) * 100 + day.tm_mday;
    return static_cast<std::uint64_t>(number) * 1'000'000'000;
}

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<Bug> bug_named(std::string_view name) {
    for (int i = 0; i < static_cast<int>(Bug::count); ++i)
        if (to_string(static_cast<Bug>(i)) == name) return static_cast<Bug>(i);
    return std::nullopt;
}

std::optional<Options> parse(int argc, char** argv) {
    Options options;
    options.seed = seed_of_the_day();
    for (int i = 1; i < argc; ++i) {
        const std::string_view key = argv[i];
        if (key == "--trace") {
            options.trace = true;
            continue;
        }
        if (++i == argc) return std::nullopt;
        const auto value = number(argv[i]);
        const auto bug = bug_named(argv[i]);
        if (key == "--bug" && bug)
            options.bug = *bug;
        else if (key == "--seed" && value)
            options.seed = *value;
        else if (key == "--schedules" && value)
            options.schedules = *value;
        else if (key == "--seconds" && value)
            options.duration = std::chrono::seconds(*value);
        else
            return std::nullopt;
    }
    return options;
}

int run(const Options& options) {
    std::printf("base seed %llu\n", static_cast<unsigned long long>(options.seed));
    const auto begun = Clock::now();
    std::uint64_t done = 0;
    std::uint64_t events = 0;
    const auto is_over = [&] {
        return options.schedules ? done >= *options.schedules : Clock::now() - begun >= options.duration;
    };
    while (!is_over()) {
        const std::uint64_t seed = options.seed + done;
        const Verdict verdict = run_schedule(seed, options.bug, options.trace);
        ++done;
        events += verdict.events;
        if (verdict.passed) continue;
        if (!options.trace) (void)run_schedule(seed, options.bug, true);
        std::printf("FAILED: %s\nseed %llu, schedule %llu; again: simulate --seed %llu --schedules 1 --trace\n",
                    verdict.violation.c_str(), static_cast<unsigned long long>(seed),
                    static_cast<unsigned long long>(done), static_cast<unsigned long long>(seed));
        return 1;
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
    std::printf("%llu schedules passed, %.0f a second, %.0f events each\n", static_cast<unsigned long long>(done),
                static_cast<double>(done) / seconds, static_cast<double>(events) / static_cast<double>(done));
    return 0;
}

} // namespace
} // namespace mpsup::sim

int main(int argc, char** argv) {
    const auto options = mpsup::sim::parse(argc, argv);
    if (!options) {
        std::fputs("usage: simulate [--seconds N | --schedules N] [--seed S] [--trace] [--bug NAME]\n", stderr);
        return 2;
    }
    return mpsup::sim::run(*options);
}

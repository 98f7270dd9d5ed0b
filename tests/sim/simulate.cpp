// simulate [--seconds N | --schedules N] [--seed S] [--trace] [--bug NAME]: schedules one after the other, from a seed of the
// day or S, until one fails. That one is traced, and run again by `--seed S --schedules 1 --trace`.
#include "tests/sim/schedule.h"
#include "tests/sim/series.h"

#include <chrono>
#include <cstdio>
#include <optional>
#include <string_view>

namespace mpsup::sim {
namespace {

struct Options : Series {
    Bug bug = Bug::none;
};

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
        const auto bug = bug_named<Bug>(argv[i]);
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
    return run_series("simulate", options,
                      [&](std::uint64_t seed, bool traces) { return run_schedule(seed, options.bug, traces); });
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

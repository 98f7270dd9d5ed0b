// simulate_cluster [--seconds N | --schedules N] [--seed S] [--machines N] [--trace] [--bug NAME]: schedules one after the other, from
// a seed of the day or S, of few machines or N, until one fails. That one is traced. simulate_cluster --curve MACHINES...: rollouts across so many.
#include "tests/sim/cluster/curve.h"
#include "tests/sim/cluster/schedule.h"
#include "tests/sim/series.h"

#include <chrono>
#include <cstdio>
#include <optional>
#include <string_view>
#include <vector>

namespace mpsup::sim {
namespace {

struct Options : Series {
    ClusterBug bug = ClusterBug::none;
    int fleet = 0; // machines of a schedule; 0: a few
    bool is_curve = false;
    std::vector<int> machines;
};

std::optional<Options> parse(int argc, char** argv) {
    Options options;
    options.seed = seed_of_the_day();
    for (int i = 1; i < argc; ++i) {
        const std::string_view key = argv[i];
        const auto value = i + 1 < argc ? number(argv[i + 1]) : std::nullopt;
        const auto bug = i + 1 < argc ? bug_named<ClusterBug>(argv[i + 1]) : std::nullopt;
        if (const auto machines = number(key); machines && options.is_curve && *machines > 0 && *machines <= 10'000) {
            options.machines.push_back(static_cast<int>(*machines));
            continue;
        }
        if (key == "--trace" || key == "--curve") {
            (key == "--trace" ? options.trace : options.is_curve) = true;
            continue;
        }
        if (key == "--bug" && bug)
            options.bug = *bug;
        else if (key == "--machines" && value && *value > 1 && *value <= 10'000)
            options.fleet = static_cast<int>(*value);
        else if (key == "--seed" && value)
            options.seed = *value;
        else if (key == "--schedules" && value)
            options.schedules = *value;
        else if (key == "--seconds" && value)
            options.duration = std::chrono::seconds(*value);
        else
            return std::nullopt;
        ++i;
    }
    return options;
}

int draw_curve(const Options& options) {
    std::puts("machines  pools  seconds  allowed  most out  operations  renewals/min  news  news KB  change KB  list "
              "KB  processor s");
    for (const int machines : options.machines) {
        const CurvePoint point = run_curve(machines, 10, options.seed);
        std::printf("%8d %6d %8.0f %8d %9d %11.1f %13.1f %5.0f %8.0f %10.1f %8.0f %12.1f\n", point.machines,
                    point.pools, point.seconds, point.allowed, point.most_out, point.operations, point.renewals,
                    point.news, point.news_bytes / 1000, point.change_bytes / 1000, point.listing_bytes / 1000,
                    point.processor);
        std::fflush(stdout);
    }
    return 0;
}

int run(const Options& options) {
    return run_series("simulate_cluster", options, [&](std::uint64_t seed, bool traces) {
        return run_cluster_schedule(seed, options.bug, traces, options.fleet);
    });
}

} // namespace
} // namespace mpsup::sim

int main(int argc, char** argv) {
    const auto options = mpsup::sim::parse(argc, argv);
    if (!options) {
        std::fputs(
            "usage: simulate_cluster [--seconds N | --schedules N] [--seed S] [--machines N] [--trace] [--bug NAME]\n"
            "       simulate_cluster --curve MACHINES...\n",
            stderr);
        return 2;
    }
    return options->is_curve ? mpsup::sim::draw_curve(*options) : mpsup::sim::run(*options);
}

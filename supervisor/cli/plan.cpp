// `mpsup plan`: what `up` would change.
#include "supervisor/cli/applied_topology.h"
#include "supervisor/cli/terminal.h"
#include "supervisor/cli/topology_file.h"
#include "supervisor/cli/verbs.h"
#include "supervisor/control/client.h"
#include "supervisor/daemon/history.h"
#include "supervisor/daemon/up_steps.h"
#include "supervisor/topology/moved.h"

#include <boost/json.hpp>

#include <cstdio>

namespace mpsup::cli {

namespace json = boost::json;

namespace {

// What runs; without workers when no supervisor does.
Result<topology::Topology> running(const SitePaths& paths) {
    if (!check_control_socket(paths.control_socket())) return topology::Topology{};
    auto last = applied_topology(paths);
    if (!last) return std::unexpected(last.error());
    std::optional<AppliedTopology>& applied = *last;
    return applied ? std::move(applied->topology) : topology::Topology{};
}

void print_table(const std::vector<UpStep>& steps) {
    int number = 0;
    for (const UpStep& step : steps)
        std::printf("%2d  %-8s%s%s\n", ++number, step.verb.c_str(), printable(step.object).c_str(),
                    step.why.empty() ? "" : (" (" + printable(step.why) + ")").c_str());
    if (steps.empty()) std::printf("nothing changes\n");
}

void print_json(const std::string& site, const std::vector<UpStep>& steps) {
    json::array list;
    for (const UpStep& step : steps)
        list.push_back(json::object{{"step", step.verb}, {"object", step.object}, {"why", step.why}});
    std::printf("%s\n",
                json::serialize(json::object{{"version", 1}, {"site", site}, {"steps", std::move(list)}}).c_str());
}

} // namespace

int run_plan(const Context& context, const std::vector<std::string>& files) {
    const auto wanted = read_topology(files, context.quiet);
    if (!wanted) return bad_topology;
    const auto base = context.base_dirs();
    if (!base) return complain(base.error().to_string(), failed);
    const auto before = running(SitePaths(*base, wanted->site));
    if (!before) return complain(before.error().to_string(), failed);
    const auto steps = steps_of_up(*before, with_moved(*before, *wanted, wall_clock_ms()));
    if (context.output == Output::table)
        print_table(steps);
    else
        print_json(wanted->site, steps);
    return ok;
}

} // namespace mpsup::cli

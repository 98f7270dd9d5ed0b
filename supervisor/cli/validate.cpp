#include "supervisor/cli/topology_file.h"
#include "supervisor/cli/verbs.h"
#include "supervisor/topology/json_schema.h"
#include "supervisor/topology/resolve.h"
#include "supervisor/topology/share.h"

#include <boost/json.hpp>

#include <cstdio>

namespace mpsup::cli {

namespace json = boost::json;

namespace {

json::array to_json(const topology::Problems& problems) {
    json::array list;
    for (const topology::Problem& problem : problems)
        list.emplace_back(json::object{{"file", problem.file},
                                       {"line", problem.line},
                                       {"column", problem.column},
                                       {"severity", problem.is_warning ? "warning" : "error"},
                                       {"code", problem.code},
                                       {"message", problem.message},
                                       {"suggestion", problem.suggestion}});
    return list;
}

std::string machines_of(const topology::Topology& topology) {
    return topology::is_for_several(topology) ? " on " + std::to_string(topology.machines.size()) + " machines" : "";
}

} // namespace

int run_validate(const Context& context, const std::vector<std::string>& files, bool strict) {
    const auto loaded = load_topology(files);
    topology::Problems problems = loaded ? loaded->warnings : loaded.error();
    const bool is_valid = loaded && (!strict || problems.empty());
    if (strict)
        for (topology::Problem& problem : problems) problem.is_warning = false;
    if (context.output != Output::table) {
        json::object result{{"version", 1}, {"valid", is_valid}};
        result["problems"] = to_json(problems);
        if (loaded) result["digest"] = topology::digest_of(topology::to_document(loaded->topology));
        std::printf("%s\n", json::serialize(result).c_str());
    } else {
        std::fputs(topology::format_problems(problems).c_str(), stderr);
        if (is_valid && !context.quiet)
            std::printf("%s: site %s, %zu worker%s%s: valid\n", files.front().c_str(), loaded->topology.site.c_str(),
                        loaded->topology.workers.size(), loaded->topology.workers.size() == 1 ? "" : "s",
                        machines_of(loaded->topology).c_str());
    }
    return is_valid ? ok : bad_topology;
}

int run_schema() {
    std::fputs(topology::json_schema().c_str(), stdout);
    return ok;
}

} // namespace mpsup::cli

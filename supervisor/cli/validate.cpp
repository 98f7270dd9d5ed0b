#include "supervisor/cli/verbs.h"
#include "supervisor/topology/load.h"
#include "supervisor/topology/resolve.h"

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
                                       {"message", problem.message},
                                       {"suggestion", problem.suggestion}});
    return list;
}

} // namespace

int run_validate(const Context& context, const std::string& file) {
    const auto loaded = topology::load_file(file);
    if (context.output != Output::table) {
        json::object result{{"version", 1}, {"valid", loaded.has_value()}};
        result["problems"] = loaded ? json::array() : to_json(loaded.error());
        if (loaded) result["digest"] = topology::digest_of(topology::to_document(*loaded));
        std::printf("%s\n", json::serialize(result).c_str());
    } else if (!loaded) {
        std::fputs(topology::format_problems(loaded.error()).c_str(), stderr);
    } else if (!context.quiet) {
        std::printf("%s: site %s, %zu workers: valid\n", file.c_str(), loaded->site.c_str(), loaded->workers.size());
    }
    return loaded ? ok : bad_topology;
}

} // namespace mpsup::cli

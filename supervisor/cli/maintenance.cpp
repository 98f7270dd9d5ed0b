// `mpsup maintenance`.
#include "supervisor/cli/verb.h"
#include "supervisor/cli/verbs.h"

#include <boost/json.hpp>

namespace mpsup::cli {

int run_maintenance(const Context& context, const MaintenanceOptions& options) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    boost::json::array workers;
    for (const std::string& worker : options.workers) workers.emplace_back(worker);
    const bool on = options.word == "on";
    return ask(context, *site, "/v1/maintenance",
               boost::json::serialize(boost::json::object{{"on", on}, {"workers", std::move(workers)}}));
}

} // namespace mpsup::cli

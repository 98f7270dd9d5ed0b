#include "supervisor/cli/verb.h"
#include "supervisor/cli/verbs.h"

#include <boost/json.hpp>

namespace mpsup::cli {

int run_restart(const Context& context, const std::vector<std::string>& workers, bool fast) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    boost::json::array names;
    for (const std::string& worker : workers) names.emplace_back(worker);
    const boost::json::object body{{"workers", names}, {"fast", fast}};
    return ask(context, *site, "/v1/restart", boost::json::serialize(body));
}

} // namespace mpsup::cli

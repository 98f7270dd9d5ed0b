#include "supervisor/cli/verb.h"
#include "supervisor/cli/verbs.h"

#include <boost/json.hpp>

namespace mpsup::cli {

int run_restart(const Context& context, const std::vector<std::string>& workers, bool fast) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    const boost::json::object body{{"workers", boost::json::value_from(workers)},
                                   {"machines", boost::json::value_from(context.machines)},
                                   {"fast", fast}};
    return ask(context, *site, "/v1/restart", boost::json::serialize(body));
}

} // namespace mpsup::cli

#include "supervisor/cli/verb.h"
#include "supervisor/cli/verbs.h"

#include <boost/json.hpp>

namespace mpsup::cli {

int run_machine(const Context& context, const std::string& word, const MachineOptions& options) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    boost::json::object body{{"machine", options.machine}};
    if (word == "drain") body["wait"] = options.wait;
    if (options.force) body["force"] = true;
    return ask(context, *site, "/v1/cluster/" + word, boost::json::serialize(body));
}

int run_cluster_accept(const Context& context) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    return ask(context, *site, "/v1/cluster/accept", "{}");
}

} // namespace mpsup::cli

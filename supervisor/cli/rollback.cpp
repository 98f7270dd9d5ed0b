#include "supervisor/cli/verb.h"
#include "supervisor/cli/verbs.h"

#include <boost/json.hpp>

namespace mpsup::cli {

int run_rollback(const Context& context, const std::vector<std::string>& workers) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    boost::json::array names;
    for (const std::string& worker : workers) names.emplace_back(worker);
    return ask(context, *site, "/v1/rollback", boost::json::serialize(boost::json::object{{"workers", names}}));
}

int run_word(const Context& context, const std::string& path) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    return ask(context, *site, path, "{}");
}

} // namespace mpsup::cli

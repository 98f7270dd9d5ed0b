#include "supervisor/cli/verb.h"
#include "supervisor/cli/verbs.h"

#include <boost/json.hpp>

namespace mpsup::cli {

int run_scale(const Context& context, const std::vector<std::string>& orders) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    boost::json::array list;
    for (const std::string& order : orders) list.emplace_back(order);
    return ask(context, *site, "/v1/scale", boost::json::serialize(boost::json::object{{"orders", list}}));
}

} // namespace mpsup::cli

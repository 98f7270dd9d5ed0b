#include "supervisor/cli/verb.h"
#include "supervisor/cli/verbs.h"

#include <boost/json.hpp>

namespace mpsup::cli {

namespace {

int ask_about(const Context& context, const std::string& path, const std::vector<std::string>& workers) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    const boost::json::object body{{"workers", boost::json::value_from(workers)},
                                   {"machines", boost::json::value_from(context.machines)}};
    return ask(context, *site, path, boost::json::serialize(body));
}

} // namespace

int run_rollback(const Context& context, const std::vector<std::string>& workers) {
    return ask_about(context, "/v1/rollback", workers);
}

int run_reset(const Context& context, const std::vector<std::string>& workers) {
    return ask_about(context, "/v1/reset", workers);
}

int run_word(const Context& context, const std::string& path) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    return ask(context, *site, path, "{}");
}

} // namespace mpsup::cli

#include "supervisor/cli/verb.h"
#include "supervisor/cli/verbs.h"
#include "supervisor/control/client.h"

namespace mpsup::cli {

int run_down(const Context& context) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    if (!check_control_socket(site->paths.control_socket()))
        return complain("site " + site->name + " is not running", ok);
    return ask(context, *site, "/v1/down", "{}");
}

} // namespace mpsup::cli

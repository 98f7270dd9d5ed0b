#include "supervisor/cli/verb.h"
#include "supervisor/cli/verbs.h"
#include "supervisor/control/client.h"

namespace mpsup::cli {

int run_down(const Context& context) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    if (!check_control_socket(site->paths.control_socket()))
        return complain("site " + site->name + " is not running", ok);
    const int code = ask(context, *site, "/v1/down", "{}");
    if (code == ok) wait_until_gone(*site);
    return code;
}

} // namespace mpsup::cli

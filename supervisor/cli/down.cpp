#include "supervisor/cli/start_supervisor.h"
#include "supervisor/cli/verb.h"
#include "supervisor/cli/verbs.h"
#include "supervisor/control/client.h"

#include <filesystem>

namespace mpsup::cli {

int run_down(const Context& context) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    if (!check_control_socket(site->paths.control_socket())) {
        // A supervisor that ended well took its socket away. One that was killed left its workers serving.
        if (!std::filesystem::exists(site->paths.contract_socket()))
            return complain("site " + site->name + " is not running", ok);
        if (auto started = start_supervisor(context, *site); !started)
            return complain(started.error().to_string(), failed);
    }
    const int code = ask(context, *site, "/v1/down", "{}");
    if (code == ok) wait_until_gone(*site);
    return code;
}

} // namespace mpsup::cli

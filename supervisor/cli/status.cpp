#include "supervisor/cli/status_view.h"
#include "supervisor/cli/verbs.h"

#include <cstdio>

namespace mpsup::cli {

namespace {

int show(const Context& context, std::string (*table)(const std::string&)) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, context.site ? usage : no_supervisor);
    const auto status = fetch_status(*site);
    if (!status)
        return complain("no supervisor runs for site " + site->name +
                            ", and nothing is recorded: " + status.error().to_string(),
                        no_supervisor);
    if (!context.quiet) {
        const std::string text = context.output == Output::table ? table(status->text) : status->text + "\n";
        std::fputs(text.c_str(), stdout);
    }
    return exit_code_of(*status);
}

} // namespace

int run_status(const Context& context) { return show(context, workers_table); }

int run_workers(const Context& context) { return show(context, processes_table); }

} // namespace mpsup::cli

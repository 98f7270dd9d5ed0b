#include "supervisor/cli/backends_view.h"
#include "supervisor/cli/machines_view.h"
#include "supervisor/cli/members.h"
#include "supervisor/cli/reach.h"
#include "supervisor/cli/status_view.h"
#include "supervisor/cli/verbs.h"
#include "supervisor/cli/worker_answers.h"

#include <chrono>
#include <cstdio>

namespace mpsup::cli {

namespace {

// What only the workers themselves know. Who does not say it in time is shown without.
void add_backends(const ChosenSite& site, StatusDocument& status) {
    constexpr std::chrono::milliseconds patience{4000}; // other supervisors have two seconds
    if (!status.is_live || !has_accelerator(status.text)) return;
    const contract::Question question{.what = contract::Question::What::backends};
    if (const auto answers = ask_workers_of(site, machines_with_accelerators(status.text), {}, question, patience))
        status.text = with_backends(status.text, *answers);
}

std::string status_table(const std::string& document) {
    const std::string backends = backends_table(document);
    return workers_table(document) + (backends.empty() ? "" : "\n" + backends);
}

int show(const Context& context, std::string (*table)(const std::string&), bool with_backends_too) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, context.site ? usage : no_supervisor);
    auto status = fetch_status(*site, machines_word(context));
    if (!status && status.error().code == std::errc::invalid_argument) return complain(status.error().what, usage);
    if (!context.machines.empty() && (!status || !status->is_live))
        return complain(nobody_answers(*site), no_supervisor);
    if (!status)
        return complain(nobody_answers(*site) + "; and nothing is recorded: " + status.error().to_string(),
                        no_supervisor);
    if (!status->is_live && context.output == Output::table) complain(nobody_answers(*site), no_supervisor);
    if (!context.quiet) {
        if (with_backends_too) add_backends(*site, *status);
        const std::string text = context.output == Output::table ? table(status->text) : status->text + "\n";
        std::fputs(text.c_str(), stdout);
    }
    return exit_code_of(*status);
}

} // namespace

int run_status(const Context& context) { return show(context, status_table, true); }

int run_workers(const Context& context) { return show(context, processes_table, false); }

} // namespace mpsup::cli

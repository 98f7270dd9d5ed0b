#include "supervisor/cli/local_pids.h"
#include "supervisor/cli/program_answer.h"
#include "supervisor/cli/program_size.h"
#include "supervisor/cli/size_view.h"
#include "supervisor/cli/status_view.h"
#include "supervisor/cli/verbs.h"

#include <cstdio>

namespace mpsup::cli {

namespace {

// Asks the kernel for each; what has ended meanwhile is left out. The supervisor is the first.
Result<std::vector<ProcessSize>> measured(std::vector<ProcessSize> processes, const std::string& lock) {
    const auto here = LocalPids::find(lock, processes.empty() ? 0 : processes.front().pid);
    if (!here) return std::unexpected(here.error());
    std::vector<ProcessSize> found;
    std::optional<Error> trouble;
    for (ProcessSize& process : processes) {
        process.pid = here->of(process.pid);
        if (process.pid == 0) continue;
        auto memory = process_memory(process.pid);
        if (!memory) trouble = memory.error();
        if (!memory) continue;
        process.memory = *memory;
        found.push_back(std::move(process));
    }
    if (found.empty() && trouble) return std::unexpected(*trouble);
    return found;
}

} // namespace

int run_size(const Context& context) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    const auto status = fetch_status(*site);
    if (!status) return complain(status.error().to_string(), failed);
    if (!status->is_live) return complain(nobody_answers(*site), no_supervisor);
    auto processes = measured(processes_in(status->text), site->paths.lock());
    if (!processes) return complain(processes.error().to_string(), failed);
    const SiteSize size{site->name, std::move(*processes), measure_programs(folder_of_this_program())};
    if (context.output == Output::table)
        std::fputs(size_table(size).c_str(), stdout);
    else
        std::printf("%s\n", size_json(size).c_str());
    return ok;
}

} // namespace mpsup::cli

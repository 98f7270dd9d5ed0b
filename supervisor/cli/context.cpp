#include "supervisor/cli/context.h"

#include "base/joined.h"
#include "supervisor/control/client.h"
#include "supervisor/daemon/site_lock.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <poll.h>
#include <system_error>

namespace mpsup::cli {

Result<BaseDirs> Context::base_dirs() const { return BaseDirs::find(state_dir, run_dir); }

Result<ChosenSite> choose_site(const Context& context) {
    const auto base = context.base_dirs();
    if (!base) return std::unexpected(base.error());
    const auto sites = known_sites(*base);
    if (context.site) {
        if (std::ranges::find(sites, *context.site) == sites.end())
            return failure("there is no site " + *context.site + " under " + base->state +
                           (sites.empty() ? "" : "; there is " + joined(sites, ", ")));
        return ChosenSite{*context.site, SitePaths(*base, *context.site)};
    }
    std::vector<std::string> running;
    for (const std::string& name : sites)
        if (check_control_socket(SitePaths(*base, name).control_socket())) running.push_back(name);
    const auto& candidates = running.empty() ? sites : running;
    if (candidates.size() == 1) return ChosenSite{candidates.front(), SitePaths(*base, candidates.front())};
    if (candidates.empty()) return failure("no site runs here: start one with `mpsup up FILE`");
    return failure("which site? Name one with --site: " + joined(candidates, ", "));
}

namespace {

// One that was killed has its lock a moment longer than its sockets.
std::optional<pid_t> lock_holder_that_stays(const std::string& lock) {
    constexpr auto patience = std::chrono::milliseconds(300);
    constexpr int look_again_ms = 5;
    const auto deadline = std::chrono::steady_clock::now() + patience;
    auto pid = site_lock_holder(lock);
    while (pid && std::chrono::steady_clock::now() < deadline) {
        ::poll(nullptr, 0, look_again_ms); // flock(2) has no deadline of its own
        pid = site_lock_holder(lock);
    }
    return pid;
}

} // namespace

std::string nobody_answers(const ChosenSite& site) {
    if (const auto pid = lock_holder_that_stays(site.paths.lock())) {
        const std::string who = *pid > 0 ? " (pid " + std::to_string(*pid) + ")" : "";
        const std::string number = *pid > 0 ? std::to_string(*pid) : "PID";
        return "the supervisor of site " + site.name + who + " runs and does not answer at " +
               site.paths.control_socket() +
               ": if that file was taken away, it is made anew at the next health check, or at "
               "once after `kill -USR1 " +
               number + "`";
    }
    std::error_code error; // a supervisor that ended well took its sockets away
    const bool was_killed = std::filesystem::exists(site.paths.contract_socket(), error);
    const std::string starts = is_of_several(site) ? "`mpsup supervise --machine NAME --cluster …`" : "`mpsup up FILE`";
    return "no supervisor runs for site " + site.name +
           (was_killed ? "; its workers serve on: " + starts + " takes them over" : ": " + starts + " starts it");
}

bool is_of_several(const ChosenSite& site) {
    std::error_code error;
    return std::filesystem::exists(site.paths.cluster_memory(), error);
}

int complain(const std::string& text, int code) {
    std::fprintf(stderr, "mpsup: %s\n", text.c_str());
    return code;
}

} // namespace mpsup::cli

#include "supervisor/cli/context.h"

#include "supervisor/control/client.h"

#include <algorithm>
#include <cstdio>

namespace mpsup::cli {

namespace {

std::string list(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

} // namespace

Result<BaseDirs> Context::base_dirs() const { return BaseDirs::find(state_dir, run_dir); }

Result<ChosenSite> choose_site(const Context& context) {
    const auto base = context.base_dirs();
    if (!base) return std::unexpected(base.error());
    const auto sites = known_sites(*base);
    if (context.site) {
        if (std::ranges::find(sites, *context.site) == sites.end())
            return failure("there is no site " + *context.site + " under " + base->state +
                           (sites.empty() ? "" : "; there is " + list(sites)));
        return ChosenSite{*context.site, SitePaths(*base, *context.site)};
    }
    std::vector<std::string> running;
    for (const std::string& name : sites)
        if (check_control_socket(SitePaths(*base, name).control_socket())) running.push_back(name);
    const auto& candidates = running.empty() ? sites : running;
    if (candidates.size() == 1) return ChosenSite{candidates.front(), SitePaths(*base, candidates.front())};
    if (candidates.empty()) return failure("no site runs here: start one with `mpsup up FILE`");
    return failure("which site? Name one with --site: " + list(candidates));
}

int complain(const std::string& text, int code) {
    std::fprintf(stderr, "mpsup: %s\n", text.c_str());
    return code;
}

} // namespace mpsup::cli

#include "supervisor/cli/reach.h"

#include "base/joined.h"
#include "supervisor/cli/members.h"
#include "supervisor/control/client.h"

#include <algorithm>

namespace mpsup::cli {

namespace {

constexpr std::chrono::milliseconds patience{2000};

} // namespace

std::string machines_word(const Context& context) {
    return context.machines.empty() ? "all" : joined(context.machines, ",");
}

std::expected<std::optional<std::string>, int> reach_of(const Context& context, const ChosenSite& site) {
    const auto reply = control_get(site.paths.control_socket(), "/v1/machines", patience);
    if (!reply && !context.machines.empty()) return std::unexpected(complain(nobody_answers(site), no_supervisor));
    std::vector<std::string> names;
    if (reply && reply->status == 200)
        for (const auto& machine : objects_at(parse_object(reply->body), "machines"))
            names.push_back(text_at(machine, "name"));
    if (names.empty() && !context.machines.empty())
        return std::unexpected(complain("the site is on this machine alone: there is no cluster", usage));
    if (const std::string unknown = unknown_among("machine", context.machines, names); !unknown.empty())
        return std::unexpected(complain(unknown, usage));
    if (names.empty()) return std::nullopt;
    return machines_word(context);
}

} // namespace mpsup::cli

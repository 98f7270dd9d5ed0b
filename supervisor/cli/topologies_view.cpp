#include "supervisor/cli/topologies_view.h"

#include "supervisor/cli/members.h"
#include "supervisor/cli/table.h"
#include "supervisor/cli/terminal.h"

#include <boost/json.hpp>

#include <algorithm>

namespace mpsup::cli {

namespace json = boost::json;

namespace {

constexpr std::size_t digest_shown = 19; // "sha256:" and twelve digits
constexpr std::size_t widest_who = 20;
constexpr std::size_t indent = 4;

Colour colour_of_outcome(const std::string& outcome) {
    if (outcome == "done") return Colour::green;
    return outcome.empty() ? Colour::yellow : Colour::red;
}

std::string who_text(const ClusterTopology& applied) {
    const std::string who = applied.who.empty() ? "-" : printable(applied.who);
    return applied.from.empty() ? who : who + "@" + printable(applied.from);
}

} // namespace

std::vector<ClusterTopology> applied_topologies(std::string_view answer) {
    std::vector<ClusterTopology> applied;
    for (const json::object& each : objects_at(parse_object(answer), "topologies"))
        applied.push_back({.number = static_cast<std::uint64_t>(std::max<std::int64_t>(0, number_at(each, "number"))),
                           .at_ms = number_at(each, "at_ms"),
                           .digest = text_at(each, "digest"),
                           .path = text_at(each, "path"),
                           .who = text_at(each, "who"),
                           .from = text_at(each, "from"),
                           .outcome = text_at(each, "outcome"),
                           .note = text_at(each, "note")});
    std::ranges::sort(applied, {}, &ClusterTopology::number);
    return applied;
}

std::string topologies_table(const std::vector<ClusterTopology>& applied) {
    Table table({"WHEN", "NUMBER", "OUTCOME", "WHO", "TOPOLOGY"});
    for (const ClusterTopology& each : applied) {
        const std::string outcome = each.outcome.empty() ? "running" : printable(each.outcome);
        table.add({local_time(each.at_ms),
                   std::to_string(each.number),
                   {outcome.substr(0, widest_who), colour_of_outcome(each.outcome)},
                   cut(who_text(each), widest_who),
                   printable(each.path) + " " + printable(each.digest.substr(0, digest_shown))});
        if (!each.note.empty())
            table.add_below(std::string(indent, ' ') + cut(printable(each.note), page_width() - indent));
    }
    return table.to_string();
}

json::array topologies_json(const std::vector<ClusterTopology>& applied) {
    json::array list;
    for (const ClusterTopology& each : applied)
        list.push_back(
            json::object{{"number", each.number},
                         {"at_ms", each.at_ms},
                         {"digest", each.digest},
                         {"path", each.path},
                         {"who", each.who},
                         {"from", each.from},
                         {"outcome", each.outcome.empty() ? json::value(nullptr) : json::value(each.outcome)},
                         {"note", each.note}});
    return list;
}

} // namespace mpsup::cli

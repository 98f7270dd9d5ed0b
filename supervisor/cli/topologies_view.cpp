#include "supervisor/cli/topologies_view.h"

#include "base/joined.h"
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

std::string who_text(const ClusterChange& applied) {
    const std::string who = applied.who.empty() ? "-" : printable(applied.who);
    return applied.from.empty() ? who : who + "@" + printable(applied.from);
}

ClusterChange topology_in(const json::object& object) {
    return {.kind = text_at(object, "kind"),
            .number = static_cast<std::uint64_t>(std::max<std::int64_t>(0, number_at(object, "number"))),
            .workers = texts_at(object, "workers"),
            .machines = texts_at(object, "machines"),
            .at_ms = number_at(object, "at_ms"),
            .digest = text_at(object, "digest"),
            .path = text_at(object, "path"),
            .who = text_at(object, "who"),
            .from = text_at(object, "from"),
            .outcome = text_at(object, "outcome"),
            .note = text_at(object, "note")};
}

// "/etc/shop.yaml sha256:0123456789ab", "restart of app on app1", "drain app1".
std::string what_text(const ClusterChange& applied) {
    if (applied.kind.empty()) return printable(applied.path) + " " + printable(applied.digest.substr(0, digest_shown));
    std::string text = applied.kind;
    if (!applied.workers.empty()) text += " of " + joined(applied.workers, ", ");
    const bool is_of_workers = applied.kind == "restart" || applied.kind == "rollback";
    if (!applied.machines.empty()) text += (is_of_workers ? " on " : " ") + joined(applied.machines, ", ");
    return printable(text);
}

json::value outcome_json(const ClusterChange& applied) {
    return applied.outcome.empty() ? json::value(nullptr) : json::value(applied.outcome);
}

} // namespace

std::vector<ClusterChange> applied_topologies(std::string_view answer) {
    std::vector<ClusterChange> applied;
    const json::object document = parse_object(answer);
    for (const char* list : {"topologies", "changes"})
        for (const json::object& each : objects_at(document, list)) applied.push_back(topology_in(each));
    std::ranges::stable_sort(applied, {}, &ClusterChange::at_ms);
    return applied;
}

std::string topologies_table(const std::vector<ClusterChange>& applied) {
    Table table({"WHEN", "NUMBER", "OUTCOME", "WHO", "TOPOLOGY"});
    for (const ClusterChange& each : applied) {
        const std::string outcome = each.outcome.empty() ? "running" : printable(each.outcome);
        table.add({local_time(each.at_ms),
                   each.number == 0 ? "-" : std::to_string(each.number),
                   {outcome.substr(0, widest_who), colour_of_outcome(each.outcome)},
                   cut(who_text(each), widest_who),
                   what_text(each)});
        if (!each.note.empty())
            table.add_below(std::string(indent, ' ') + cut(printable(each.note), page_width() - indent));
    }
    return table.to_string();
}

json::array topologies_json(const std::vector<ClusterChange>& applied) {
    json::array list;
    for (const ClusterChange& each : applied)
        if (each.kind.empty())
            list.push_back(json::object{{"number", each.number},
                                        {"at_ms", each.at_ms},
                                        {"digest", each.digest},
                                        {"path", each.path},
                                        {"who", each.who},
                                        {"from", each.from},
                                        {"outcome", outcome_json(each)},
                                        {"note", each.note}});
    return list;
}

json::array changes_json(const std::vector<ClusterChange>& applied) {
    json::array list;
    for (const ClusterChange& each : applied)
        if (!each.kind.empty())
            list.push_back(json::object{{"kind", each.kind},
                                        {"at_ms", each.at_ms},
                                        {"number", each.number == 0 ? json::value(nullptr) : json::value(each.number)},
                                        {"workers", json::value_from(each.workers)},
                                        {"machines", json::value_from(each.machines)},
                                        {"who", each.who},
                                        {"from", each.from},
                                        {"outcome", outcome_json(each)},
                                        {"note", each.note}});
    return list;
}

} // namespace mpsup::cli

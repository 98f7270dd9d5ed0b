#include "supervisor/daemon/machines_status.h"

#include <boost/json.hpp>

#include <algorithm>
#include <optional>

namespace mpsup {

namespace {

namespace json = boost::json;

json::object to_json(const ClusterMachine& machine) {
    json::object object{{"name", machine.name}, {"state", machine.state},   {"address", machine.address},
                        {"api", machine.api},   {"number", machine.number}, {"here", machine.is_here}};
    if (!machine.note.empty()) object["note"] = machine.note;
    return object;
}

// A status of version 1, or nothing.
std::optional<json::object> status_in(const std::string& text) {
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    if (error || !value.is_object()) return std::nullopt;
    json::object& object = value.get_object();
    const json::value* version = object.if_contains("version");
    const json::value* workers = object.if_contains("workers");
    if (!version || *version != json::value(1) || !workers || !workers->is_array()) return std::nullopt;
    return std::move(object);
}

void add_workers(json::array& all, json::object& status, const std::string& machine) {
    for (json::value& each : status["workers"].get_array()) {
        if (!each.is_object()) continue;
        each.get_object()["machine"] = machine;
        all.push_back(std::move(each));
    }
}

} // namespace

std::string why_silent(const ClusterMachine& machine, const PeerReply* reply) {
    if (reply && !reply->why.empty()) return reply->why;
    if (reply) return "what it answers is not understood: is it of another version?";
    if (machine.state == "unknown") return machine.note;
    if (!machine.api.empty()) return "it was not asked";
    if (machine.lives) return "it does not say where it can be asked";
    return "the store knows no supervisor of that name: `mpsup supervise --machine " + machine.name +
           " --cluster …` there starts one; if one runs, its log says why";
}

std::string machines_status(const std::string& own, const std::vector<ClusterMachine>& machines,
                            const std::vector<PeerReply>& replies) {
    std::optional<json::object> document = status_in(own);
    if (!document) return own;
    json::array workers;
    json::array rows;
    for (const ClusterMachine& machine : machines) {
        const auto reply = std::ranges::find(replies, machine.name, &PeerReply::machine);
        std::optional<json::object> said;
        if (machine.is_here)
            said = *document;
        else if (reply != replies.end() && reply->why.empty())
            said = status_in(reply->body);
        json::object row = to_json(machine);
        row["answered"] = said.has_value();
        if (said) {
            add_workers(workers, *said, machine.name);
            for (const char* key : {"supervisor", "topology"})
                if (const json::value* part = said->if_contains(key)) row[key] = *part;
        } else {
            row["why"] = why_silent(machine, reply == replies.end() ? nullptr : &*reply);
        }
        rows.push_back(std::move(row));
    }
    (*document)["workers"] = std::move(workers);
    (*document)["machines"] = std::move(rows);
    return json::serialize(*document);
}

std::string machines_json(const std::vector<ClusterMachine>& machines) {
    json::array list;
    for (const ClusterMachine& machine : machines) list.push_back(to_json(machine));
    return json::serialize(json::object{{"version", 1}, {"machines", std::move(list)}});
}

} // namespace mpsup

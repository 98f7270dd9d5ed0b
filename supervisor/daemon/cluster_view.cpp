#include "supervisor/daemon/cluster_view.h"

#include "base/units.h"
#include "supervisor/daemon/history.h"

#include <boost/json.hpp>

namespace mpsup {

namespace json = boost::json;
using cluster::ClusterStatus;

namespace {

json::value moment(cluster::WallTime time) {
    if (time.count() <= 0) return nullptr;
    return json::value(timestamp(time.count()));
}

json::array texts(const std::vector<std::string>& lines) {
    json::array array;
    for (const std::string& line : lines) array.emplace_back(line);
    return array;
}

json::object machine_json(const cluster::MachineStatus& machine) {
    json::object object{{"name", machine.name},
                        {"state", cluster::to_string(machine.state)},
                        {"lives", machine.lives},
                        {"in_topology", nullptr},
                        {"drifts", machine.drifts}};
    if (machine.in_topology) object["in_topology"] = *machine.in_topology;
    if (!machine.problem.empty()) object["problem"] = machine.problem;
    if (!machine.record) return object;
    const cluster::MachineRecord& record = *machine.record;
    object["address"] = record.address;
    object["version"] = record.version;
    object["number"] = record.runs.number;
    object["digest"] = record.runs.digest;
    object["well"] = record.well;
    object["in_flight"] = nullptr;
    if (record.in_flight && record.in_flight->unknown.empty()) object["in_flight"] = record.in_flight->requests;
    json::array workers;
    for (const cluster::WorkerSummary& worker : record.workers)
        workers.emplace_back(json::object{
            {"name", worker.name}, {"state", worker.state}, {"ready", worker.ready}, {"wanted", worker.wanted}});
    object["workers"] = std::move(workers);
    return object;
}

json::object change_json(const cluster::ChangeRecord& change) {
    json::array machines;
    for (const cluster::Part& part : change.machines)
        machines.emplace_back(
            json::object{{"name", part.machine}, {"state", cluster::to_string(part.state)}, {"text", part.text}});
    return {{"id", change.id},
            {"kind", cluster::to_string(change.kind)},
            {"phase", cluster::to_string(change.phase)},
            {"number", change.to.number},
            {"before", change.before.number},
            {"who", change.who},
            {"from", change.from},
            {"at", moment(change.at)},
            {"owner", change.owner},
            {"machines", std::move(machines)},
            {"reasons", texts(change.reasons)}};
}

} // namespace

std::string cluster_json(const ClusterStatus& status, std::string_view here) {
    json::object object{{"machine", here},
                        {"state", cluster::to_string(status.state)},
                        {"why", status.why},
                        {"since", moment(status.since)},
                        {"heard", moment(status.heard)},
                        {"store", std::to_string(status.cluster)},
                        {"revision", status.revision}};
    if (status.wanted)
        object["wanted"] = {{"number", status.wanted->now.number}, {"digest", status.wanted->now.digest}};
    json::array machines;
    for (const cluster::MachineStatus& machine : status.machines) machines.emplace_back(machine_json(machine));
    object["machines"] = std::move(machines);
    json::array vips;
    for (const auto& [address, machine] : status.vips)
        vips.emplace_back(json::object{{"address", address}, {"machine", machine}});
    object["vips"] = std::move(vips);
    if (status.change) object["change"] = change_json(*status.change);
    return json::serialize(object);
}

} // namespace mpsup

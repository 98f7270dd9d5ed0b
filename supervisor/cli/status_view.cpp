#include "supervisor/cli/status_view.h"

#include "base/joined.h"
#include "state/queries.h"
#include "supervisor/cli/machines_view.h"
#include "supervisor/cli/members.h"
#include "supervisor/cli/table.h"
#include "supervisor/cli/terminal.h"
#include "supervisor/control/api_target.h"
#include "supervisor/control/client.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>

namespace mpsup::cli {

namespace json = boost::json;

namespace {

constexpr std::chrono::milliseconds patience{5000};

std::vector<std::string> listen_of(const json::object& worker) { return texts_at(worker, "listen"); }

std::vector<std::string> urls_of(const json::object& worker) {
    std::vector<std::string> urls = texts_at(worker, "urls");
    if (!urls.empty()) return urls;
    for (const std::string& address : listen_of(worker)) urls.push_back("http://" + address);
    return urls;
}

// A pool without an address has a socket, which is of no use to people.
std::string place_of(const json::object& worker) {
    return worker.contains("socket") ? "(accelerator)" : joined(listen_of(worker), ",");
}

std::string size_text(long long bytes) {
    constexpr long long mebibyte = 1048576;
    if (bytes <= 0) return "-";
    return bytes < 10 * mebibyte
               ? std::to_string((bytes * 10 / mebibyte) / 10) + "." + std::to_string((bytes * 10 / mebibyte) % 10) + "M"
               : std::to_string(bytes / mebibyte) + "M";
}

// What the database holds is the last status of each worker. Whether its processes still live is not known: without a
// supervisor they drain and end.
Result<std::string> recorded_status(const ChosenSite& site) {
    const auto queries = state::Queries::open(site.paths.database());
    if (!queries) return std::unexpected(queries.error());
    const auto rows = queries->workers();
    if (!rows) return std::unexpected(rows.error());
    json::array workers;
    for (const state::WorkerRow& row : *rows) {
        json::object worker = parse_object(row.status);
        if (row.state != "stopped") worker["state"] = "unknown";
        json::object health = object_at(worker, "health"); // nobody asks any more
        health["state"] = "unknown";
        health["latency_ms"] = nullptr;
        health.erase("why");
        worker["health"] = std::move(health);
        workers.emplace_back(std::move(worker));
    }
    json::object topology{{"path", nullptr}, {"digest", nullptr}};
    const std::optional<state::TopologyRow> last = queries->last_topology().value_or(std::nullopt);
    if (last) topology = {{"path", last->path}, {"digest", last->digest}};
    return json::serialize(json::object{{"version", 1},
                                        {"site", site.name},
                                        {"layout", nullptr},
                                        {"topology", std::move(topology)},
                                        {"supervisor", {{"state", "gone"}, {"pid", nullptr}, {"started_at", nullptr}}},
                                        {"workers", std::move(workers)}});
}

std::string ready_text(const json::object& worker) {
    return std::to_string(number_at(worker, "ready")) + "/" + std::to_string(number_at(worker, "wanted"));
}

Table::Cell health_cell(const json::object& worker) {
    const std::string state = printable_at(object_at(worker, "health"), "state");
    return {state, colour_of(state)};
}

std::vector<Table::Cell> row_of(const json::object& worker) {
    const std::string state = text_at(worker, "state");
    const json::object restarts = object_at(worker, "restarts");
    return {text_at(worker, "name"),
            text_at(worker, "kind"),
            {state, colour_of(state)},
            ready_text(worker),
            std::to_string(number_at(worker, "generation")),
            std::to_string(number_at(restarts, "crash")),
            std::to_string(number_at(restarts, "planned")),
            health_cell(worker),
            place_of(worker)};
}

// What other machines said may be anything.
std::vector<Table::Cell> row_among_machines(const json::object& worker) {
    const std::string state = printable_at(worker, "state");
    return {machine_of(worker),
            name_among_machines(worker),
            {state, colour_of(state)},
            ready_text(worker),
            std::to_string(number_at(worker, "generation")),
            std::to_string(number_at(object_at(worker, "restarts"), "crash")),
            health_cell(worker),
            printable(place_of(worker))};
}

// A line for each thing about a worker that is not as it should be.
std::string remarks_on(const json::object& worker, const std::string& before) {
    const std::string name = before + printable_at(worker, "name");
    const bool is_ready = text_at(worker, "state") == "ready";
    std::string why = text_at(object_at(worker, "health"), "why");
    if (why.empty() && !is_ready) why = text_at(worker, "last_failure");
    std::string remarks;
    if (const std::string impaired = text_at(worker, "impaired"); !impaired.empty())
        remarks += name + ": " + printable(impaired) + "\n";
    if (worker.contains("maintenance"))
        remarks += name + ": in maintenance, everything is answered 503 (mpsup maintenance off)\n";
    if (!why.empty()) remarks += name + ": " + printable(why) + "\n";
    return remarks;
}

std::string title_of(const json::object& status) {
    const json::object supervisor = object_at(status, "supervisor");
    std::string title = "site " + text_at(status, "site");
    if (const std::string layout = text_at(status, "layout"); !layout.empty()) title += ", " + layout;
    if (text_at(supervisor, "state") == "gone") return title + ", no supervisor runs: this is what was recorded last";
    title += ", supervisor pid " + std::to_string(number_at(supervisor, "pid")) + " " + text_at(supervisor, "state") +
             " for " + short_age(now_ms() - parse_timestamp(text_at(supervisor, "started_at")));
    const std::string operation = text_at(supervisor, "operation");
    const std::string rollout = text_at(supervisor, "rollout");
    if (!operation.empty())
        title +=
            "\n" + coloured(printable(operation + " runs" + (rollout.empty() ? "" : ": " + rollout)), Colour::yellow);
    const std::string trouble = text_at(supervisor, "trouble");
    return trouble.empty() ? title : title + "\n" + coloured("history: " + printable(trouble), Colour::red);
}

// What others can open: an address that stands for all of a machine's is its own, one of the machine alone none.
std::string url_for_others(std::string url, const std::string& ip) {
    for (const char* any : {"//0.0.0.0", "//[::]"})
        if (const auto at = url.find(any); at != std::string::npos && !ip.empty())
            url.replace(at, std::strlen(any), "//" + ip);
    for (const char* own : {"//127.", "//[::1]", "//localhost"})
        if (url.contains(own)) return {};
    return url;
}

// One that follows a machine, and one that clients know by its name, is at several.
std::string addresses_of_machines(const json::object& status) {
    std::map<std::string, std::string> ips;
    for (const json::object& machine : objects_at(status, "machines"))
        ips[text_at(machine, "name")] = text_at(machine, "address");
    using Place = std::pair<std::string, std::string>; // a worker, and where it is
    std::vector<Place> places;
    std::map<Place, std::string> machines;
    for (const json::object& worker : objects_at(status, "workers")) {
        if (worker.contains("gateway_of")) continue;
        const std::string machine = printable_at(worker, "machine");
        for (const std::string& each : urls_of(worker)) {
            const std::string url = url_for_others(printable(each), ips[machine]);
            if (url.empty()) continue;
            const Place place(printable_at(worker, "name"), url);
            std::string& names = machines[place];
            if (names.empty()) places.push_back(place);
            names += (names.empty() ? "" : ", ") + machine;
        }
    }
    Table table({"WORKER", "ADDRESS", "MACHINE"});
    for (const Place& place : places) table.add({place.first, place.second, machines[place]});
    return table.to_string();
}

} // namespace

Result<StatusDocument> fetch_status(const ChosenSite& site, const std::string& machines) {
    const ApiTarget target{"/v1/status", machines.empty() ? std::map<std::string, std::string>()
                                                          : std::map<std::string, std::string>{{"machines", machines}}};
    auto reply = control_get(site.paths.control_socket(), target.to_string(), patience);
    if (reply && reply->status == 404) // a supervisor that knows of no other machines
        reply = control_get(site.paths.control_socket(), target.path, patience);
    if (reply && reply->status == 200) return StatusDocument{reply->body, true};
    if (reply && reply->status == 400)
        return std::unexpected(
            Error{printable_at(parse_object(reply->body), "error"), std::make_error_code(std::errc::invalid_argument)});
    auto recorded = recorded_status(site);
    if (!recorded) return std::unexpected(recorded.error());
    return StatusDocument{std::move(*recorded), false};
}

std::string addresses_table(const std::string& document) {
    const json::object status = parse_object(document);
    if (has_machines(status)) return addresses_of_machines(status);
    Table table({"WORKER", "ADDRESS"});
    for (const json::object& worker : objects_at(status, "workers"))
        for (const std::string& url : urls_of(worker)) table.add({text_at(worker, "name"), url});
    return table.to_string();
}

void print_urls(const ChosenSite& site) {
    if (const auto status = fetch_status(site, "all")) std::fputs(addresses_table(status->text).c_str(), stdout);
}

std::string workers_table(const std::string& document) {
    const json::object status = parse_object(document);
    const bool many = has_machines(status);
    Table table = many ? Table({"MACHINE", "WORKER", "STATE", "READY", "GEN", "CRASH", "HEALTH", "LISTEN"})
                       : Table({"WORKER", "KIND", "STATE", "READY", "GEN", "CRASH", "PLAN", "HEALTH", "LISTEN"});
    std::string remarks;
    for (const json::object& worker : objects_at(status, "workers")) {
        table.add(many ? row_among_machines(worker) : row_of(worker));
        remarks += remarks_on(worker, many ? machine_of(worker) + " " : "");
    }
    const std::string machines = many ? machines_table(status) + "\n" : "";
    return title_of(status) + "\n" + machines + table.to_string() + remarks;
}

std::string processes_table(const std::string& document) {
    const json::object status = parse_object(document);
    const bool many = has_machines(status);
    std::vector<std::string> headings{"WORKER", "PID",    "ROLE", "STATE", "GEN",    "REQUESTS",
                                      "OWN",    "SHARED", "AGE",  "FOR",   "REQUEST"};
    if (many) headings = {"MACHINE", "WORKER", "PID", "ROLE", "STATE", "OWN", "FOR", "REQUEST"};
    Table table(std::move(headings));
    for (const json::object& worker : objects_at(status, "workers"))
        for (const json::object& process : objects_at(worker, "processes")) {
            const json::object request = object_at(process, "request");
            const std::string doing = request.empty() ? "" : text_at(request, "method") + " " + text_at(request, "uri");
            const bool sleeps = text_at(process, "role") == "master" && text_at(process, "phase") == "sleeping";
            const std::string state = sleeps ? "sleeping" : printable_at(process, "state");
            const std::string pid = std::to_string(number_at(process, "pid"));
            const std::string generation = std::to_string(number_at(process, "generation"));
            const std::string own = size_text(number_at(process, "private_bytes"));
            const std::string age = short_age(now_ms() - parse_timestamp(text_at(process, "started_at")));
            const std::string busy_for = request.empty() ? "" : short_age(number_at(request, "age_ms"));
            if (many)
                table.add({machine_of(worker), name_among_machines(worker), pid, printable_at(process, "role"), state,
                           own, busy_for, printable(doing)});
            else
                table.add({text_at(worker, "name"), pid, text_at(process, "role"), state, generation,
                           std::to_string(number_at(process, "requests")), own,
                           size_text(number_at(process, "shared_bytes")), age, busy_for, printable(doing)});
        }
    return table.to_string() + silent_machines(status);
}

int exit_code_of(const StatusDocument& status) {
    if (!status.is_live) return no_supervisor;
    const json::object document = parse_object(status.text);
    int code = all_machines_answered(document) && store_is_followed(document) ? ok : unhealthy;
    for (const json::object& worker : objects_at(document, "workers")) {
        const bool sleeps = text_at(worker, "state") == "ready" && number_at(worker, "wanted") == 0; // a pool on demand
        if (number_at(worker, "ready") == 0 && !sleeps) return not_running;
        if (text_at(worker, "state") != "ready" || text_at(object_at(worker, "health"), "state") == "unhealthy")
            code = unhealthy;
    }
    return code;
}

} // namespace mpsup::cli

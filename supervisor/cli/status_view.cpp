#include "supervisor/cli/status_view.h"

#include "base/joined.h"
#include "state/queries.h"
#include "supervisor/cli/members.h"
#include "supervisor/cli/table.h"
#include "supervisor/cli/terminal.h"
#include "supervisor/control/client.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cstdio>

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

} // namespace

Result<StatusDocument> fetch_status(const ChosenSite& site) {
    const auto reply = control_get(site.paths.control_socket(), "/v1/status", patience);
    if (reply && reply->status == 200) return StatusDocument{reply->body, true};
    auto recorded = recorded_status(site);
    if (!recorded) return std::unexpected(recorded.error());
    return StatusDocument{std::move(*recorded), false};
}

void print_urls(const ChosenSite& site) {
    const auto status = fetch_status(site);
    if (!status) return;
    Table table({"WORKER", "ADDRESS"});
    for (const json::object& worker : objects_at(parse_object(status->text), "workers"))
        for (const std::string& url : urls_of(worker)) table.add({text_at(worker, "name"), url});
    std::fputs(table.to_string().c_str(), stdout);
}

std::string workers_table(const std::string& document) {
    const json::object status = parse_object(document);
    Table table({"WORKER", "KIND", "STATE", "READY", "GEN", "CRASH", "PLAN", "HEALTH", "LISTEN"});
    std::string failures;
    for (const json::object& worker : objects_at(status, "workers")) {
        const std::string state = text_at(worker, "state");
        const json::object health = object_at(worker, "health");
        const json::object restarts = object_at(worker, "restarts");
        table.add({text_at(worker, "name"),
                   text_at(worker, "kind"),
                   {state, colour_of(state)},
                   std::to_string(number_at(worker, "ready")) + "/" + std::to_string(number_at(worker, "wanted")),
                   std::to_string(number_at(worker, "generation")),
                   std::to_string(number_at(restarts, "crash")),
                   std::to_string(number_at(restarts, "planned")),
                   {text_at(health, "state"), colour_of(text_at(health, "state"))},
                   place_of(worker)});
        std::string why = text_at(health, "why");
        if (why.empty() && state != "ready") why = text_at(worker, "last_failure");
        if (const std::string impaired = text_at(worker, "impaired"); !impaired.empty())
            failures += text_at(worker, "name") + ": " + printable(impaired) + "\n";
        if (worker.contains("maintenance"))
            failures +=
                text_at(worker, "name") + ": in maintenance, everything is answered 503 (mpsup maintenance off)\n";
        if (!why.empty()) failures += text_at(worker, "name") + ": " + printable(why) + "\n";
    }
    return title_of(status) + "\n" + table.to_string() + failures;
}

std::string processes_table(const std::string& document) {
    const json::object status = parse_object(document);
    Table table({"WORKER", "PID", "ROLE", "STATE", "GEN", "REQUESTS", "OWN", "SHARED", "AGE", "FOR", "REQUEST"});
    for (const json::object& worker : objects_at(status, "workers"))
        for (const json::object& process : objects_at(worker, "processes")) {
            const json::object request = object_at(process, "request");
            const std::string doing = request.empty() ? "" : text_at(request, "method") + " " + text_at(request, "uri");
            const bool sleeps = text_at(process, "role") == "master" && text_at(process, "phase") == "sleeping";
            table.add({text_at(worker, "name"), std::to_string(number_at(process, "pid")), text_at(process, "role"),
                       sleeps ? "sleeping" : text_at(process, "state"),
                       std::to_string(number_at(process, "generation")), std::to_string(number_at(process, "requests")),
                       size_text(number_at(process, "private_bytes")), size_text(number_at(process, "shared_bytes")),
                       short_age(now_ms() - parse_timestamp(text_at(process, "started_at"))),
                       request.empty() ? "" : short_age(number_at(request, "age_ms")), printable(doing)});
        }
    return table.to_string();
}

int exit_code_of(const StatusDocument& status) {
    if (!status.is_live) return no_supervisor;
    int code = ok;
    for (const json::object& worker : objects_at(parse_object(status.text), "workers")) {
        const bool sleeps = text_at(worker, "state") == "ready" && number_at(worker, "wanted") == 0; // a pool on demand
        if (number_at(worker, "ready") == 0 && !sleeps) return not_running;
        if (text_at(worker, "state") != "ready" || text_at(object_at(worker, "health"), "state") == "unhealthy")
            code = unhealthy;
    }
    return code;
}

} // namespace mpsup::cli

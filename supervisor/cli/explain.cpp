// `mpsup explain`: what would become of a request.
#include "base/joined.h"
#include "supervisor/cli/applied_topology.h"
#include "supervisor/cli/backends_view.h"
#include "supervisor/cli/explanation.h"
#include "supervisor/cli/members.h"
#include "supervisor/cli/terminal.h"
#include "supervisor/cli/topology_file.h"
#include "supervisor/cli/verbs.h"
#include "supervisor/cli/vip_place.h"
#include "supervisor/cli/worker_answers.h"
#include "supervisor/control/client.h"
#include "supervisor/daemon/endpoint.h"
#include "supervisor/topology/key_origin.h"
#include "supervisor/topology/load.h"
#include "supervisor/topology/placement.h"
#include "supervisor/topology/resolve.h"
#include "supervisor/topology/share.h"

#include <boost/json.hpp>

#include <chrono>
#include <cstdio>
#include <expected>
#include <vector>

namespace mpsup::cli {

namespace json = boost::json;

namespace {

// Where the files say what becomes of a request, "/etc/site.yaml:12", if they are still what was brought up.
class Places {
public:
    explicit Places(const AppliedTopology& applied) : files_(topology::load_files(from_path_list(applied.path))) {
        const topology::Whole& whole = applied.topology.whole;
        const std::string digest = whole ? topology::digest_of(topology::to_document(*whole)) : applied.digest;
        is_same_ = files_ && topology::digest_of(topology::to_document(files_->topology)) == digest;
    }

    [[nodiscard]] std::string of(const Way& way) const {
        if (!is_same_) return {};
        auto key = key_of(way);
        auto mark = topology::origin_of(*files_->root, key);
        if (!mark) key.resize(2), mark = topology::origin_of(*files_->root, key); // of the worker at least
        return mark ? files_->files.at(static_cast<std::size_t>(mark->file)) + ":" + std::to_string(mark->line) : "";
    }

private:
    std::expected<topology::Loaded, topology::Problems> files_;
    bool is_same_ = false;
};

std::string target_of(const contract::Route& route) {
    std::string text;
    if (route.target == contract::Route::Target::files) {
        text = "files of " + route.files.root;
        if (!route.files.strip_prefix.empty()) text += " without " + route.files.strip_prefix;
        if (!route.files.try_file.empty()) text += ", else " + route.files.try_file;
        if (route.backends.empty()) return text;
        text += ", else ";
    }
    for (std::size_t i = 0; i < route.backends.size(); ++i)
        text +=
            (i > 0 ? ", " : "") + (i == 0 && !route.pool.empty() ? "pool " + route.pool : route.backends[i].address);
    return text;
}

std::string outcome_of(const Way& way) {
    if (way.path.empty()) return "the path means nothing: 400";
    if (!way.redirect.empty()) {
        const bool is_safe = way.request.method == "GET" || way.request.method == "HEAD";
        return std::string(is_safe ? "307" : "308") + " to " + way.redirect + " (links: redirect)";
    }
    if (way.worker->kind == topology::Kind::dynamic)
        return way.is_file ? "files of " + way.worker->root : "the application of " + way.worker->name;
    if (!way.routing.route) return "no route takes it: 404";
    if (way.worker->kind == topology::Kind::static_files && !way.is_file)
        return "404: " + way.worker->name + " serves " + joined(way.worker->serves, ", ") + " alone";
    const std::string target = target_of(*way.routing.route);
    return way.routing.route->internal
               ? "404: the route is internal, for X-Accel-Redirect of an application (" + target + ")"
               : target;
}

std::string route_text(const Way& way, const std::string& place) {
    const contract::Route& route = *way.routing.route;
    std::string text = "no. " + std::to_string(way.routing.index + 1);
    if (!place.empty()) text += " (" + place + ")";
    if (!route.host.empty()) text += ", host " + route.host;
    return text + ", path " + route.path.text;
}

// What only a supervisor knows of the machines; without one nobody does.
struct MachinesNow {
    MachineNames out{}; // get nothing new
    VipPlace vip{};
};

void print_line(const char* name, const std::string& text) {
    if (!text.empty()) std::printf("%-10s%s\n", name, printable(text).c_str());
}

void print_maintenance(const std::string& worker) {
    print_line("answers", "503: " + worker + " is in maintenance (mpsup maintenance off " + worker + ")");
}

void print_backends(const json::object& explanation) {
    for (const json::object& backend : objects_at(explanation, "backends"))
        print_line("backend", text_at(backend, "address") + ": " + backend_line(backend));
}

void print_explanation(const WorkerAnswer& answer) {
    if (!answer.error.empty()) return print_line("cache", "not known: " + answer.error);
    const json::object explanation = object_at(parse_object(answer.text), "explanation");
    if (is_true(explanation, "maintenance")) print_maintenance(answer.worker);
    if (const auto left = number_at(explanation, "quarantined_for_ms"); left > 0)
        print_line("answers", "503 for " + short_age(left) + ": in quarantine, for it killed whoever served it");
    print_backends(explanation);
    const std::string key = text_at(explanation, "cache_key");
    print_line("cache", text_at(explanation, "cache_state") + (key.empty() ? "" : ", key " + key));
    const json::value* sent = explanation.if_contains("sent");
    if (!sent || !sent->is_array()) return;
    for (const json::value& field : sent->as_array()) {
        const json::array* pair = field.if_array();
        if (pair && pair->size() == 2 && (*pair)[0].is_string() && (*pair)[1].is_string())
            print_line("sends", std::string((*pair)[0].as_string()) + ": " + std::string((*pair)[1].as_string()));
    }
}

json::object to_json(const contract::Route& route, std::size_t index, const std::string& place) {
    json::array backends;
    for (const auto& backend : route.backends) backends.emplace_back(backend.address);
    return {{"number", index + 1},
            {"place", place},
            {"host", route.host},
            {"path", route.path.text},
            {"root", route.files.root},
            {"pool", route.pool},
            {"backends", std::move(backends)},
            {"cache", route.cache.on}};
}

// Who answers, and what on the way there.
json::array hops(const topology::Topology& topology, const std::vector<Way>& ways, const Places& places,
                 const MachinesNow& now) {
    json::array list;
    for (const Way& way : ways)
        list.emplace_back(json::object{{"machine", machine_of(topology, way)},
                                       {"worker", way.worker->name},
                                       {"kind", topology::to_string(way.worker->kind)},
                                       {"place", places.of(way)},
                                       {"outcome", outcome_of(way)},
                                       {"passed_by", json::value_from(passed_by(topology, way, now.out))},
                                       {"file", file_of(way)}});
    return list;
}

// The machine of the way is the one that has it, or else the first that may.
json::value vip_json(const topology::Topology& topology, const Way& way, const VipPlace& place) {
    if (!way.is_at_vip) return nullptr;
    json::object vip{{"address", topology.vip.text()}, {"machine", nullptr}, {"known", place.is_known}};
    if (!place.machine.empty()) vip["machine"] = place.machine;
    return vip;
}

json::object to_json(const topology::Topology& topology, const std::vector<Way>& ways, const Places& places,
                     const MachinesNow& now, const std::optional<WorkerAnswer>& answer) {
    const Way& way = ways.front();
    json::object object{{"version", 1},
                        {"method", way.request.method},
                        {"url", way.request.scheme + "://" + way.request.authority + way.request.target},
                        {"machine", machine_of(topology, way)},
                        {"vip", vip_json(topology, way, now.vip)},
                        {"worker", way.worker->name},
                        {"kind", topology::to_string(way.worker->kind)},
                        {"listener", way.listener ? json::value(way.listener->to_string()) : json::value(nullptr)},
                        {"tls", way.tls},
                        {"path", way.path},
                        {"outcome", outcome_of(way)},
                        {"route", nullptr},
                        {"hops", hops(topology, ways, places, now)}};
    if (way.routing.route) object["route"] = to_json(*way.routing.route, way.routing.index, places.of(way));
    if (answer && answer->error.empty()) object["explanation"] = object_at(parse_object(answer->text), "explanation");
    if (answer && !answer->error.empty()) object["trouble"] = answer->error;
    return object;
}

void print_outcome(const Way& way, const std::string& place) {
    const bool has_route_line = way.worker->kind == topology::Kind::accelerator && way.routing.route;
    if (has_route_line) print_line("route", route_text(way, place));
    print_line("leads to", outcome_of(way) + (has_route_line || place.empty() ? "" : " (" + place + ")"));
    print_line("file", file_of(way));
}

std::string kind_of(const topology::WorkerSpec& worker) {
    return topology::is_gateway(worker) ? "gateway of " + worker.gateway_of
                                        : std::string(topology::to_string(worker.kind));
}

void print_table(const topology::Topology& topology, const std::vector<Way>& ways, const Places& places,
                 const MachinesNow& now, const std::optional<WorkerAnswer>& answer) {
    const Way& way = ways.front();
    print_line("request",
               way.request.method + " " + way.request.scheme + "://" + way.request.authority + way.request.target);
    print_line("machine", machine_of(topology, way) + (way.is_at_vip ? " (" + words_on(now.vip) + ")" : ""));
    print_line("listener", (way.listener ? way.listener->to_string() : "") + (way.tls ? " with TLS, of " : " of ") +
                               way.worker->name + " (" + kind_of(*way.worker) + ")");
    if (way.path != way.request.target.substr(0, way.request.target.find('?'))) print_line("path", way.path);
    std::string machine = machine_of(topology, way);
    for (const Way& each : ways) {
        if (machine_of(topology, each) != machine) print_line("machine", machine = machine_of(topology, each));
        if (&each != &way) print_line("worker", each.worker->name + " (" + kind_of(*each.worker) + ")");
        print_outcome(each, places.of(each));
        const MachineNames passed = passed_by(topology, each, now.out);
        for (const std::string& name : passed) print_line("passes by", name + ": it is drained, and gets nothing new");
        if (!passed.empty() && &each == &ways.back()) print_line("answers", "503: nobody is left to be asked");
    }
    if (answer) print_explanation(*answer);
}

// Others have nothing more to say.
std::optional<WorkerAnswer> asked(const ChosenSite& site, const topology::Topology& topology, const Way& way) {
    if (way.worker->kind != topology::Kind::accelerator) return std::nullopt;
    std::vector<std::string> machines;
    if (std::string machine = machine_of(topology, way); !machine.empty()) machines.push_back(std::move(machine));
    const contract::Question question{.what = contract::Question::What::explain, .request = way.request};
    const auto answers = ask_workers_of(site, machines, {way.worker->name}, question);
    if (!answers) return WorkerAnswer{way.worker->name, answers.error().to_string(), {}};
    return answers->empty() ? std::nullopt : std::optional(answers->front());
}

MachinesNow machines_now(const ChosenSite& site, const topology::Vip& vip) {
    const auto said = [&](const char* path) -> std::string {
        constexpr std::chrono::milliseconds patience{2000};
        auto reply = control_get(site.paths.control_socket(), path, patience);
        return reply && reply->status == 200 ? std::move(reply->body) : "";
    };
    MachinesNow now;
    for (const json::object& machine : objects_at(parse_object(said("/v1/machines")), "machines"))
        if (const std::string state = text_at(machine, "state"); state == "drained" || state == "removed")
            now.out.push_back(text_at(machine, "name"));
    if (!vip.ip.empty()) now.vip = vip_place_in(said("/v1/status"), vip);
    return now;
}

} // namespace

int run_explain(const Context& context, const ExplainOptions& options) {
    auto request = parse_request(options.url, options.method, options.headers);
    if (!request) return complain(request.error().what, usage);
    if (!options.client.empty()) request->client = options.client;
    if (!contract::Cidr::parse_ip(request->client)) return complain(request->client + " is no IP address", usage);
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    const auto last = applied_topology(site->paths);
    if (!last) return complain(last.error().to_string(), failed);
    const std::optional<AppliedTopology>& applied = *last;
    if (!applied) return complain("no topology was brought up yet", failed);
    const topology::FrontPlaces sockets{site->paths.pool_folder(), {}, {}};
    topology::Topology topology = topology::over_all_machines(applied->topology);
    const MachinesNow now = machines_now(*site, topology.vip);
    put_vip(topology.vip, now.vip);
    auto way = way_of(topology, *request, sockets);
    if (!way) return complain(way.error().what, failed);
    const auto answer = asked(*site, topology, *way);
    const std::vector<Way> ways = ways_from(topology, std::move(*way), sockets, now.out);
    const Places places(*applied);
    if (context.output == Output::table)
        print_table(topology, ways, places, now, answer);
    else
        std::printf("%s\n", json::serialize(to_json(topology, ways, places, now, answer)).c_str());
    return ok;
}

} // namespace mpsup::cli

#include "state/queries.h"
#include "supervisor/cli/moment.h"
#include "supervisor/cli/table.h"
#include "supervisor/cli/terminal.h"
#include "supervisor/cli/verbs.h"

#include <boost/json.hpp>

#include <cstdio>

namespace mpsup::cli {

namespace json = boost::json;

namespace {

std::string supervisor_state(const state::PastSite& past) {
    return past.silent_since_ms > 0 ? "unknown" : past.supervisor_runs ? "running" : "stopped";
}

std::string to_json(const ChosenSite& site, std::int64_t at_ms, const state::PastSite& past) {
    json::array workers;
    for (const state::PastState& worker : past.workers)
        workers.emplace_back(json::object{{"name", worker.worker},
                                          {"state", worker.state},
                                          {"generation", worker.generation},
                                          {"ready", worker.ready},
                                          {"wanted", worker.wanted},
                                          {"since_ms", worker.since_ms}});
    return json::serialize(json::object{{"version", 1},
                                        {"site", site.name},
                                        {"at_ms", at_ms},
                                        {"supervisor",
                                         {{"state", supervisor_state(past)},
                                          {"silent_since_ms", past.silent_since_ms},
                                          {"silent_until_ms", past.silent_until_ms}}},
                                        {"workers", std::move(workers)}}) +
           "\n";
}

std::string to_table(const ChosenSite& site, std::int64_t at_ms, const state::PastSite& past) {
    Table table({"WORKER", "STATE", "READY", "GEN", "SINCE"});
    for (const state::PastState& worker : past.workers)
        table.add({worker.worker,
                   {worker.state, colour_of(worker.state)},
                   std::to_string(worker.ready) + "/" + std::to_string(worker.wanted),
                   std::to_string(worker.generation),
                   local_time(worker.since_ms)});
    std::string text =
        "site " + site.name + " at " + full_time(at_ms) + ", supervisor " + supervisor_state(past) + "\n";
    if (past.silent_since_ms > 0)
        text += "it was killed: nothing is recorded from " + full_time(past.silent_since_ms) + " to " +
                full_time(past.silent_until_ms) + "; the last that is known:\n";
    return text + table.to_string();
}

} // namespace

int run_status_at(const Context& context, const std::string& when) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    const std::int64_t now = now_ms();
    const std::int64_t at_ms = parse_moment(when, now).value_or(now);
    if (at_ms > now) return complain(full_time(at_ms) + " is still to come", usage);
    const auto queries = state::Queries::open(site->paths.database());
    if (!queries) return complain(queries.error().to_string(), failed);
    const auto past = queries->site_at(at_ms);
    if (!past) return complain(past.error().to_string(), failed);
    if (past->begins_ms == 0) return complain("nothing is recorded yet", failed);
    if (at_ms < past->begins_ms)
        return complain("nothing is recorded of " + full_time(at_ms) + ": the history begins at " +
                            full_time(past->begins_ms),
                        failed);
    const bool as_table = context.output == Output::table;
    std::fputs((as_table ? to_table : to_json)(*site, at_ms, *past).c_str(), stdout);
    return ok;
}

} // namespace mpsup::cli

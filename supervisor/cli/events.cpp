#include "state/queries.h"
#include "supervisor/cli/follow.h"
#include "supervisor/cli/moment.h"
#include "supervisor/cli/terminal.h"
#include "supervisor/cli/verbs.h"

#include <boost/json.hpp>

#include <cstdio>

namespace mpsup::cli {

namespace json = boost::json;

namespace {

json::object to_json(const state::RecordedEvent& recorded) {
    const state::EventRow& event = recorded.event;
    json::object object{{"id", recorded.id},
                        {"at_ms", event.at.wall_ms},
                        {"event", state::to_string(event.kind)},
                        {"worker", event.worker},
                        {"generation", event.generation},
                        {"pid", event.pid},
                        {"signal", nullptr},
                        {"exit_code", nullptr},
                        {"reason", event.reason},
                        {"restarts", {{"crash", event.crash_restarts}, {"planned", event.planned_restarts}}}};
    if (event.exit && event.exit->kind() == ExitStatus::Kind::signalled) object["signal"] = event.exit->signal();
    if (event.exit && event.exit->kind() == ExitStatus::Kind::exited) object["exit_code"] = event.exit->code();
    return object;
}

std::string to_line(const state::EventRow& event) {
    std::string line = local_time(event.at.wall_ms) + "  " + (event.worker.empty() ? "-" : event.worker);
    if (event.generation > 0) line += " gen " + std::to_string(event.generation);
    line += "  " + std::string(state::to_string(event.kind));
    if (event.pid > 0) line += " pid " + std::to_string(event.pid);
    if (event.exit) line += ", " + event.exit->to_string();
    if (!event.reason.empty()) line += ": " + printable(event.reason);
    return line;
}

void print(const Context& context, const std::vector<state::RecordedEvent>& events) {
    if (context.output == Output::json) {
        json::array list;
        for (const auto& event : events) list.emplace_back(to_json(event));
        std::printf("%s\n", json::serialize(json::object{{"version", 1}, {"events", std::move(list)}}).c_str());
    } else {
        for (const auto& event : events)
            std::printf("%s\n", context.output == Output::jsonl ? json::serialize(to_json(event)).c_str()
                                                                : to_line(event.event).c_str());
    }
    std::fflush(stdout);
}

} // namespace

int run_events(const Context& context, const EventsOptions& options) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    const auto queries = state::Queries::open(site->paths.database());
    if (!queries) return complain(queries.error().to_string(), failed);
    state::EventFilter filter;
    filter.worker = options.worker;
    filter.since_ms = parse_moment(options.since, now_ms()).value_or(0);
    filter.limit = static_cast<std::size_t>(options.count);
    auto events = queries->events(filter);
    if (!events) return complain(events.error().to_string(), failed);
    print(context, *events);
    if (!options.follow) return ok;
    auto watch = FolderWatch::open(site->paths.state_dir());
    if (!watch) return complain(watch.error().to_string(), failed);
    for (;;) {
        if (!events->empty()) filter.after_id = events->back().id;
        events = queries->events(filter);
        if (!events) return complain(events.error().to_string(), failed);
        if (events->empty())
            watch->wait();
        else
            print(context, *events);
    }
}

} // namespace mpsup::cli

#include "state/queries.h"
#include "supervisor/cli/follow.h"
#include "supervisor/cli/machines_stream.h"
#include "supervisor/cli/members.h"
#include "supervisor/cli/moment.h"
#include "supervisor/cli/reach.h"
#include "supervisor/cli/table.h"
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

std::int64_t since_of(const EventsOptions& options) {
    return options.reader.since_ms.value_or(parse_moment(options.since, now_ms()).value_or(0));
}

int count_of(const EventsOptions& options) { return options.count.value_or(usual_count(since_of(options) > 0)); }

// `machine`: empty where there is one.
std::string to_line(const state::EventRow& event, const std::string& what, const std::string& machine) {
    std::string line = local_time(event.at.wall_ms) + "  ";
    if (!machine.empty()) line += machine + "  "; // as wide as it is: lines come one at a time
    line += event.worker.empty() ? "-" : event.worker;
    if (event.generation > 0) line += " gen " + std::to_string(event.generation);
    line += "  " + what;
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
            std::printf("%s\n",
                        context.output == Output::jsonl
                            ? json::serialize(to_json(event)).c_str()
                            : to_line(event.event, std::string(state::to_string(event.event.kind)), {}).c_str());
    }
    std::fflush(stdout);
}

// The event of another machine, as that one wrote it.
std::string to_line(const json::object& event) {
    state::EventRow row;
    row.at.wall_ms = number_at(event, "at_ms");
    row.worker = printable_at(event, "worker");
    row.generation = static_cast<std::uint64_t>(number_at(event, "generation"));
    row.pid = static_cast<pid_t>(number_at(event, "pid"));
    row.reason = text_at(event, "reason");
    if (const auto signal = number_at(event, "signal"); signal > 0)
        row.exit = ExitStatus::signalled(static_cast<int>(signal));
    else if (event.contains("exit_code") && event.at("exit_code").is_int64())
        row.exit = ExitStatus::exited(static_cast<int>(number_at(event, "exit_code")));
    return to_line(row, printable_at(event, "event"), printable_at(event, "machine"));
}

int events_of_machines(const Context& context, const ChosenSite& site, const EventsOptions& options,
                       const std::string& machines) {
    ApiTarget target{"/v1/events", {{"machines", machines}, {"lines", std::to_string(count_of(options))}}};
    if (!options.worker.empty()) target.values["worker"] = options.worker;
    if (const auto since = since_of(options)) target.values["since_ms"] = std::to_string(since);
    if (options.follow) target.values["follow"] = "1";
    json::array list;
    const StreamEnd end = read_machines(site, std::move(target), [&](const json::object& event) {
        if (context.output == Output::json)
            list.push_back(event);
        else
            std::printf("%s\n", context.output == Output::jsonl ? json::serialize(event).c_str()
                                                                : cut(to_line(event), page_width()).c_str());
        std::fflush(stdout);
    });
    if (context.output == Output::json && end.code != usage) {
        json::object document{{"version", 1}, {"events", std::move(list)}};
        add_silent(document, end.silent);
        std::printf("%s\n", json::serialize(document).c_str());
    }
    return end.code;
}

} // namespace

int run_events(const Context& context, const EventsOptions& options) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    if (!options.reader.here) {
        const auto machines = reach_of(context, *site);
        if (!machines) return machines.error();
        // NOLINTNEXTLINE(bugprone-unchecked-optional-access): it was asked just now
        if (*machines) return events_of_machines(context, *site, options, machines->value());
    }
    const auto queries = state::Queries::open(site->paths.database());
    if (!queries) return complain(queries.error().to_string(), failed);
    state::EventFilter filter;
    filter.worker = options.worker;
    filter.since_ms = since_of(options);
    filter.limit = static_cast<std::size_t>(count_of(options));
    auto events = queries->events(filter);
    if (!events) return complain(events.error().to_string(), failed);
    print(context, *events);
    if (!options.follow) return ok;
    if (options.reader.here) tell_live();
    auto watch = FolderWatch::open(site->paths.state_dir());
    if (!watch) return complain(watch.error().to_string(), failed);
    for (;;) {
        if (!events->empty()) filter.after_id = events->back().id;
        events = queries->events(filter);
        if (!events) return complain(events.error().to_string(), failed);
        if (!events->empty())
            print(context, *events);
        else if (!watch->wait())
            return ok;
    }
}

} // namespace mpsup::cli

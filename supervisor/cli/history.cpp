#include "base/joined.h"
#include "state/queries.h"
#include "supervisor/cli/moment.h"
#include "supervisor/cli/table.h"
#include "supervisor/cli/terminal.h"
#include "supervisor/cli/topologies_view.h"
#include "supervisor/cli/verbs.h"
#include "supervisor/control/client.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cstdio>
#include <sstream>

namespace mpsup::cli {

namespace json = boost::json;

namespace {

constexpr std::size_t last_lines_shown = 3; // in the table; the JSON has all
constexpr std::size_t digest_shown = 19;    // "sha256:" and twelve digits

/// Something that happened, ready to be shown.
struct Entry {
    std::int64_t at_ms = 0;
    std::string what;
    std::string worker;
    Table::Cell how{""};
    std::vector<std::string> below{};
    json::object object{};
};

struct Past {
    std::vector<Entry> entries; // oldest first
    std::vector<state::RestartCounts> restarts;
    std::vector<ClusterChange> applied{}; // to the cluster, oldest first
};

Colour colour_of_verdict(state::Verdict verdict) {
    if (verdict == state::Verdict::done) return Colour::green;
    return verdict == state::Verdict::running || verdict == state::Verdict::unjudged ? Colour::yellow : Colour::red;
}

json::value json_of(const std::string& text) {
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    return error ? json::value(nullptr) : value;
}

Entry entry_of(const state::RolloutRow& rollout) {
    Entry entry{.at_ms = rollout.started.wall_ms, .what = rollout.verb, .worker = joined(rollout.workers, ",")};
    std::string how(state::to_string(rollout.verdict));
    json::object object{{"type", "rollout"},
                        {"at_ms", rollout.started.wall_ms},
                        {"uuid", rollout.uuid},
                        {"verb", rollout.verb},
                        {"workers", json::value_from(rollout.workers)},
                        {"from_generation", rollout.from_generation},
                        {"to_generation", rollout.to_generation},
                        {"digest", rollout.digest},
                        {"verdict", state::to_string(rollout.verdict)},
                        {"ended_ms", nullptr},
                        {"exit_code", nullptr},
                        {"reason", rollout.reason},
                        {"detail", json_of(rollout.detail)}};
    if (rollout.ended) {
        const auto length = rollout.ended->wall_ms - rollout.started.wall_ms;
        object["ended_ms"] = rollout.ended->wall_ms;
        if (rollout.verdict != state::Verdict::interrupted) {
            how += " in " + length_text(length);
            object["exit_code"] = rollout.exit_code;
        }
    }
    if (!rollout.reason.empty()) how += ": " + printable(rollout.reason);
    entry.how = {how, colour_of_verdict(rollout.verdict)};
    entry.object = std::move(object);
    return entry;
}

Entry entry_of(const state::RecordedCrash& crash) {
    const state::ProcessRow& row = crash.process.row;
    Entry entry{.at_ms = crash.at_ms, .what = "crash", .worker = row.worker};
    std::string how = std::string(state::to_string(row.role)) + " pid " + std::to_string(crash.process.pid) + ", " +
                      crash.status.to_string();
    if (crash.reason != "crash") how += ": " + printable(crash.reason);
    entry.how = {how, Colour::red};
    std::istringstream lines(crash.last_lines);
    for (std::string line; std::getline(lines, line);) entry.below.push_back(printable(line));
    entry.object = {{"type", "crash"},
                    {"at_ms", crash.at_ms},
                    {"worker", row.worker},
                    {"generation", row.generation},
                    {"role", state::to_string(row.role)},
                    {"pid", crash.process.pid},
                    {"signal", nullptr},
                    {"exit_code", nullptr},
                    {"reason", crash.reason},
                    {"last_lines", json::value_from(entry.below)}};
    if (crash.status.kind() == ExitStatus::Kind::signalled) entry.object["signal"] = crash.status.signal();
    if (crash.status.kind() == ExitStatus::Kind::exited) entry.object["exit_code"] = crash.status.code();
    if (entry.below.size() > last_lines_shown)
        entry.below.erase(entry.below.begin(), entry.below.end() - std::ptrdiff_t{last_lines_shown});
    return entry;
}

Entry entry_of(const state::TopologyRow& topology) {
    Entry entry{.at_ms = topology.at.wall_ms, .what = "topology", .worker = "-"};
    entry.how = topology.digest.substr(0, digest_shown) + " " + printable(topology.path);
    entry.object = {
        {"type", "topology"}, {"at_ms", topology.at.wall_ms}, {"digest", topology.digest}, {"path", topology.path}};
    return entry;
}

Entry entry_of(const state::RecordedEvent& recorded) {
    const state::EventRow& event = recorded.event;
    Entry entry{.at_ms = event.at.wall_ms,
                .what = std::string(state::to_string(event.kind)),
                .worker = event.worker.empty() ? "-" : event.worker};
    if (entry.what.starts_with("supervisor_")) {
        entry.how = entry.what.substr(entry.what.find('_') + 1) + (event.reason.empty() ? "" : ", " + event.reason);
        entry.what = "supervisor";
    } else {
        entry.how = printable(event.reason);
    }
    entry.object = {{"type", state::to_string(event.kind)},
                    {"at_ms", event.at.wall_ms},
                    {"worker", event.worker},
                    {"reason", event.reason}};
    return entry;
}

// Adds what a query found, or remembers why it found nothing.
template <typename Rows> void add(Past& past, std::optional<Error>& trouble, const Result<Rows>& rows) {
    if (!rows) {
        trouble = rows.error();
        return;
    }
    for (const auto& row : *rows) past.entries.push_back(entry_of(row));
}

Result<Past> look_back(const state::Queries& queries, const state::PastFilter& filter) {
    using state::EventKind;
    state::EventFilter events{.worker = filter.worker, .since_ms = filter.since_ms, .limit = filter.limit};
    events.kinds = {EventKind::failed};
    if (filter.worker.empty())
        events.kinds = {
            EventKind::supervisor_started, EventKind::supervisor_stopped, EventKind::adopted, EventKind::failed,
            EventKind::store_damaged,      EventKind::store_recovered};
    Past past;
    std::optional<Error> trouble;
    if (filter.worker.empty()) add(past, trouble, queries.topologies(filter));
    add(past, trouble, queries.events(events));
    add(past, trouble, queries.rollouts(filter));
    add(past, trouble, queries.crashes(filter));
    auto counts = queries.restart_counts(filter);
    if (!counts) return std::unexpected(counts.error());
    if (trouble) return std::unexpected(*trouble);
    past.restarts = std::move(*counts);
    std::ranges::stable_sort(past.entries, {}, &Entry::at_ms);
    if (past.entries.size() > filter.limit)
        past.entries.erase(past.entries.begin(), past.entries.end() - static_cast<std::ptrdiff_t>(filter.limit));
    return past;
}

json::object to_json(const state::RestartCounts& counts) {
    return {{"worker", counts.worker}, {"crash", counts.crashes}, {"planned", counts.planned}};
}

void print_json(const Past& past, bool as_lines) {
    json::array entries;
    json::array restarts;
    const bool in_cluster = !past.applied.empty();
    for (const Entry& entry : past.entries) entries.emplace_back(entry.object);
    for (const auto& counts : past.restarts) restarts.emplace_back(to_json(counts));
    if (!as_lines) {
        json::object document{{"version", 1}, {"history", entries}, {"restarts", restarts}};
        if (in_cluster) document["topologies"] = topologies_json(past.applied);
        if (in_cluster) document["changes"] = changes_json(past.applied);
        std::printf("%s\n", json::serialize(document).c_str());
        return;
    }
    const auto print = [](json::array list, const char* type) {
        for (json::value& each : list) {
            each.as_object()["type"] = type;
            std::printf("%s\n", json::serialize(each).c_str());
        }
    };
    print(topologies_json(past.applied), "applied");
    print(changes_json(past.applied), "changed");
    for (const auto& entry : entries) std::printf("%s\n", json::serialize(entry).c_str());
    for (const auto& counts : past.restarts) {
        json::object line = to_json(counts);
        line["type"] = "restarts";
        std::printf("%s\n", json::serialize(line).c_str());
    }
}

void print_tables(const Past& past) {
    Table table({"WHEN", "WHAT", "WORKER", "HOW"});
    constexpr std::size_t widest_worker = 24;
    constexpr std::size_t indent = 4;
    if (!past.applied.empty()) std::printf("%s\nof this machine alone:\n", topologies_table(past.applied).c_str());
    for (const Entry& entry : past.entries) {
        const std::string worker = entry.worker.empty() ? "all" : printable(entry.worker);
        table.add(
            {local_time(entry.at_ms), printable(entry.what).substr(0, 14), cut(worker, widest_worker), entry.how});
        for (const std::string& line : entry.below)
            table.add_below(std::string(indent, ' ') + cut(line, page_width() - indent));
    }
    std::fputs(past.entries.empty() ? "nothing is on record\n" : table.to_string().c_str(), stdout);
    if (past.restarts.empty()) return;
    Table counts({"RESTARTS OF", "CRASH", "PLAN"});
    for (const auto& each : past.restarts)
        counts.add({printable(each.worker), std::to_string(each.crashes), std::to_string(each.planned)});
    std::printf("\n%s", counts.to_string().c_str());
}

// The last ones of those that the cluster remembers; none without one, or without a supervisor.
std::vector<ClusterChange> applied_to_cluster(const ChosenSite& site, const state::PastFilter& filter) {
    constexpr std::chrono::milliseconds patience{2000};
    const auto reply = control_get(site.paths.control_socket(), "/v1/topologies", patience);
    if (!reply || reply->status != 200) return {};
    auto applied = applied_topologies(reply->body);
    const auto is_of_worker = [&](const ClusterChange& each) {
        return !each.kind.empty() &&
               (each.workers.empty() || std::ranges::find(each.workers, filter.worker) != each.workers.end());
    };
    std::erase_if(applied, [&](const ClusterChange& each) {
        return each.at_ms < filter.since_ms || (!filter.worker.empty() && !is_of_worker(each));
    });
    if (applied.size() > filter.limit)
        applied.erase(applied.begin(), applied.end() - static_cast<std::ptrdiff_t>(filter.limit));
    return applied;
}

} // namespace

int run_history(const Context& context, const HistoryOptions& options) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    const auto queries = state::Queries::open(site->paths.database());
    if (!queries) return complain(queries.error().to_string(), failed);
    const std::int64_t since = parse_moment(options.since, now_ms()).value_or(0);
    const int count = options.count.value_or(usual_count(since > 0));
    const state::PastFilter filter{
        .worker = options.worker, .since_ms = since, .limit = static_cast<std::size_t>(count)};
    auto past = look_back(*queries, filter);
    if (!past) return complain(past.error().to_string(), failed);
    past->applied = applied_to_cluster(*site, filter);
    if (context.output == Output::table)
        print_tables(*past);
    else
        print_json(*past, context.output == Output::jsonl);
    return ok;
}

} // namespace mpsup::cli

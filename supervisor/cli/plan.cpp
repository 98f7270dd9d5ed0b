// `mpsup plan`: what `up` would change.
#include "base/joined.h"
#include "supervisor/cli/applied_topology.h"
#include "supervisor/cli/machines_view.h"
#include "supervisor/cli/members.h"
#include "supervisor/cli/status_view.h"
#include "supervisor/cli/terminal.h"
#include "supervisor/cli/topology_file.h"
#include "supervisor/cli/verbs.h"
#include "supervisor/control/client.h"
#include "supervisor/daemon/history.h"
#include "supervisor/daemon/up_steps.h"
#include "supervisor/topology/moved.h"
#include "supervisor/topology/resolve.h"
#include "supervisor/topology/share.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cstdio>

namespace mpsup::cli {

namespace json = boost::json;

namespace {

// What runs; without workers when no supervisor does.
Result<topology::Topology> running(const SitePaths& paths) {
    if (!check_control_socket(paths.control_socket())) return topology::Topology{};
    auto last = applied_topology(paths);
    if (!last) return std::unexpected(last.error());
    std::optional<AppliedTopology>& applied = *last;
    return applied ? std::move(applied->topology) : topology::Topology{};
}

struct Plan {
    std::string machine; // empty: there is one
    std::vector<UpStep> steps;
    std::string note{}; // what else runs there than the steps begin with
};

// Each machine's, in the order of the file; those that leave come last.
std::vector<Plan> plans(const topology::Topology& before, const topology::Topology& wanted) {
    const auto now = wall_clock_ms();
    if (!topology::is_for_several(before) && !topology::is_for_several(wanted))
        return {{{}, steps_of_up(before, with_moved(before, wanted, now))}};
    std::vector<Plan> all;
    const auto add = [&](const topology::Machine& machine) {
        if (std::ranges::find(all, machine.name, &Plan::machine) != all.end()) return;
        topology::Topology old; // nothing of it, unless a cluster runs it
        if (before.whole) old = machine.name == before.here ? before : share_of(before, machine.name);
        all.push_back({machine.name, steps_of_up(old, with_moved(old, share_of(wanted, machine.name), now))});
    };
    std::ranges::for_each(wanted.machines, add);
    if (before.whole) std::ranges::for_each(before.machines, add);
    return all;
}

// Those of --machine; what is wrong with that.
std::string narrow(std::vector<Plan>& all, const std::vector<std::string>& machines) {
    if (machines.empty()) return {};
    std::vector<std::string> known;
    for (const Plan& plan : all) known.push_back(plan.machine);
    if (known.front().empty()) return "the topology is for one machine: there is none to choose";
    if (std::string unknown = unknown_among("machine", machines, known); !unknown.empty()) return unknown;
    std::erase_if(all, [&](const Plan& plan) { return std::ranges::find(machines, plan.machine) == machines.end(); });
    return {};
}

// Of a machine's share.
std::string digest_at(const std::string& document, const std::string& machine) {
    return document.empty() ? "" : topology::digest_of(topology::document_of_share(document, machine));
}

// The steps are those of machines that run what this one does.
void note_what_others_run(const ChosenSite& site, const topology::Topology& before, std::vector<Plan>& all) {
    if (all.front().machine.empty()) return;
    const auto status = fetch_status(site, "all");
    if (!status || !status->is_live) return;
    const std::vector<json::object> machines = objects_at(parse_object(status->text), "machines");
    const auto here = std::ranges::find_if(machines, [](const json::object& each) { return is_true(each, "here"); });
    if (here == machines.end()) return;
    const auto number = number_at(*here, "number");
    const std::string document = before.whole ? topology::to_document(*before.whole) : std::string();
    // This mpsup may write another document of it than that which brought it up.
    const bool is_as_brought_up =
        text_at(object_at(*here, "topology"), "digest") == digest_at(document, text_at(*here, "name"));
    for (const json::object& machine : machines) {
        const auto plan = std::ranges::find(all, text_at(machine, "name"), &Plan::machine);
        if (plan == all.end() || is_true(machine, "here")) continue;
        plan->note = what_else_runs(machine, number, is_as_brought_up ? digest_at(document, plan->machine) : "");
        if (plan->note.empty()) continue;
        plan->note +=
            "; these steps begin with " + (number > 0 ? "topology " + std::to_string(number) : std::string("nothing"));
    }
}

void print_table(const std::vector<Plan>& all) {
    for (const auto& [machine, steps, note] : all) {
        int number = 0;
        if (!machine.empty()) std::printf("%s:%s\n", machine.c_str(), steps.empty() ? " nothing changes" : "");
        if (!note.empty()) std::printf("    (%s)\n", printable(note).c_str());
        for (const UpStep& step : steps)
            std::printf("%2d  %-8s%s%s\n", ++number, step.verb.c_str(), printable(step.object).c_str(),
                        step.why.empty() ? "" : (" (" + printable(step.why) + ")").c_str());
        if (machine.empty() && steps.empty()) std::printf("nothing changes\n");
    }
}

void print_json(const std::string& site, const std::vector<Plan>& all) {
    json::array list;
    json::array notes;
    for (const auto& [machine, steps, note] : all) {
        for (const UpStep& step : steps) {
            json::object one{{"step", step.verb}, {"object", step.object}, {"why", step.why}};
            if (!machine.empty()) one["machine"] = machine;
            list.push_back(std::move(one));
        }
        if (!note.empty()) notes.emplace_back(json::object{{"machine", machine}, {"note", note}});
    }
    const json::object plan{{"version", 1}, {"site", site}, {"steps", std::move(list)}, {"notes", std::move(notes)}};
    std::printf("%s\n", json::serialize(plan).c_str());
}

} // namespace

int run_plan(const Context& context, const std::vector<std::string>& files) {
    const auto wanted = read_topology(files, context.quiet);
    if (!wanted) return bad_topology;
    const auto base = context.base_dirs();
    if (!base) return complain(base.error().to_string(), failed);
    const ChosenSite site{wanted->site, SitePaths(*base, wanted->site)};
    const auto before = running(site.paths);
    if (!before) return complain(before.error().to_string(), failed);
    std::vector<Plan> all = plans(*before, *wanted);
    if (const std::string wrong = narrow(all, context.machines); !wrong.empty()) return complain(wrong, usage);
    note_what_others_run(site, *before, all);
    if (context.output == Output::table)
        print_table(all);
    else
        print_json(wanted->site, all);
    return ok;
}

} // namespace mpsup::cli

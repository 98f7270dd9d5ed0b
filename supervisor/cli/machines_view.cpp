#include "supervisor/cli/machines_view.h"

#include "supervisor/cli/members.h"
#include "supervisor/cli/table.h"
#include "supervisor/cli/terminal.h"

#include <algorithm>

namespace mpsup::cli {

namespace json = boost::json;

namespace {

// So that the columns of workers and their health fit 80 characters.
constexpr std::size_t widest_machine = 12;
constexpr std::size_t widest_worker = 20;
constexpr std::size_t widest_holder = 30; // beside the longest address

std::string column(const json::object& object, std::string_view key, std::size_t widest) {
    const std::string text = printable_at(object, key);
    return page_width() == endless ? text : cut(text, widest);
}

Colour colour_of_machine(const std::string& state) {
    if (state == "living" || state == "well") return Colour::green;
    if (state == "removed") return Colour::dim;
    return state == "cordoned" || state == "drained" || state == "unknown" ? Colour::yellow : Colour::red;
}

// Nobody counts on it, so it need not answer.
bool is_removed(const json::object& machine) { return printable_at(machine, "state") == "removed"; }

bool is_silent(const json::object& machine) { return !is_true(machine, "answered") && !is_removed(machine); }

std::string remark_on(const json::object& machine) {
    const std::string note = printable_at(machine, "note");
    const std::string state = printable_at(machine, "state");
    if (is_true(machine, "answered") || is_removed(machine) || state == "unknown") return note;
    return "does not answer: " + printable_at(machine, "why") + (note.empty() ? "" : "; " + note);
}

std::string trouble_of_store(const json::object& status) {
    if (store_is_followed(status)) return {};
    const json::object cluster = object_at(status, "cluster");
    const std::string state = printable_at(cluster, "state");
    const std::string why = printable_at(cluster, "why");
    const std::string since = printable_at(cluster, "since");
    return coloured("cluster: " + state + (since.empty() ? "" : " since " + since) + (why.empty() ? "" : ", " + why),
                    Colour::red) +
           "\n";
}

std::string vip_lines(const json::object& status) {
    const json::object cluster = object_at(status, "cluster");
    const bool is_heard = printable_at(cluster, "state") == "connected";
    std::string text;
    for (const json::object& vip : objects_at(cluster, "vips")) {
        const std::string machine = column(vip, "machine", widest_holder);
        const std::string nobody = coloured(is_heard ? "no machine has it" : "who has it is not known", Colour::red);
        text += "vip " + printable_at(vip, "address") + ": " + (machine.empty() ? nobody : machine) + "\n";
    }
    return text;
}

} // namespace

bool has_machines(const json::object& status) {
    const json::value* machines = status.if_contains("machines");
    return machines && machines->is_array();
}

bool store_is_followed(const json::object& status) {
    const std::string state = text_at(object_at(status, "cluster"), "state");
    return state.empty() || state == "connected";
}

bool all_machines_answered(const json::object& status) {
    return std::ranges::none_of(objects_at(status, "machines"), is_silent);
}

std::string machines_table(const json::object& status) {
    Table table({"MACHINE", "STATE", "TOPOLOGY", "ADDRESS", "REMARK"});
    for (const json::object& machine : objects_at(status, "machines")) {
        const std::string state = printable_at(machine, "state");
        const auto number = number_at(machine, "number");
        table.add({column(machine, "name", widest_machine),
                   {state, colour_of_machine(state)},
                   number > 0 ? std::to_string(number) : "-",
                   printable_at(machine, "address"),
                   {remark_on(machine), is_silent(machine) ? Colour::red : Colour::none}});
    }
    return trouble_of_store(status) + table.to_string() + vip_lines(status);
}

std::string silent_machines(const json::object& status) {
    std::string text;
    for (const json::object& machine : objects_at(status, "machines"))
        if (is_silent(machine))
            text += coloured(printable_at(machine, "name") + " does not answer: " + printable_at(machine, "why"),
                             Colour::red) +
                    "\n";
    return text;
}

std::string what_else_runs(const json::object& machine, std::int64_t number, std::string_view digest) {
    if (!is_true(machine, "answered"))
        return "does not say what it runs (" + text_at(machine, "state") + ": " + text_at(machine, "why") + ")";
    const auto runs = number_at(machine, "number");
    if (runs != number) return "runs " + (runs > 0 ? "topology " + std::to_string(runs) : "no topology of the cluster");
    const bool is_that = number == 0 || digest.empty() || text_at(object_at(machine, "topology"), "digest") == digest;
    return is_that ? "" : "runs a worker of another topology, as after `rollback WORKER`";
}

std::string machine_of(const json::object& worker) { return column(worker, "machine", widest_machine); }

std::string name_among_machines(const json::object& worker) { return column(worker, "name", widest_worker); }

} // namespace mpsup::cli

#include "supervisor/cli/backends_view.h"

#include "supervisor/cli/machines_view.h"
#include "supervisor/cli/members.h"
#include "supervisor/cli/table.h"
#include "supervisor/cli/terminal.h"

#include <algorithm>

namespace mpsup::cli {

namespace json = boost::json;

namespace {

Colour colour_of_backend(const std::string& state) {
    if (state == "up") return Colour::green;
    return state == "slow start" ? Colour::yellow : Colour::red;
}

// "passed 2s ago"
std::string check_text(const json::object& backend) {
    const json::object check = object_at(backend, "check");
    if (check.empty()) return {};
    return std::string(is_true(check, "passed") ? "passed " : "failed ") + short_age(number_at(check, "ago_ms")) +
           " ago";
}

} // namespace

std::string backend_state(const json::object& backend) {
    const auto left = number_at(backend, "left_ms");
    return printable_at(backend, "state") + (left > 0 ? ", " + short_age(left) + " left" : "");
}

std::string backend_line(const json::object& backend) {
    std::string text = backend_state(backend) + ", " + std::to_string(number_at(backend, "in_flight")) + " in flight";
    if (const auto failures = number_at(backend, "failures"); failures > 0)
        text += ", " + std::to_string(failures) + " failed in a row";
    const std::string check = check_text(backend);
    return check.empty() ? text : text + ", check " + check;
}

bool has_accelerator(const std::string& document) {
    const auto workers = objects_at(parse_object(document), "workers");
    return std::ranges::any_of(workers,
                               [](const json::object& worker) { return text_at(worker, "kind") == "accelerator"; });
}

std::vector<std::string> machines_with_accelerators(const std::string& document) {
    const json::object status = parse_object(document);
    std::vector<std::string> machines;
    if (!has_machines(status)) return machines;
    for (const json::object& worker : objects_at(status, "workers"))
        if (text_at(worker, "kind") == "accelerator") machines.push_back(text_at(worker, "machine"));
    const auto twice = std::ranges::unique(machines); // workers of a machine stand together
    machines.erase(twice.begin(), twice.end());
    return machines;
}

std::string with_backends(const std::string& document, const std::vector<WorkerAnswer>& answers) {
    json::object status = parse_object(document);
    json::value* workers = status.if_contains("workers");
    if (!workers || !workers->is_array()) return document;
    const bool many = has_machines(status);
    for (json::value& each : workers->as_array()) {
        json::object* worker = each.if_object();
        if (!worker) continue;
        const std::string name = text_at(*worker, "name");
        const std::string machine = text_at(*worker, "machine");
        for (const WorkerAnswer& answer : answers) {
            if (name.empty() || answer.worker != name || !answer.error.empty()) continue;
            if (many && answer.machine != machine) continue;
            json::array list;
            for (json::object& backend : objects_at(parse_object(answer.text), "backends"))
                list.push_back(std::move(backend));
            if (!list.empty()) (*worker)["backends"] = std::move(list);
        }
    }
    return json::serialize(status);
}

std::string backends_table(const std::string& document) {
    const json::object status = parse_object(document);
    const bool many = has_machines(status);
    std::vector<std::string> headings{"BACKEND", "WORKER", "STATE", "BUSY", "FAILED", "CHECK", "ROUTE"};
    if (many) headings.insert(headings.begin(), "MACHINE");
    Table table(std::move(headings));
    bool is_empty = true;
    for (const json::object& worker : objects_at(status, "workers"))
        for (const json::object& backend : objects_at(worker, "backends")) {
            is_empty = false;
            const std::string check = check_text(backend);
            std::vector<Table::Cell> row{printable_at(backend, "address"),
                                         printable_at(worker, "name"),
                                         {backend_state(backend), colour_of_backend(text_at(backend, "state"))},
                                         std::to_string(number_at(backend, "in_flight")),
                                         std::to_string(number_at(backend, "failures")),
                                         check.empty() ? "-" : check,
                                         printable_at(backend, "path")};
            if (many) row.insert(row.begin(), printable_at(worker, "machine"));
            table.add(std::move(row));
        }
    return is_empty ? std::string() : table.to_string();
}

} // namespace mpsup::cli

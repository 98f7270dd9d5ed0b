#include "supervisor/cli/backends_view.h"

#include "supervisor/cli/table.h"
#include "supervisor/cli/terminal.h"

#include <algorithm>

namespace mpsup::cli {

namespace json = boost::json;

namespace {

std::string text_at(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    return value && value->is_string() ? printable(std::string(value->as_string())) : std::string();
}

std::int64_t number_at(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    return value && value->is_int64() ? value->as_int64() : 0;
}

std::vector<json::object> objects_at(const json::object& object, std::string_view key) {
    std::vector<json::object> list;
    const json::value* value = object.if_contains(key);
    if (value && value->is_array())
        for (const json::value& item : value->as_array())
            if (item.is_object()) list.push_back(item.as_object());
    return list;
}

json::object parse(const std::string& text) {
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    return !error && value.is_object() ? value.as_object() : json::object();
}

Colour colour_of_backend(const std::string& state) {
    if (state == "up") return Colour::green;
    return state == "slow start" ? Colour::yellow : Colour::red;
}

// "passed 2s ago"
std::string check_text(const json::object& backend) {
    const json::value* check = backend.if_contains("check");
    if (!check || !check->is_object()) return {};
    const json::value* passed = check->as_object().if_contains("passed");
    const bool has_passed = passed && passed->is_bool() && passed->as_bool();
    return std::string(has_passed ? "passed " : "failed ") + short_age(number_at(check->as_object(), "ago_ms")) +
           " ago";
}

} // namespace

std::string backend_state(const json::object& backend) {
    const auto left = number_at(backend, "left_ms");
    return text_at(backend, "state") + (left > 0 ? ", " + short_age(left) + " left" : "");
}

std::string backend_line(const json::object& backend) {
    std::string text = backend_state(backend) + ", " + std::to_string(number_at(backend, "in_flight")) + " in flight";
    if (const auto failures = number_at(backend, "failures"); failures > 0)
        text += ", " + std::to_string(failures) + " failed in a row";
    const std::string check = check_text(backend);
    return check.empty() ? text : text + ", check " + check;
}

bool has_accelerator(const std::string& document) {
    const auto workers = objects_at(parse(document), "workers");
    return std::ranges::any_of(workers,
                               [](const json::object& worker) { return text_at(worker, "kind") == "accelerator"; });
}

std::string with_backends(const std::string& document, const std::vector<WorkerAnswer>& answers) {
    json::object status = parse(document);
    json::value* workers = status.if_contains("workers");
    if (!workers || !workers->is_array()) return document;
    for (json::value& each : workers->as_array()) {
        json::object* worker = each.if_object();
        const json::value* name = worker ? worker->if_contains("name") : nullptr;
        if (!name || !name->is_string()) continue;
        for (const WorkerAnswer& answer : answers) {
            if (answer.worker != std::string(name->as_string()) || !answer.error.empty()) continue;
            json::array list;
            for (json::object& backend : objects_at(parse(answer.text), "backends")) list.push_back(std::move(backend));
            if (!list.empty()) (*worker)["backends"] = std::move(list);
        }
    }
    return json::serialize(status);
}

std::string backends_table(const std::string& document) {
    Table table({"BACKEND", "WORKER", "STATE", "BUSY", "FAILED", "CHECK", "ROUTE"});
    bool is_empty = true;
    for (const json::object& worker : objects_at(parse(document), "workers"))
        for (const json::object& backend : objects_at(worker, "backends")) {
            is_empty = false;
            const std::string check = check_text(backend);
            table.add({text_at(backend, "address"),
                       text_at(worker, "name"),
                       {backend_state(backend), colour_of_backend(text_at(backend, "state"))},
                       std::to_string(number_at(backend, "in_flight")),
                       std::to_string(number_at(backend, "failures")),
                       check.empty() ? "-" : check,
                       text_at(backend, "path")});
        }
    return is_empty ? std::string() : table.to_string();
}

} // namespace mpsup::cli

#include "supervisor/daemon/api_words.h"

#include <boost/json.hpp>

namespace mpsup {

namespace json = boost::json;

namespace {

// Null: it is no JSON.
json::value parsed(const std::string& body) {
    boost::system::error_code error;
    return json::parse(body, error);
}

// What stands under `key` of an object; null: nothing does.
const json::value* member_of(const json::value& value, std::string_view key) {
    const json::object* object = value.if_object();
    return object ? object->if_contains(key) : nullptr;
}

} // namespace

std::vector<std::string> texts_in(const std::string& body, std::string_view key) {
    std::vector<std::string> texts;
    const json::value value = parsed(body);
    const json::value* list = member_of(value, key);
    if (!list || !list->is_array()) return texts;
    for (const json::value& item : list->get_array())
        if (item.is_string()) texts.emplace_back(item.get_string());
    return texts;
}

std::string text_in(const std::string& body, std::string_view key) {
    const json::value value = parsed(body);
    const json::value* text = member_of(value, key);
    return text && text->is_string() ? std::string(text->get_string()) : std::string();
}

bool has_flag(const std::string& body, std::string_view key) {
    const json::value value = parsed(body);
    const json::value* flag = member_of(value, key);
    return flag && flag->is_bool() && flag->get_bool();
}

std::optional<UpRequest> up_request_in(const std::string& body) {
    const json::value value = parsed(body);
    const json::value* document = member_of(value, "document");
    const json::value* path = member_of(value, "path");
    if (!document || !document->is_string() || !path || !path->is_string()) return std::nullopt;
    return UpRequest{std::string(document->get_string()), std::string(path->get_string())};
}

std::string result_line(const Outcome& outcome) {
    return json::serialize(json::object{{"type", "result"}, {"code", outcome.code}, {"text", outcome.text}});
}

std::string progress_line(const ReportLine& line) {
    json::object object{{"type", "progress"}, {"text", line.text}};
    if (!line.worker.empty()) {
        object["worker"] = line.worker;
        object["generation"] = line.generation;
        if (line.pid > 0) object["pid"] = line.pid;
        object["stage"] = line.stage;
    }
    return json::serialize(object);
}

} // namespace mpsup

#include "supervisor/cli/members.h"

#include "supervisor/cli/terminal.h"

namespace mpsup::cli {

namespace json = boost::json;

namespace {

const json::array* array_at(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    return value ? value->if_array() : nullptr;
}

} // namespace

json::object parse_object(std::string_view text) {
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    return !error && value.is_object() ? value.as_object() : json::object();
}

std::string text_at(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    return value && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::string printable_at(const json::object& object, std::string_view key) { return printable(text_at(object, key)); }

std::int64_t number_at(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    return value && value->is_int64() ? value->as_int64() : 0;
}

bool is_true(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    return value && value->is_bool() && value->as_bool();
}

json::object object_at(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    return value && value->is_object() ? value->as_object() : json::object();
}

std::vector<json::object> objects_at(const json::object& object, std::string_view key) {
    std::vector<json::object> list;
    if (const json::array* items = array_at(object, key))
        for (const json::value& item : *items)
            if (item.is_object()) list.push_back(item.as_object());
    return list;
}

std::vector<std::string> texts_at(const json::object& object, std::string_view key) {
    std::vector<std::string> texts;
    if (const json::array* items = array_at(object, key))
        for (const json::value& item : *items)
            if (item.is_string()) texts.emplace_back(item.as_string());
    return texts;
}

} // namespace mpsup::cli

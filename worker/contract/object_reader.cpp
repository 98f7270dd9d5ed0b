#include "worker/contract/object_reader.h"

#include <limits>

namespace mpsup::contract {

namespace json = boost::json;

namespace {

constexpr std::int64_t day_ms = 86'400'000;
constexpr std::size_t max_list = 1024;

} // namespace

std::int64_t ObjectReader::number(std::string_view key, std::int64_t low, std::int64_t high) {
    const json::value* value = find(key);
    if (!value) return low;
    const std::int64_t* number = value->if_int64();
    if (number && *number >= low && *number <= high) return *number;
    return complain(key), low;
}

std::string ObjectReader::text(std::string_view key) {
    const json::value* value = find(key);
    if (!value) return {};
    if (const json::string* text = value->if_string()) return std::string(*text);
    return complain(key), std::string();
}

bool ObjectReader::flag(std::string_view key) {
    const json::value* value = find(key);
    if (!value) return false;
    if (const bool* flag = value->if_bool()) return *flag;
    return complain(key), false;
}

std::vector<std::string> ObjectReader::texts(std::string_view key) {
    std::vector<std::string> list;
    const json::value* value = find(key);
    if (!value) return list;
    const json::array* array = value->if_array();
    if (!array || array->size() > max_list) return complain(key), list;
    for (const json::value& item : *array) {
        const json::string* text = item.if_string();
        if (!text) return complain(key), list;
        list.emplace_back(*text);
    }
    return list;
}

std::chrono::milliseconds ObjectReader::age(std::string_view key) {
    return std::chrono::milliseconds(number(key, 0, std::int64_t{1} << 40U));
}

std::chrono::milliseconds ObjectReader::duration(std::string_view key) {
    return std::chrono::milliseconds(number(key, 0, day_ms));
}

pid_t ObjectReader::pid() { return static_cast<pid_t>(number("pid", 1, std::numeric_limits<pid_t>::max())); }

std::uint64_t ObjectReader::counter(std::string_view key) {
    return static_cast<std::uint64_t>(number(key, 0, std::numeric_limits<std::int64_t>::max()));
}

const json::value* ObjectReader::find(std::string_view key) {
    const json::value* value = object_.if_contains(key);
    if (!value) complain(key);
    return value;
}

void ObjectReader::complain(std::string_view key) {
    if (problem_.empty()) problem_ = "missing or bad \"" + std::string(key) + "\"";
}

} // namespace mpsup::contract

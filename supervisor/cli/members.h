// Members of JSON documents that a supervisor or a worker wrote. What is missing, or of another kind, reads as nothing.
#pragma once

#include <boost/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::cli {

/// Empty when the text is no JSON, or no object.
[[nodiscard]] boost::json::object parse_object(std::string_view text);

[[nodiscard]] std::string text_at(const boost::json::object& object, std::string_view key);
/// The same for a terminal (terminal.h, printable).
[[nodiscard]] std::string printable_at(const boost::json::object& object, std::string_view key);
[[nodiscard]] std::int64_t number_at(const boost::json::object& object, std::string_view key);
[[nodiscard]] bool is_true(const boost::json::object& object, std::string_view key);
[[nodiscard]] boost::json::object object_at(const boost::json::object& object, std::string_view key);
/// Of a list, those that are of the kind.
[[nodiscard]] std::vector<boost::json::object> objects_at(const boost::json::object& object, std::string_view key);
[[nodiscard]] std::vector<std::string> texts_at(const boost::json::object& object, std::string_view key);

} // namespace mpsup::cli

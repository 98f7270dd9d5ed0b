// What parsers of values have in common. Of supervisor/topology alone.
#pragma once

#include "supervisor/topology/key_table.h"
#include "supervisor/topology/value.h"

#include <expected>
#include <string>
#include <vector>

namespace mpsup::topology {

using Parsed = std::expected<Value, Findings>;

[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

[[nodiscard]] std::unexpected<Findings> refuse(const Node& node, std::string message, std::string suggestion = {});
/// "`port` must be …; found …"
[[nodiscard]] std::unexpected<Findings> misfit(const Key& key, const Node& node, std::string suggestion = {});
void append(Findings& findings, const Findings& more);

/// The text of a scalar, or why it is none that could be meant.
[[nodiscard]] std::expected<std::string, Findings> text_of(const Key& key, const Node& node);
/// The scalars of a node that is one, or a list of them.
[[nodiscard]] std::vector<const Node*> one_or_many(const Node& node);

/// Why it is no file that can be read, or no folder that can be searched; empty: it is.
[[nodiscard]] std::string why_unusable(const std::string& path, bool folder);

[[nodiscard]] Parsed parse_choice(const Key& key, const Node& node, const std::string& text);
[[nodiscard]] Parsed parse_path(const Key& key, const Node& node, const std::string& text, const Origin& origin);

/// A program, as an absolute path, and its arguments (command_value.cpp).
[[nodiscard]] Parsed parse_command(const Key& key, const Node& node, const Origin& origin);
[[nodiscard]] Parsed parse_hooks(const Key& key, const Node& node, const Origin& origin);

// Within the bounds of the key (number_value.cpp).
[[nodiscard]] Parsed parse_time(const Key& key, const Node& node, const std::string& text);
[[nodiscard]] Parsed parse_bytes(const Key& key, const Node& node, const std::string& text);
[[nodiscard]] Parsed parse_percent(const Key& key, const Node& node, const std::string& text);
[[nodiscard]] Parsed parse_integer(const Key& key, const Node& node, const std::string& text);
[[nodiscard]] Parsed parse_steps(const Key& key, const Node& node);
/// What a size of that key must be, after "must be".
[[nodiscard]] std::string size_form(const Key& key);

/// What somebody may have meant who wrote no address.
[[nodiscard]] std::string listener_hint(const std::string& text);
/// The same where a port alone will do.
[[nodiscard]] std::string endpoint_hint(const std::string& text);

/// The values that stand in fronts and routes.
[[nodiscard]] Parsed parse_front_value(const Key& key, const Node& node, const Origin& origin);
[[nodiscard]] bool is_front_type(Type type) noexcept;
/// What a person would call it, after "must be".
[[nodiscard]] std::string front_form(const Key& key);

} // namespace mpsup::topology

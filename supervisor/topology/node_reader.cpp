#include "supervisor/topology/node_reader.h"

#include "base/units.h"
#include "supervisor/topology/key_table.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <map>
#include <sys/stat.h>
#include <unistd.h>

namespace mpsup {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t longest_name = 32;
constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view name_characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

bool is_name(const std::string& text) {
    return !text.empty() && text.size() <= longest_name && letters.contains(text.front()) &&
           text.find_first_not_of(name_characters) == std::string::npos;
}

std::string quoted(const std::string& text) {
    constexpr std::size_t longest = 60;
    return "`" + (text.size() > longest ? text.substr(0, longest) + "…" : text) + "`";
}

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
    return out;
}

std::string kind_of(const YAML::Node& node) {
    switch (node.Type()) {
    case YAML::NodeType::Map: return "a map";
    case YAML::NodeType::Sequence: return "a list";
    case YAML::NodeType::Scalar: return quoted(node.Scalar());
    case YAML::NodeType::Null:
    case YAML::NodeType::Undefined: return "nothing";
    }
    return "nothing";
}

} // namespace

void NodeReader::complain(const YAML::Node& where, std::string message, std::string hint) {
    const YAML::Mark mark = where.Mark(); // 0-based
    problems_.push_back({mark.line + 1, mark.column + 1, std::move(message), std::move(hint)});
}

std::vector<Entry> NodeReader::unique_entries(const YAML::Node& node, const std::string& what) {
    std::vector<Entry> entries;
    if (!node.IsMap()) {
        complain(node, what + " is a map, not " + kind_of(node));
        return entries;
    }
    std::map<std::string, int> first_line;
    for (const auto& pair : node) {
        if (!pair.first.IsScalar()) {
            complain(pair.first, "a key is a word, not " + kind_of(pair.first));
            continue;
        }
        const std::string& name = pair.first.Scalar();
        const auto [seen, fresh] = first_line.emplace(name, pair.first.Mark().line + 1);
        if (fresh)
            entries.push_back({name, pair.first, pair.second});
        else
            complain(pair.first, quoted(name) + " stands here twice, first in line " + std::to_string(seen->second));
    }
    return entries;
}

bool NodeReader::is_known(const YAML::Node& key, const std::string& name, const std::string& prefix) {
    if (name.starts_with("x-")) return false;
    if (name == "<<") {
        complain(key, "merge keys are not part of this language", "write the keys out");
        return false;
    }
    const Key* known = find_key(prefix.empty() ? name : prefix + "." + name);
    if (!known || name == "*") {
        const auto names = names_below(prefix);
        const std::string meant = closest(name, names);
        complain(key, "unknown key " + quoted(name),
                 meant.empty() ? "known here: " + joined(names) : "did you mean `" + meant + "`?");
        return false;
    }
    if (!known->available) {
        complain(key, quoted(name) + " (" + std::string(known->doc) + ") is known, not in this version");
        return false;
    }
    return true;
}

std::vector<Entry> NodeReader::entries(const YAML::Node& node, const std::string& prefix) {
    const auto dot = prefix.rfind('.');
    std::string what = "a topology";
    if (!prefix.empty()) what = prefix.ends_with("*") ? "what stands here" : quoted(prefix.substr(dot + 1));
    auto found = unique_entries(node, what);
    std::erase_if(found, [&](const Entry& entry) { return !is_known(entry.key, entry.name, prefix); });
    return found;
}

std::vector<Entry> NodeReader::named_entries(const YAML::Node& node, const std::string& what) {
    auto found = unique_entries(node, what);
    std::erase_if(found, [&](const Entry& entry) {
        if (entry.name.starts_with("x-")) return true;
        if (is_name(entry.name)) return false;
        complain(entry.key, quoted(entry.name) + " is no name",
                 "a name begins with a letter and has letters, digits, _ and -, at most 32");
        return true;
    });
    return found;
}

std::optional<std::string> NodeReader::text(const Entry& entry) {
    if (!entry.value.IsScalar()) {
        complain(entry.value.IsNull() ? entry.key : entry.value,
                 quoted(entry.name) + " is one value, not " + kind_of(entry.value));
        return std::nullopt;
    }
    const std::string& value = entry.value.Scalar();
    if (value.contains("${")) {
        complain(entry.value, "variables (${…}) are known, not in this version");
        return std::nullopt;
    }
    return value;
}

std::optional<int> NodeReader::integer(const Entry& entry, int low, int high) {
    if (entry.name == "pool" && entry.value.IsMap()) {
        complain(entry.key, "a pool with min and max is known, not in this version", "write a number: pool: 4");
        return std::nullopt;
    }
    const auto value = text(entry);
    if (!value) return std::nullopt;
    int number = 0;
    const char* end = value->data() + value->size();
    const auto [rest, error] = std::from_chars(value->data(), end, number);
    if (error == std::errc{} && rest == end && number >= low && number <= high) return number;
    complain(entry.value, quoted(entry.name) + " is a number from " + std::to_string(low) + " to " +
                              std::to_string(high) + ", not " + quoted(*value));
    return std::nullopt;
}

std::optional<std::chrono::milliseconds> NodeReader::duration(const Entry& entry, std::chrono::milliseconds low) {
    const auto value = text(entry);
    if (!value) return std::nullopt;
    const auto parsed = parse_duration(*value);
    if (!parsed) {
        const bool bare = !value->empty() && value->find_first_not_of("0123456789.") == std::string::npos;
        complain(entry.value, quoted(entry.name) + " is a duration, not " + quoted(*value),
                 bare ? "write the unit: " + *value + "s or " + *value + "ms" : "for example 500ms, 30s, 5m, 2h, 1d");
        return std::nullopt;
    }
    if (*parsed < low) {
        complain(entry.value, quoted(entry.name) + " is at least " + format_duration(low));
        return std::nullopt;
    }
    return parsed;
}

std::optional<std::string> NodeReader::choice(const Entry& entry, const std::vector<std::string>& choices,
                                              const std::vector<std::string>& later) {
    const auto value = text(entry);
    if (!value) return std::nullopt;
    if (std::ranges::find(choices, *value) != choices.end()) return value;
    if (std::ranges::find(later, *value) != later.end()) {
        complain(entry.value, quoted(*value) + " is known, not in this version", "in this version: " + joined(choices));
        return std::nullopt;
    }
    const std::string meant = closest(*value, choices);
    complain(entry.value, quoted(entry.name) + " is one of " + joined(choices) + ", not " + quoted(*value),
             meant.empty() ? std::string() : "did you mean `" + meant + "`?");
    return std::nullopt;
}

std::optional<std::string> NodeReader::url_path(const Entry& entry, const YAML::Node& value) {
    const std::string& path = value.Scalar();
    const bool plain = std::ranges::all_of(path, [](char c) { return c > 0x20 && c < 0x7f && c != '#' && c != '\\'; });
    if (path.starts_with('/') && plain) return path;
    complain(value, quoted(entry.name) + " holds a path as it stands in a URL, not " + quoted(path),
             "it begins with a slash and has no spaces: /static/");
    return std::nullopt;
}

std::optional<std::string> NodeReader::existing_path(const Entry& entry) {
    const auto value = text(entry);
    if (!value) return std::nullopt;
    if (value->empty()) {
        complain(entry.value, quoted(entry.name) + " is empty");
        return std::nullopt;
    }
    return (fs::path(folder_) / *value).lexically_normal().string();
}

std::optional<std::string> NodeReader::existing_file(const Entry& entry) {
    const auto path = existing_path(entry);
    if (!path) return std::nullopt;
    struct stat status{};
    if (::stat(path->c_str(), &status) != 0) {
        complain(entry.value, "cannot find " + *path + ": " + std::strerror(errno));
        return std::nullopt;
    }
    if (!S_ISREG(status.st_mode)) {
        complain(entry.value, *path + " is not a file");
        return std::nullopt;
    }
    if (::access(path->c_str(), R_OK) != 0) {
        complain(entry.value, "cannot read " + *path + ": " + std::strerror(errno));
        return std::nullopt;
    }
    return path;
}

std::optional<std::string> NodeReader::existing_folder(const Entry& entry) {
    const auto path = existing_path(entry);
    if (!path) return std::nullopt;
    struct stat status{};
    if (::stat(path->c_str(), &status) != 0) {
        complain(entry.value, "cannot find " + *path + ": " + std::strerror(errno));
        return std::nullopt;
    }
    if (!S_ISDIR(status.st_mode)) {
        complain(entry.value, *path + " is not a folder");
        return std::nullopt;
    }
    return path;
}

void NodeReader::each_scalar(const Entry& entry, const std::function<void(const YAML::Node&)>& visit) {
    if (entry.value.IsScalar()) return visit(entry.value);
    if (!entry.value.IsSequence() || entry.value.size() == 0) {
        complain(entry.value.IsNull() ? entry.key : entry.value, quoted(entry.name) + " is a value or a list of them");
        return;
    }
    for (const YAML::Node& item : entry.value) {
        if (item.IsScalar())
            visit(item);
        else
            complain(item, quoted(entry.name) + " is a list of plain values, not of " + kind_of(item));
    }
}

} // namespace mpsup

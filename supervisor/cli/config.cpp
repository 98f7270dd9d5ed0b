// `mpsup config`: what a topology is after includes, variables and defaults, and who said so.
#include "base/joined.h"
#include "supervisor/cli/topology_file.h"
#include "supervisor/cli/verbs.h"
#include "supervisor/topology/key_origin.h"
#include "supervisor/topology/resolve.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cstdio>

namespace mpsup::cli {

namespace json = boost::json;

namespace {

bool is_plain(std::string_view text) {
    const auto is_harmless = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("_./%-").contains(c);
    };
    return !text.empty() && text.front() != '-' && text.front() != '%' && text.front() != '.' && text != "null" &&
           text != "Null" && text != "NULL" && std::ranges::all_of(text, is_harmless);
}

// As YAML reads it back; a dollar sign stands twice.
std::string scalar(const json::value& value, bool is_key) {
    if (!value.is_string()) return json::serialize(value);
    std::string text;
    for (const char c : value.get_string()) text += std::string(c == '$' && !is_key ? 2 : 1, c);
    return is_plain(text) ? text : json::serialize(json::string(text));
}

std::string list(const json::array& items) {
    std::string text;
    for (const json::value& item : items) {
        text += text.empty() ? "[" : ", ";
        text += item.is_object() || item.is_array() ? json::serialize(item) : scalar(item, false);
    }
    return text.empty() ? "[]" : text + "]";
}

/// The document as YAML, or its origins as a flat map.
class Printer {
public:
    Printer(const topology::Loaded& loaded, bool with_origin) : loaded_(loaded), with_origin_(with_origin) {}

    void map(const json::object& object, std::string indent) {
        for (const auto& [key, value] : object) {
            path_.emplace_back(key);
            text += indent + scalar(json::string(key), true) + ":";
            const json::array* const items = value.if_array();
            const bool is_section = value.is_object() && !value.get_object().empty();
            if (is_section) {
                text += "\n";
                map(value.get_object(), indent + "  ");
            } else if (items && !items->empty() && key == "routes") {
                text += "\n";
                routes(*items, indent + "  ");
            } else {
                leaf(items ? list(*items) : scalar(value, false));
            }
            path_.pop_back();
            indent = next_indent(std::move(indent));
        }
    }

    std::string text;
    json::object origins;

private:
    // Of a map in a list the first line alone has the dash.
    static std::string next_indent(std::string indent) {
        std::ranges::replace(indent, '-', ' ');
        return indent;
    }

    void routes(const json::array& items, const std::string& indent) {
        for (std::size_t i = 0; i < items.size(); ++i) {
            path_.push_back(std::to_string(i));
            if (items[i].is_object()) map(items[i].get_object(), indent + "- ");
            path_.pop_back();
        }
    }

    void leaf(const std::string& value) {
        const auto mark = topology::origin_of(*loaded_.root, path_);
        const std::string origin =
            mark ? loaded_.files.at(static_cast<std::size_t>(mark->file)) + ":" + std::to_string(mark->line)
                 : "default";
        origins[joined(path_, ".")] = origin;
        text += " " + value + (with_origin_ ? "  # " + origin : "") + "\n";
    }

    const topology::Loaded& loaded_;
    bool with_origin_;
    std::vector<std::string> path_;
};

} // namespace

int run_config(const Context& context, const std::vector<std::string>& files, bool with_origin) {
    const auto loaded = load_topology(files);
    std::fputs(topology::format_problems(loaded ? loaded->warnings : loaded.error()).c_str(), stderr);
    if (!loaded) return bad_topology;
    json::value document = json::parse(topology::to_document(loaded->topology)); // ours: it parses
    json::object& whole = document.get_object();
    whole.erase("version");
    Printer printer(*loaded, with_origin);
    printer.map(whole, "");
    if (context.output == Output::table) {
        std::fputs(printer.text.c_str(), stdout);
        return ok;
    }
    json::object result{{"version", 1}, {"topology", std::move(document)}};
    if (with_origin) result["origins"] = std::move(printer.origins);
    std::printf("%s\n", json::serialize(result).c_str());
    return ok;
}

} // namespace mpsup::cli

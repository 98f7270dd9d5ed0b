#include "supervisor/topology/json_schema.h"

#include "supervisor/topology/key_table.h"
#include "supervisor/topology/value_parts.h"

#include <array>
#include <boost/json.hpp>

#include <cstdio>
#include <utility>

namespace mpsup::topology {

namespace {

namespace json = boost::json;

constexpr const char* name_pattern = "[A-Za-z][A-Za-z0-9_-]{0,31}";
constexpr const char* variable_pattern = "^[A-Za-z_][A-Za-z0-9_]*$";
constexpr std::array all_kinds{Kind::static_files, Kind::dynamic, Kind::accelerator};

// --- the forms of values

json::object reference(std::string_view name) { return {{"$ref", "#/definitions/" + std::string(name)}}; }
json::object pattern(std::string_view text) { return {{"type", "string"}, {"pattern", text}}; }
json::object any_of(json::array forms) { return {{"anyOf", std::move(forms)}}; }

// A form that is no text: ${VARIABLES} may stand for it.
json::object any_or_variable(json::array forms) {
    forms.push_back(reference("variable"));
    return any_of(std::move(forms));
}
json::object or_variable(const json::object& form) { return any_or_variable(json::array{form}); }

json::object list_of(json::object item) { return {{"type", "array"}, {"items", std::move(item)}}; }
json::object one_or_list(const json::object& item) { return any_of({item, list_of(item)}); }

// {NAME: form}
json::object map_of(json::value form) { return {{"type", "object"}, {"additionalProperties", std::move(form)}}; }

json::object object_with(json::object properties) {
    return {{"type", "object"},
            {"properties", std::move(properties)},
            {"patternProperties", {{"^x-", json::object()}}},
            {"additionalProperties", false}};
}

// YAML takes `1.2` for a number.
void add_word(json::array& words, std::string_view word) {
    words.emplace_back(word);
    json::error_code error;
    if (json::value number = json::parse(word, error); !error && number.is_number()) words.push_back(std::move(number));
}
json::array words_of(const Key& key) {
    json::array words;
    for (const Choice& choice : key.choices)
        if (choice.in_this_version) add_word(words, choice.word);
    return words;
}
json::object choice_of(const Key& key) { return or_variable({{"enum", words_of(key)}}); }

json::object integer(const Key& key) {
    json::array forms{json::object{{"type", "integer"}, {"minimum", key.least}, {"maximum", key.most}},
                      pattern("^(0|[1-9][0-9]*)$")};
    if (!key.choices.empty()) forms.push_back(json::object{{"enum", words_of(key)}});
    return any_or_variable(std::move(forms));
}

json::object hook() {
    return object_with({{"exec", one_or_list(reference("text"))},
                        {"webhook", or_variable(pattern("^http://"))},
                        {"timeout", reference("duration")}});
}
json::object port() {
    return any_of({json::object{{"type", "integer"}, {"minimum", 1}, {"maximum", 65'535}}, pattern("^[0-9]{1,5}$")});
}
json::object listener() {
    const json::object on_off = or_variable({{"enum", {"on", "off"}}});
    return any_of({reference("endpoint"),
                   object_with({{"address", reference("endpoint")}, {"tls", on_off}, {"proxy_protocol", on_off}})});
}
json::object certificate() {
    json::object pair = object_with({{"cert", reference("text")}, {"key", reference("text")}});
    pair["required"] = json::array{"cert", "key"};
    return pair;
}
json::object environment() {
    json::object secret = object_with({{"file", reference("text")}});
    secret["required"] = json::array{"file"};
    json::object map = map_of(any_of({reference("text"), std::move(secret)}));
    map["propertyNames"] = {{"pattern", variable_pattern}};
    return map;
}
json::object expires() {
    const json::object age = any_of({reference("duration"), {{"enum", {"immutable", "off"}}}});
    return any_of({age, map_of(age)});
}

/// The value of a key that is no section.
json::object form_of(const Key& key) {
    switch (key.type) {
    case Type::name: return or_variable(pattern("^" + std::string(name_pattern) + "$"));
    case Type::choice: return choice_of(key);
    case Type::words: return map_of(choice_of(key));
    case Type::some_words: return one_or_list(choice_of(key));
    case Type::integer: return integer(key);
    case Type::ip: return or_variable(pattern("^[0-9A-Fa-f.:]+$"));
    case Type::ip_length: return or_variable(pattern("^[0-9A-Fa-f.:]+/[0-9]{1,3}$"));
    case Type::endpoint: return reference("endpoint");
    case Type::names: return one_or_list(or_variable(pattern("^" + std::string(name_pattern) + "$")));
    case Type::blocks: return one_or_list(or_variable(pattern("^[0-9A-Fa-f.:]+(/[0-9]+)?$")));
    case Type::addresses: return one_or_list(reference("address"));
    case Type::listeners: return one_or_list(reference("listener"));
    case Type::origin: return or_variable(pattern("^[Hh][Tt][Tt][Pp][Ss]?://[^/?#@]+$"));
    case Type::url_path: return or_variable(pattern("^/"));
    case Type::url_prefixes:
    case Type::url_targets: return one_or_list(or_variable(pattern("^/")));
    case Type::path_pattern: return or_variable(pattern("^/|\\*"));
    case Type::size: return reference("size");
    case Type::percent: return or_variable(pattern("^[0-9]{1,3}%$"));
    case Type::duration: return reference("duration");
    case Type::share:
        return any_or_variable(
            {{{"type", "integer"}, {"minimum", key.least}, {"maximum", 1000}}, pattern("^[0-9]{1,4}%?$")});
    case Type::roll_steps:
        return one_or_list(
            any_or_variable({{{"type", "integer"}, {"minimum", 0}}, pattern("^([0-9]{1,4}%?|pause( .*)?)$")}));
    case Type::environment: return environment();
    case Type::expires: return expires();
    case Type::media_types: return map_of(or_variable(pattern("/")));
    case Type::headers: return map_of(reference("text"));
    case Type::hooks: return one_or_list(reference("hook"));
    case Type::certificates: return one_or_list(certificate());
    case Type::file:
    case Type::folder:
    case Type::host:
    case Type::fallback: return reference("text");
    case Type::command:
    case Type::targets:
    case Type::texts:
    case Type::file_names: return one_or_list(reference("text"));
    case Type::section:
    case Type::items:
    case Type::sections:
    case Type::anything: break;
    }
    return {};
}

// --- the keys

json::object keys_of(std::string_view path);

json::object property(const Key& key) {
    const std::string inside = std::string(key.path);
    json::object result{{"description", key.doc}};
    json::object form;
    if (key.type == Type::sections) {
        form = reference(key.name() == "workers" ? "workers" : "machines");
    } else if (key.type == Type::items) {
        form = list_of(reference("route"));
    } else if (key.type == Type::section) {
        form = keys_of(inside);
        if (!key.shorthand.empty())
            form = any_of({form, property(*find_key(inside + "." + std::string(key.shorthand)))});
    } else {
        form = form_of(key);
    }
    if (form.contains("$ref")) form = {{"allOf", json::array{form}}}; // what stands beside a $ref counts for nothing
    for (auto& [name, value] : form)
        if (name != "description") result[name] = std::move(value);
    return result;
}

json::object keys_of(std::string_view path) {
    json::object properties;
    for (const Key* key : keys_under(path))
        if (key->in_this_version) properties[key->name()] = property(*key);
    return object_with(std::move(properties));
}

// Keys below `path` that a worker of this kind must not have.
json::object not_of(Kind kind, std::string_view path) {
    json::object forbidden;
    for (const Key* key : keys_under(path)) {
        if (!key->in_this_version || key->is_of_a_route()) continue;
        if (!key->applies_to(kind)) {
            forbidden[key->name()] = false;
        } else if (key->type == Type::section) {
            if (json::object inner = not_of(kind, key->path); !inner.empty())
                forbidden[key->name()] = {{"properties", std::move(inner)}};
        }
    }
    return forbidden;
}

json::object if_kind(Kind kind, json::object then) {
    return {{"if", {{"properties", {{"kind", {{"const", to_string(kind)}}}}}, {"required", {"kind"}}}},
            {"then", std::move(then)}};
}

json::object worker() {
    json::object result = keys_of("workers.*");
    json::array& kinds = result["allOf"].emplace_array();
    for (const Kind kind : all_kinds) kinds.push_back(if_kind(kind, {{"properties", not_of(kind, "workers.*")}}));
    return result;
}

// {NAME: form}, where names may also begin with x-.
json::object named(json::object form) {
    json::object result = map_of(std::move(form));
    result["patternProperties"] = {{"^x-", json::object()}};
    result["propertyNames"] = {{"pattern", "^(x-.*|" + std::string(name_pattern) + ")$"}};
    return result;
}

json::array required_under(std::string_view path) {
    json::array names;
    for (const Key* key : keys_under(path))
        if (key->required) names.emplace_back(key->name());
    return names;
}

// What a worker needs when no other file says it.
json::object whole_worker() {
    json::array kinds;
    json::array always;
    for (const Key* key : keys_under("workers.*"))
        if (key->required && key->kinds == Kinds::every) always.emplace_back(key->name());
    for (const Kind kind : all_kinds) {
        json::array names;
        for (const Key* key : keys_under("workers.*"))
            if (key->required && key->kinds != Kinds::every && key->applies_to(kind)) names.emplace_back(key->name());
        if (!names.empty()) kinds.push_back(if_kind(kind, {{"required", std::move(names)}}));
    }
    return {{"type", "object"}, {"required", std::move(always)}, {"allOf", std::move(kinds)}};
}

json::object definitions() {
    json::object machine = keys_of("machines.*");
    machine["required"] = required_under("machines.*");
    return {{"variable", {{"type", "string"}, {"pattern", "\\$\\{"}}},
            {"text", {{"type", {"string", "number", "boolean"}}}},
            {"address", or_variable(pattern("^(\\[[0-9A-Fa-f.:]+\\]|[0-9.]+):[0-9]{1,5}$"))},
            {"endpoint", any_of({reference("address"), port()})},
            {"size", or_variable(pattern("^[0-9]+(\\.[0-9]*)?(B|KiB|MiB|GiB|TiB|kB|MB|GB|TB)$"))},
            {"duration", or_variable(pattern("^[0-9]+(\\.[0-9]*)?(ms|s|m|h|d)$"))},
            {"listener", listener()},
            {"hook", hook()},
            {"machines", named(std::move(machine))},
            {"workers", named(reference("worker"))},
            {"worker", worker()},
            {"route", keys_of("workers.*.routes.*")}};
}

// --- the text

std::string scalar_text(const json::value& value) {
    if (!value.is_double()) return json::serialize(value);
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%g", value.get_double());
    return text.data();
}

// On one line.
std::string compact(const json::value& value) {
    std::string text;
    if (const auto* object = value.if_object()) {
        for (const auto& [key, inner] : *object)
            text += (text.empty() ? "" : ", ") + json::serialize(json::string(key)) + ": " + compact(inner);
        return "{" + text + "}";
    }
    if (const auto* array = value.if_array()) {
        for (const auto& inner : *array) text += (text.empty() ? "" : ", ") + compact(inner);
        return "[" + text + "]";
    }
    return scalar_text(value);
}

// `before`: columns that are taken on its first line.
std::string pretty(const json::value& value, const std::string& indent, std::size_t before) {
    constexpr std::size_t columns = 120;
    std::string line = compact(value);
    if (before + line.size() < columns || !value.is_structured()) return line;
    const std::string inner = indent + "  ";
    std::string text;
    const auto add = [&](const std::string& head, const json::value& part) {
        text += (text.empty() ? "\n" : ",\n") + inner + head + pretty(part, inner, inner.size() + head.size() + 1);
    };
    if (const auto* object = value.if_object()) {
        for (const auto& [key, part] : *object) add(json::serialize(json::string(key)) + ": ", part);
        return "{" + text + "\n" + indent + "}";
    }
    for (const json::value& part : value.get_array()) add("", part);
    return "[" + text + "\n" + indent + "]";
}

} // namespace

std::string json_schema() {
    json::object schema{{"$schema", "http://json-schema.org/draft-07/schema#"},
                        {"title", "a topology of mpsup"},
                        {"description", "made by `mpsup schema` from the table of keys; see README.md, Keys"}};
    for (auto& [name, value] : keys_of("")) schema[name] = value;
    json::object workers = named(whole_worker());
    workers["minProperties"] = 1;
    schema["if"] = {{"not", {{"required", {"include"}}}}};
    schema["then"] = {{"required", required_under("")}, {"properties", {{"workers", std::move(workers)}}}};
    schema["definitions"] = definitions();
    return pretty(schema, "", 0) + "\n";
}

} // namespace mpsup::topology

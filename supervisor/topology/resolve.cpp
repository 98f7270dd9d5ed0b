#include "supervisor/topology/resolve.h"

#include "base/units.h"
#include "supervisor/topology/duplicates.h"
#include "supervisor/topology/key_table.h"
#include "supervisor/topology/moved.h"
#include "supervisor/topology/placement.h"
#include "supervisor/topology/share.h"
#include "supervisor/topology/validate.h"

#include <array>
#include <boost/json.hpp>
#include <sha2.h>

namespace mpsup::topology {

namespace {

namespace json = boost::json;

constexpr std::int64_t document_version = 1;
constexpr std::size_t max_document_depth = 8;

json::array to_array(const std::vector<std::string>& texts) {
    json::array result;
    for (const auto& text : texts) result.emplace_back(text);
    return result;
}

struct ToJson {
    json::value operator()(const std::string& text) const { return json::string(text); }
    json::value operator()(std::int64_t number) const { return number; }
    json::value operator()(std::chrono::milliseconds duration) const { return json::string(format_duration(duration)); }
    json::value operator()(const std::vector<std::string>& texts) const { return to_array(texts); }
    json::value operator()(const std::vector<Address>& addresses) const {
        std::vector<std::string> texts;
        for (const auto& address : addresses) texts.push_back(address.to_string());
        return to_array(texts);
    }
    json::value operator()(const std::vector<Hook>& hooks) const {
        json::array result;
        for (const Hook& hook : hooks) {
            json::object object{{"timeout", format_duration(hook.timeout)}};
            if (hook.exec.empty())
                object["webhook"] = hook.webhook;
            else
                object["exec"] = to_array(hook.exec);
            result.emplace_back(std::move(object));
        }
        return result;
    }
    json::value operator()(const std::vector<ListenerSpec>& listeners) const {
        json::array result;
        for (const auto& [address, flags] : listeners) {
            if (flags == ListenerFlags{})
                result.emplace_back(endpoint_text(address));
            else
                result.push_back(json::object{{"address", endpoint_text(address)},
                                              {"tls", flags.tls ? "on" : "off"},
                                              {"proxy_protocol", flags.proxy_protocol ? "on" : "off"}});
        }
        return result;
    }
    json::value operator()(const Pairs& pairs) const {
        json::object result;
        for (const auto& [name, value] : pairs) result[name] = value;
        return result;
    }
    json::value operator()(const Words& words) const {
        json::object result;
        for (const auto& [name, value] : words) result[name] = value;
        return result;
    }
    json::value operator()(const Environment& environment) const {
        json::object result;
        for (const auto& [name, variable] : environment) {
            if (variable.is_secret())
                result[name] = json::object{{"file", variable.secret_file}};
            else
                result[name] = variable.text;
        }
        return result;
    }
};

json::array certificates(const Pairs& pairs) {
    json::array result;
    for (const auto& [cert, key] : pairs) result.push_back(json::object{{"cert", cert}, {"key", key}});
    return result;
}

// As the loader reads it back.
json::value text_of(const Key& key, const Value& value) {
    const auto* number = std::get_if<std::int64_t>(&value);
    if (number && key.type == Type::size) return json::string(std::to_string(*number) + "B");
    if (number && key.type == Type::percent) return json::string(std::to_string(*number) + "%");
    if (number && *number == 0 && !key.choices.empty()) return json::string(key.choices.front().word);
    if (key.type == Type::certificates) return certificates(std::get<Pairs>(value));
    return std::visit(ToJson{}, value);
}

// "health.every" is "every" in the section "health".
void put(json::object& whole, std::string_view path, json::value value) {
    auto* section = &whole;
    for (auto dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.')) {
        auto& inner = (*section)[path.substr(0, dot)];
        section = inner.is_object() ? &inner.get_object() : &inner.emplace_object();
        path.remove_prefix(dot + 1);
    }
    (*section)[path] = std::move(value);
}

// What is as the worker says for all of its routes is left out.
json::object route_object(const RouteSpec& route, const RouteSpec& own) {
    json::object result;
    for (const auto& key : all_keys()) {
        if (!key.is_of_a_route() || !key.get_of_route) continue;
        const auto value = key.get_of_route(route);
        if (value && value != key.get_of_route(own))
            put(result, key.path.substr(route_prefix.size()), text_of(key, *value));
    }
    return result;
}

json::object worker_object(const WorkerSpec& worker) {
    json::object result;
    result["kind"] = to_string(worker.kind);
    for (const auto& key : all_keys()) {
        if (!key.is_held() || !key.applies_to(worker.kind)) continue;
        if (const auto value = key.value_in(worker)) put(result, key.path_in_worker(), text_of(key, *value));
    }
    if (worker.kind != Kind::accelerator) return result;
    auto& routes = result["routes"].emplace_array();
    for (const RouteSpec& route : worker.front->routes) routes.push_back(route_object(route, worker.front->own));
    return result;
}

std::shared_ptr<Node> to_node(const json::value& value) {
    auto node = std::make_shared<Node>();
    node->type = Node::Type::scalar;
    switch (value.kind()) {
    case json::kind::null: node->type = Node::Type::null; break;
    case json::kind::string: node->text = std::string(value.get_string()); break;
    case json::kind::array:
        node->type = Node::Type::sequence;
        for (const auto& item : value.get_array()) node->items.push_back(to_node(item));
        break;
    case json::kind::object:
        node->type = Node::Type::map;
        for (const auto& [key, item] : value.get_object())
            node->entries.push_back({std::string(key), {}, to_node(item)});
        break;
    default: node->text = json::serialize(value);
    }
    return node;
}

Error refuse(std::string what) { return {"topology document: " + std::move(what), {}}; }

Error refuse_version(const json::value* version) {
    const auto* number = version ? version->if_int64() : nullptr;
    if (number && *number > document_version)
        return refuse("version " + std::to_string(*number) + ", of a later mpsup: upgrade this one first");
    return refuse("version: must be " + std::to_string(document_version));
}

// What a machine runs otherwise than its topology says, as a file would have it.
json::object woken_of(const Topology& share) {
    json::object woken;
    const Topology written = share_of(*share.whole, share.here);
    for (const WorkerSpec& worker : share.workers) {
        const WorkerSpec* const as_written = written.find(worker.name);
        if (!as_written || *as_written == worker || is_gateway(worker)) continue;
        WorkerSpec of_file = worker;
        unsettle_ports(of_file, *find_machine(share, share.here));
        woken[worker.name] = worker_object(of_file);
    }
    return woken;
}

Error to_error(const Findings& findings) {
    std::string text;
    for (const auto& finding : findings)
        text += (text.empty() ? "" : "; ") + (finding.key.empty() ? "" : finding.key + ": ") + finding.message;
    return refuse(text.substr(0, 2000));
}

Result<Topology> read_whole(const json::object& file) {
    const auto root = to_node(file);
    if (const auto twice = find_duplicates(*root); !twice.empty()) return std::unexpected(to_error(twice));
    auto valid = validate(*root, {"", false, {}});
    if (!valid) return std::unexpected(to_error(valid.error()));
    return std::move(valid->topology);
}

// `moved` is in a document of the machine that has it, and in no file.
Topology share_in(const Topology& read, std::string_view machine) {
    Topology share = share_of(without_moved(read), machine);
    if (const WorkerSpec* const moved = read.find(moved_worker)) share.workers.push_back(*moved);
    return share;
}

// It is what it would be if the file had it so.
Result<WorkerSpec> woken_worker(json::object file, std::string_view here, std::string_view name,
                                const json::value& woken) {
    auto* const workers = file["workers"].if_object();
    if (workers && workers->contains(name)) (*workers)[name] = woken;
    const auto read = read_whole(file);
    if (!read) return std::unexpected(refuse("woken." + std::string(name) + ": " + read.error().what));
    const Topology share = share_of(without_moved(*read), here);
    const WorkerSpec* const spec = share.find(name);
    if (!spec) return std::unexpected(refuse("woken." + std::string(name) + ": no worker of this machine"));
    return *spec;
}

// Of the machine `here`.
Result<Topology> read_share(const json::object& file, const json::value& here, const json::value* woken) {
    auto read = read_whole(file);
    if (!read) return read;
    if (!here.is_string() || !is_name(here.get_string())) return std::unexpected(refuse("here: no name of a machine"));
    Topology share = share_in(*read, here.get_string());
    if (!woken) return share;
    if (!woken->is_object()) return std::unexpected(refuse("woken: no workers"));
    for (const auto& [name, value] : woken->get_object()) {
        auto worker = woken_worker(file, share.here, name, value);
        if (!worker) return std::unexpected(worker.error());
        const auto as_written = std::ranges::find(share.workers, std::string_view(name), &WorkerSpec::name);
        if (as_written == share.workers.end()) return std::unexpected(refuse("woken: a worker of another machine"));
        *as_written = std::move(*worker);
    }
    return share;
}

} // namespace

std::string to_document(const Topology& topology) {
    const Topology& whole = topology.whole ? *topology.whole : topology;
    json::object document;
    document["version"] = document_version;
    if (topology.whole) document["here"] = topology.here;
    document["site"] = whole.site;
    document["binaries"] = to_string(whole.binaries);
    for (const auto& key : all_keys()) {
        if (!key.get_of_site) continue;
        const auto value = key.get_of_site(whole);
        if (!value) continue;
        put(document, key.path, text_of(key, *value));
    }
    auto& machines = document["machines"].emplace_object();
    for (const auto& machine : whole.machines) machines[machine.name] = json::object{{"address", machine.ip}};
    auto& workers = document["workers"].emplace_object();
    for (const auto& worker : whole.workers) workers[worker.name] = worker_object(worker);
    if (!topology.whole) return json::serialize(document);
    if (const WorkerSpec* const moved = topology.find(moved_worker)) workers[moved->name] = worker_object(*moved);
    if (json::object woken = woken_of(topology); !woken.empty()) document["woken"] = std::move(woken);
    return json::serialize(document);
}

std::string document_of_share(std::string_view document, std::string_view machine) {
    const std::size_t version = document.find(',') + 1; // comes first
    std::string share(document.substr(0, version));
    share += "\"here\":" + json::serialize(json::string(machine)) + ',';
    return share += document.substr(version);
}

std::string digest_of(std::string_view document) {
    std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
    SHA2_CTX context{};
    SHA256Init(&context);
    // libmd takes unsigned bytes; a char may be looked at as one ([basic.lval]).
    SHA256Update(&context, reinterpret_cast<const std::uint8_t*>(document.data()), document.size());
    SHA256Final(digest.data(), &context);
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text = "sha256:";
    for (const auto byte : digest) {
        text += digits[byte >> 4U];
        text += digits[byte & 15U];
    }
    return text;
}

Result<Topology> from_document(std::string_view document) {
    if (document.size() > max_document_bytes) return std::unexpected(refuse("larger than 4MiB"));
    try {
        json::parse_options options;
        options.max_depth = max_document_depth;
        json::error_code error;
        auto parsed = json::parse(document, error, {}, options);
        if (error) return std::unexpected(refuse("not JSON: " + error.message()));
        auto* object = parsed.if_object();
        if (!object) return std::unexpected(refuse("not an object"));
        const auto* version = object->if_contains("version");
        if (!version || *version != json::value(document_version)) return std::unexpected(refuse_version(version));
        const auto* const here = object->if_contains("here");
        json::object file;
        for (auto& [key, value] : *object)
            if (key != "version" && key != "here" && (key != "woken" || !here)) file[key] = std::move(value);
        return here ? read_share(file, *here, object->if_contains("woken")) : read_whole(file);
    } catch (const std::exception& thrown) {
        return std::unexpected(refuse(thrown.what()));
    }
}

} // namespace mpsup::topology

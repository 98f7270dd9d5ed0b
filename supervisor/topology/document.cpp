#include "supervisor/topology/document.h"

#include <boost/json.hpp>

#include <array>
#include <sha256.h>

namespace mpsup {

namespace {

namespace json = boost::json;

constexpr int format = 1;
constexpr std::string_view static_kind = "static";
constexpr std::string_view dynamic_kind = "dynamic";

json::array texts(const auto& values) {
    json::array array;
    for (const auto& value : values) array.emplace_back(value);
    return array;
}

json::object to_json(const WorkerSpec& worker) {
    json::array listen;
    for (const Address& address : worker.listen) listen.emplace_back(address.to_string());
    json::object env;
    for (const auto& [name, value] : worker.env) env[name] = value;
    json::object health{{"every_ms", worker.health.every.count()}, {"timeout_ms", worker.health.timeout.count()}};
    if (worker.health.path) health["path"] = *worker.health.path;
    return {{"name", worker.name},
            {"kind", worker.kind == WorkerKind::dynamic ? dynamic_kind : static_kind},
            {"listen", std::move(listen)},
            {"root", worker.root},
            {"serves", texts(worker.serves)},
            {"app", worker.app},
            {"env", std::move(env)},
            {"pool", worker.pool},
            {"health", std::move(health)},
            {"restart",
             {{"burst", worker.restart.burst},
              {"window_ms", worker.restart.window.count()},
              {"backoff_ms", worker.restart.backoff.count()},
              {"max_ms", worker.restart.max.count()}}},
            {"stop", {{"grace_ms", worker.stop.grace.count()}}}};
}

// Thrown and caught within this file: Boost.JSON's own accessors throw, and one way out is enough.
[[noreturn]] void refuse(const std::string& what) { throw std::runtime_error(what); }

std::string text_at(const json::object& object, std::string_view key) {
    return std::string(object.at(key).as_string());
}

std::int64_t number_at(const json::object& object, std::string_view key, std::int64_t low, std::int64_t high) {
    const std::int64_t value = object.at(key).as_int64();
    if (value < low || value > high) refuse(std::string(key) + " out of range");
    return value;
}

std::chrono::milliseconds duration_at(const json::object& object, std::string_view key) {
    constexpr std::int64_t ten_years = 315'576'000'000;
    return std::chrono::milliseconds(number_at(object, key, 0, ten_years));
}

WorkerSpec worker_from(const json::object& object) {
    WorkerSpec worker;
    worker.name = text_at(object, "name");
    const std::string kind = text_at(object, "kind");
    if (kind != static_kind && kind != dynamic_kind) refuse("kind " + kind);
    worker.kind = kind == dynamic_kind ? WorkerKind::dynamic : WorkerKind::static_files;
    for (const json::value& text : object.at("listen").as_array()) {
        const auto address = Address::parse(text.as_string());
        if (!address) refuse("listen");
        worker.listen.push_back(*address);
    }
    worker.root = text_at(object, "root");
    for (const json::value& path : object.at("serves").as_array()) worker.serves.emplace_back(path.as_string());
    worker.app = text_at(object, "app");
    for (const auto& variable : object.at("env").as_object())
        worker.env.emplace(variable.key(), variable.value().as_string());
    worker.pool = static_cast<int>(number_at(object, "pool", 1, 1000));
    const json::object& health = object.at("health").as_object();
    if (health.contains("path")) worker.health.path = text_at(health, "path");
    worker.health.every = duration_at(health, "every_ms");
    worker.health.timeout = duration_at(health, "timeout_ms");
    const json::object& restart = object.at("restart").as_object();
    worker.restart = {static_cast<int>(number_at(restart, "burst", 1, 1000)), duration_at(restart, "window_ms"),
                      duration_at(restart, "backoff_ms"), duration_at(restart, "max_ms")};
    worker.stop.grace = duration_at(object.at("stop").as_object(), "grace_ms");
    return worker;
}

} // namespace

std::string to_document(const Topology& topology) {
    json::array workers;
    for (const WorkerSpec& worker : topology.workers) workers.emplace_back(to_json(worker));
    return json::serialize(
        json::object{{"format", format},
                     {"site", topology.site},
                     {"machine", {{"name", topology.machine.name}, {"address", topology.machine.address}}},
                     {"workers", std::move(workers)}});
}

Result<Topology> parse_document(std::string_view document) {
    try {
        const json::value value = json::parse(document);
        const json::object& object = value.as_object();
        if (object.at("format").as_int64() != format) refuse("a format of another version");
        Topology topology;
        topology.site = text_at(object, "site");
        const json::object& machine = object.at("machine").as_object();
        topology.machine = {text_at(machine, "name"), text_at(machine, "address")};
        for (const json::value& worker : object.at("workers").as_array()) {
            topology.workers.push_back(worker_from(worker.as_object()));
            const auto& name = topology.workers.back().name;
            if (topology.find(name) != &topology.workers.back()) refuse("two workers named " + name);
        }
        return topology;
    } catch (const std::exception& exception) {
        return failure(std::string("topology document: ") + exception.what());
    }
}

std::string digest_of(std::string_view document) {
    SHA2_CTX context;
    ::SHA256Init(&context);
    ::SHA256Update(&context, reinterpret_cast<const std::uint8_t*>(document.data()), document.size());
    std::array<char, SHA256_DIGEST_STRING_LENGTH> hex{};
    ::SHA256End(&context, hex.data());
    return hex.data();
}

} // namespace mpsup

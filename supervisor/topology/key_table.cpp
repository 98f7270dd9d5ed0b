#include "supervisor/topology/key_table.h"

#include "supervisor/topology/key_parts.h"

#include <algorithm>

namespace mpsup::topology {

namespace {

const std::vector<Key>& table() {
    static const std::vector<Key> keys = [] {
        std::vector<Key> all;
        for (auto make : {make_site_keys, make_worker_keys, make_life_keys, make_route_keys})
            for (Key& key : make()) all.push_back(key);
        return all;
    }();
    return keys;
}

} // namespace

std::string_view Key::path_in_worker() const noexcept { return path.substr(worker_prefix.size()); }

bool Key::applies_to(Kind kind) const noexcept {
    const auto bit = kind == Kind::static_files ? Kinds::static_files
                     : kind == Kind::dynamic    ? Kinds::dynamic
                                                : Kinds::accelerator;
    return (static_cast<unsigned>(kinds) & static_cast<unsigned>(bit)) != 0;
}

bool Key::is_of_a_route() const noexcept { return path.starts_with(route_prefix); }

std::optional<Value> Key::value_in(const WorkerSpec& worker) const {
    static const RouteSpec usual{};
    if (get) return get(worker);
    auto value = get_of_route(worker.front->own);
    return value == get_of_route(usual) ? std::nullopt : std::move(value);
}

void Key::put(WorkerSpec& worker, Value value) const {
    if (set)
        set(worker, std::move(value));
    else
        set_of_route(worker.front.edit().own, std::move(value));
}

std::span<const Key> all_keys() noexcept { return table(); }

const Key* find_key(std::string_view path) noexcept {
    const auto found = std::ranges::find(table(), path, &Key::path);
    return found == table().end() ? nullptr : &*found;
}

std::vector<const Key*> keys_under(std::string_view path) {
    std::vector<const Key*> result;
    for (const auto& key : table()) {
        const auto dot = key.path.rfind('.');
        if ((dot == std::string_view::npos ? std::string_view{} : key.path.substr(0, dot)) == path)
            result.push_back(&key);
    }
    return result;
}

} // namespace mpsup::topology

#include "supervisor/topology/node.h"

#include <algorithm>

namespace mpsup::topology {

const Node* entry(const Node* map, std::string_view key) noexcept {
    if (!map) return nullptr;
    const auto found = std::ranges::find(map->entries, key, &Node::Entry::key);
    return found == map->entries.end() ? nullptr : found->value.get();
}

Mark mark_of(const Node* map, std::string_view key) noexcept {
    const Node* const inner = entry(map, key);
    return inner ? inner->mark : map ? map->mark : Mark{};
}

} // namespace mpsup::topology

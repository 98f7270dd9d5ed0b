#include "supervisor/topology/key_origin.h"

#include "supervisor/topology/value_parts.h"

#include <algorithm>
#include <charconv>

namespace mpsup::topology {

namespace {

// "workers.*.pool": the first `count` names, with `*` for the user's.
std::string pattern_of(const std::vector<std::string>& path, std::size_t count) {
    std::string pattern;
    for (std::size_t i = 0; i < count; ++i) {
        const bool is_named =
            (i == 1 && (path[0] == "workers" || path[0] == "machines")) || (i == 3 && path[2] == "routes");
        pattern += (i > 0 ? "." : "") + (is_named ? "*" : path[i]);
    }
    return pattern;
}

const Node* item_at(const Node& list, const std::string& index) {
    std::size_t at = list.items.size();
    std::from_chars(index.data(), index.data() + index.size(), at);
    return at < list.items.size() ? list.items[at].get() : nullptr;
}

} // namespace

std::optional<Mark> origin_of(const Node& root, const std::vector<std::string>& path) {
    const Node* node = &root;
    Mark mark = root.mark;
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (node->type == Node::Type::map) {
            const auto found = std::ranges::find(node->entries, path[i], &Node::Entry::key);
            if (found == node->entries.end()) return std::nullopt;
            mark = found->key_mark;
            node = found->value.get();
        } else if (const Node* const item = item_at(*node, path[i])) {
            mark = item->mark;
            node = item;
        } else if (node->type == Node::Type::sequence && std::ranges::all_of(path[i], is_digit)) {
            return std::nullopt; // there are fewer
        } else {                 // a plain value that stands for a section, or for a map
            const Key* const section = find_key(pattern_of(path, i));
            const bool is_other = section && section->type == Type::section && section->shorthand != path[i];
            return is_other ? std::nullopt : std::optional(mark);
        }
    }
    return mark;
}

} // namespace mpsup::topology

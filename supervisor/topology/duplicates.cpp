#include "supervisor/topology/duplicates.h"

#include "supervisor/topology/suggest.h"

#include <map>
#include <set>

namespace mpsup::topology {

namespace {

class Search {
public:
    void look(const Node& node, const std::string& where) {
        if (!visited_.insert(&node).second) return;
        std::map<std::string_view, Mark> first;
        for (const auto& each : node.entries) {
            const std::string place = where.empty() ? each.key : where + "." + each.key;
            const auto [known, fresh] = first.emplace(each.key, each.key_mark);
            if (!fresh)
                findings.push_back(
                    {each.key_mark, place,
                     "duplicate key " + in_ticks(each.key) + ", first at line " + std::to_string(known->second.line)});
            look(*each.value, place);
        }
        for (const auto& item : node.items) look(*item, where);
    }

    Findings findings;

private:
    std::set<const Node*> visited_;
};

} // namespace

Findings find_duplicates(const Node& root) {
    Search search;
    search.look(root, "");
    return std::move(search.findings);
}

} // namespace mpsup::topology

#include "supervisor/daemon/conversion.h"

#include "supervisor/topology/dependencies.h"
#include "supervisor/topology/front.h"
#include "supervisor/topology/urls.h"

#include <algorithm>
#include <map>
#include <ranges>
#include <utility>

namespace mpsup {

namespace {

using topology::Topology;
using topology::WorkerSpec;
using Kind = ConversionStep::Kind;
using std::chrono::milliseconds;

constexpr milliseconds at_once{0};
constexpr milliseconds gone = milliseconds::max();

// Where a worker is asked: an address, or the file name of a pool's socket.
struct Door {
    Address address{};
    std::string socket{};
};

std::vector<Door> doors_of(const WorkerSpec& worker) {
    std::vector<Door> doors;
    for (const Address& address : worker.listen) doors.push_back({address, {}});
    if (worker.kind == topology::Kind::dynamic && worker.is_private()) doors.push_back({{}, pool_socket_of(worker)});
    return doors;
}

bool leads_to(const Door& door, const Door& other) {
    return door.socket.empty() && other.socket.empty() ? door.address.overlaps(other.address)
                                                       : door.socket == other.socket;
}

// Who listens where.
class Owners {
public:
    explicit Owners(const Topology& topology) {
        for (const WorkerSpec& worker : topology.workers)
            for (Door& door : doors_of(worker)) {
                auto& place = door.socket.empty() ? by_port_[door.address.port] : by_socket_[door.socket];
                place.emplace_back(std::move(door), &worker);
            }
    }

    [[nodiscard]] std::vector<const WorkerSpec*> of(const Door& door) const {
        std::vector<const WorkerSpec*> owners;
        for (const auto& [own, worker] : near(door))
            if (leads_to(own, door)) owners.push_back(worker);
        return owners;
    }

private:
    using Place = std::vector<std::pair<Door, const WorkerSpec*>>;
    [[nodiscard]] const Place& near(const Door& door) const {
        static const Place nobody;
        if (door.socket.empty()) {
            const auto found = by_port_.find(door.address.port);
            return found == by_port_.end() ? nobody : found->second;
        }
        const auto found = by_socket_.find(door.socket);
        return found == by_socket_.end() ? nobody : found->second;
    }

    std::map<std::uint16_t, Place> by_port_;
    std::map<std::string, Place> by_socket_;
};

// Whom it asks: backends and pools of its routes, and of its files where there is none.
std::vector<Door> asked_by(const WorkerSpec& front) {
    std::vector<Door> doors;
    const auto add = [&](const topology::RouteSpec& route) {
        for (const std::string& target : route.to.empty() ? std::vector{route.fallback} : route.to)
            if (auto address = Address::parse(target))
                doors.push_back({std::move(*address), {}});
            else if (!route.socket.empty())
                doors.push_back({{}, route.socket});
    };
    add(front.front->own);
    for (const topology::RouteSpec& route : front.front->routes) add(route);
    return doors;
}

// Is it found wherever it was?
bool keeps_doors(const WorkerSpec& before, const WorkerSpec& after) {
    const auto doors = doors_of(after);
    return std::ranges::all_of(doors_of(before), [&](const Door& door) {
        return std::ranges::any_of(
            doors, [&](const Door& other) { return door.address == other.address && door.socket == other.socket; });
    });
}

// Does it answer the same paths, as far as a topology says?
bool is_alike(const WorkerSpec& one, const WorkerSpec& other) {
    return one.name == other.name && one.kind == other.kind && one.root.empty() == other.root.empty() &&
           one.serves == other.serves;
}

// Whose a path is among the servers of a site: that with the longest beginning of it.
class PathOwners {
public:
    explicit PathOwners(const Topology& topology) : servers_(topology::public_servers(topology)) {}

    [[nodiscard]] const WorkerSpec* of(const std::string& path) const {
        const WorkerSpec* owner = nullptr;
        std::size_t length = 0;
        for (const auto& [worker, server] : servers_) {
            if (server.serves.empty() && !owner) owner = worker;
            for (const std::string& beginning : server.serves)
                if (is_below(path, beginning) && beginning.size() > length) {
                    owner = worker;
                    length = beginning.size();
                }
        }
        return owner;
    }

    [[nodiscard]] const std::vector<topology::PublicServer>& servers() const { return servers_; }

private:
    static bool is_below(const std::string& path, const std::string& beginning) {
        return path.starts_with(beginning) || path + "/" == beginning;
    }

    std::vector<topology::PublicServer> servers_;
};

// Every path has the same owners, before and after, as the longest of these that it begins with.
std::set<std::string> paths_of(const PathOwners& before, const PathOwners& after) {
    std::set<std::string> paths{"/"};
    for (const PathOwners* owners : {&before, &after})
        for (const topology::PublicServer& each : owners->servers())
            paths.insert(each.server.serves.begin(), each.server.serves.end());
    return paths;
}

// A step waits until others were taken, or until nothing is left of whom they let go.
class Graph {
public:
    explicit Graph(const Conversion& conversion)
        : conversion_(conversion), before_(conversion.before), after_(conversion.after) {
        for (const std::string& name : topology::start_order(conversion.after.workers))
            if (conversion.coming.contains(name)) nodes_.push_back({{Kind::let_in, name}});
        for (const std::string& name : topology::start_order(conversion.after.workers))
            if (conversion.leaving.contains(name)) nodes_.push_back({{Kind::let_go, name}});
        for (const std::string& name : topology::start_order(conversion.before.workers) | std::views::reverse)
            if (conversion.leaving.contains(name) && !conversion.after.find(name))
                nodes_.push_back({{Kind::let_go, name}});
        for (std::size_t at = 0; at < nodes_.size(); ++at) index_[{nodes_[at].step.kind, nodes_[at].step.worker}] = at;
        connect();
    }

    [[nodiscard]] std::vector<ConversionStep> order() {
        std::vector<ConversionStep> steps;
        while (Node* next = next_node()) {
            next->done = true;
            for (const Edge& edge : next->after)
                if (edge.wait.count() > 0 && nodes_[edge.of].done)
                    next->step.awaits.push_back({nodes_[edge.of].step.worker, edge.wait});
            steps.push_back(next->step);
        }
        return steps;
    }

    [[nodiscard]] bool is_first(const std::string& worker) const {
        const auto in = index_.find({Kind::let_in, worker});
        return in != index_.end() && nodes_[in->second].after.empty();
    }

    [[nodiscard]] bool is_free(const std::string& worker) const {
        const auto in = index_.find({Kind::let_in, worker});
        const auto go = index_.find({Kind::let_go, worker});
        if (in == index_.end() || go == index_.end()) return false;
        const auto is_own = [&](const Edge& edge) { return edge.of == in->second; };
        const auto leads_to_none_yet = [&](const Edge& edge) { // one that is added is let in after all trials
            return edge.wait.count() > 0 || !index_.contains({Kind::let_go, nodes_[edge.of].step.worker});
        };
        return std::ranges::none_of(nodes_[in->second].after, leads_to_none_yet) &&
               std::ranges::all_of(nodes_[go->second].after, is_own) &&
               std::ranges::none_of(nodes_, [&](const Node& node) {
                   return std::ranges::any_of(
                       node.after, [&](const Edge& edge) { return edge.of == go->second && edge.wait.count() > 0; });
               });
    }

private:
    struct Edge {
        std::size_t of;
        milliseconds wait; // until nothing is left of whom it lets go; 0: not
    };
    struct Node {
        ConversionStep step;
        std::vector<Edge> after{};
        bool done = false;
    };

    void connect() {
        for (const WorkerSpec& worker : before_.topology.workers) {
            come_first(worker);
            if (conversion_.leaving.contains(worker.name)) leave_first(worker);
        }
        for (const WorkerSpec& worker : after_.topology.workers)
            if (conversion_.coming.contains(worker.name)) come_last(worker);
        pass_paths_on();
    }

    // Who has its addresses afterwards is there before it goes; and so is whatever takes its place.
    void come_first(const WorkerSpec& old) {
        add({Kind::let_go, old.name}, {Kind::let_in, old.name}, at_once);
        for (const Door& door : doors_of(old))
            for (const WorkerSpec* heir : after_.owners.of(door))
                add({Kind::let_go, old.name}, {Kind::let_in, heir->name}, at_once);
        for (const auto& [name, condition] : old.depends_on) // of those that go for good
            if (!after_.topology.find(old.name) && !after_.topology.find(name))
                add({Kind::let_go, name}, {Kind::let_go, old.name}, gone);
    }

    // One that leads to others is gone before they go, and before somebody else answers in their place.
    void leave_first(const WorkerSpec& front) {
        for (const Door& door : asked_by(front)) {
            const auto heirs = after_.owners.of(door);
            for (const WorkerSpec* asked : before_.owners.of(door)) {
                const auto is_heir = [&](const WorkerSpec* heir) { return is_alike(*asked, *heir); };
                if (std::ranges::any_of(heirs, is_heir)) continue;
                add({Kind::let_go, asked->name}, {Kind::let_go, front.name}, gone);
                for (const WorkerSpec* heir : heirs)
                    add({Kind::let_in, heir->name}, {Kind::let_go, front.name}, time_to_finish);
            }
        }
    }

    // One that leads to others comes after them, and when nobody else answers in their place.
    void come_last(const WorkerSpec& front) {
        for (const Door& door : asked_by(front))
            for (const WorkerSpec* asked : after_.owners.of(door)) {
                add({Kind::let_in, front.name}, {Kind::let_in, asked->name}, at_once);
                for (const WorkerSpec* old : before_.owners.of(door))
                    if (!is_alike(*old, *asked))
                        add({Kind::let_in, front.name}, {Kind::let_go, old->name}, time_to_hear);
            }
    }

    // Each of two servers that say of a path that it is the other's sends clients back: the old one of whom it will be
    // is gone before anybody says so.
    void pass_paths_on() {
        using enum contract::Links::Mode;
        if (before_.topology.links == off && after_.topology.links == off) return;
        const PathOwners before(before_.topology);
        const PathOwners after(after_.topology);
        for (const std::string& path : paths_of(before, after)) {
            const WorkerSpec* const from = before.of(path);
            const WorkerSpec* const to = after.of(path);
            if (!to || (from && from->name == to->name)) continue;
            for (const topology::PublicServer& other : after.servers())
                add({Kind::let_in, other.worker->name}, {Kind::let_in, to->name}, at_once);
            if (from) pass_on(*from, *to);
        }
    }

    void pass_on(const WorkerSpec& from, const WorkerSpec& to) {
        add({Kind::let_go, from.name}, {Kind::let_go, to.name}, gone);
        add({Kind::let_in, from.name}, {Kind::let_go, to.name}, gone);
        for (const Door& door : doors_of(from))
            for (const WorkerSpec* heir : after_.owners.of(door)) {
                if (heir->name == to.name) continue;
                add({Kind::let_in, heir->name}, {Kind::let_in, to.name}, at_once);
                add({Kind::let_in, heir->name}, {Kind::let_go, to.name}, gone);
            }
    }

    using Key = std::pair<Kind, std::string>;
    void add(const Key& later, const Key& earlier, milliseconds wait) {
        const auto from = index_.find(earlier);
        const auto to = index_.find(later);
        if (from == index_.end() || to == index_.end() || from == to) return;
        nodes_[to->second].after.push_back({from->second, wait});
    }

    enum class Strictness { all, waits_for_none_to_go, first_rule };
    [[nodiscard]] bool is_ready(const Node& node, Strictness strictness) const {
        if (strictness == Strictness::first_rule && node.step.kind == Kind::let_in) return true;
        return std::ranges::all_of(node.after, [&](const Edge& edge) {
            return nodes_[edge.of].done || (strictness != Strictness::all && nodes_[edge.of].step.kind == Kind::let_go);
        });
    }

    // Where steps wait for each other in a circle, less counts, and in the end the first rule alone.
    [[nodiscard]] Node* next_node() {
        using enum Strictness;
        for (const Strictness strictness : {all, waits_for_none_to_go, first_rule})
            for (Node& node : nodes_)
                if (!node.done && is_ready(node, strictness)) return &node;
        return nullptr;
    }

    struct Side {
        explicit Side(const Topology& of) : topology(of), owners(of) {}
        const Topology& topology;
        Owners owners;
    };
    const Conversion& conversion_;
    Side before_, after_;
    std::vector<Node> nodes_; // let in before let go
    std::map<Key, std::size_t> index_;
};

} // namespace

std::vector<ConversionStep> steps_of(const Conversion& conversion) { return Graph(conversion).order(); }

std::set<std::string> free_to_come(const Conversion& conversion) {
    const Graph graph(conversion);
    std::set<std::string> names;
    for (const std::string& name : conversion.coming)
        if (graph.is_first(name)) names.insert(name);
    return names;
}

std::set<std::string> free_to_roll(const Conversion& conversion) {
    const Graph graph(conversion);
    std::set<std::string> names;
    for (const std::string& name : conversion.coming) {
        const WorkerSpec* const before = conversion.before.find(name); // of what was adopted it may not be known
        if (before && graph.is_free(name) && keeps_doors(*before, *conversion.after.find(name))) names.insert(name);
    }
    return names;
}

} // namespace mpsup

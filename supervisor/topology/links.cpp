#include "supervisor/topology/links.h"

#include "supervisor/topology/front.h"
#include "supervisor/topology/moved.h"
#include "supervisor/topology/suggest.h"
#include "supervisor/topology/urls.h"

#include <algorithm>
#include <sys/stat.h>
#include <utility>

namespace mpsup::topology {

namespace {

using contract::Links;

// "/static" of "/static/": two that differ in that alone are one claim. "": every path that is nobody else's.
std::string claim_of(std::string path) {
    while (path.ends_with('/')) path.pop_back();
    return path;
}

class LinkCheck {
public:
    LinkCheck(const Topology& topology, const Node& root)
        : topology_(topology), root_(root), servers_(public_servers(topology)) {}

    Findings run(bool look_at_files) {
        if (topology_.links == Links::Mode::off) return {};
        if (servers_.size() < 2) return {pointless()};
        for (const PublicServer& server : servers_) {
            name(server);
            claims(*server.worker);
            if (look_at_files) folders(*server.worker);
        }
        const auto links = links_of(topology_);
        if (findings_.empty() && contract::encoded_size(links.begin()->second) > contract::max_links_bytes)
            findings_.push_back({mark_of(&root_, "links"), "links",
                                 "the `serves` of all workers together are so long that a worker cannot be told"});
        return std::move(findings_);
    }

private:
    struct Claim {
        std::string text; // a path, or a name
        std::string worker;
        Mark mark;
    };

    [[nodiscard]] std::string key() const { return "`links: " + std::string(to_string(topology_.links)) + "`"; }

    [[nodiscard]] Finding pointless() const {
        return {mark_of(&root_, "links"), "links",
                key() + " does nothing here: fewer than two static and dynamic workers have a `listen`",
                "take it away: behind an accelerator every link is right as it is", true};
    }

    [[nodiscard]] const Node* node_of(const WorkerSpec& worker) const {
        return entry(entry(&root_, "workers"), worker.name);
    }

    // Where the value of a key stands; in a list, that of one item.
    [[nodiscard]] Mark place_of(const WorkerSpec& worker, std::string_view key, std::size_t item = 0) const {
        const Node* const value = entry(node_of(worker), key);
        if (value && value->type == Node::Type::sequence && item < value->items.size()) return value->items[item]->mark;
        return mark_of(node_of(worker), key);
    }

    [[nodiscard]] static std::string has_it(const Claim& earlier) {
        return in_ticks(earlier.worker) +
               (earlier.mark.line > 0 ? " (line " + std::to_string(earlier.mark.line) + ")" : "");
    }

    void add(Mark mark, const WorkerSpec& worker, std::string_view key, std::string message, std::string remedy = {}) {
        findings_.push_back(
            {mark, "workers." + worker.name + "." + std::string(key), std::move(message), std::move(remedy)});
    }

    void name(const PublicServer& server) {
        const bool is_said = !server.worker->public_url.empty();
        const Mark mark = place_of(*server.worker, is_said ? "public" : "listen");
        const auto earlier = std::ranges::find(names_, server.server.url, &Claim::text);
        if (earlier != names_.end())
            add(mark, *server.worker, is_said ? "public" : "listen",
                "clients call it " + server.server.url + ", and " + has_it(*earlier) + " too: " + key() +
                    " could not tell them apart",
                "give each a `public` of its own");
        names_.push_back({server.server.url, server.worker->name, mark});
    }

    void claims(const WorkerSpec& worker) {
        if (worker.kind == Kind::dynamic || worker.serves.empty()) claim("", worker, mark_of(node_of(worker), {}));
        for (std::size_t i = 0; i < worker.serves.size(); ++i)
            claim(claim_of(worker.serves[i]), worker, place_of(worker, "serves", i));
    }

    void claim(std::string path, const WorkerSpec& worker, Mark mark) {
        const auto earlier = std::ranges::find(claims_, path, &Claim::text);
        if (earlier != claims_.end() && earlier->worker != worker.name)
            add(mark, worker, "serves",
                (path.empty() ? in_ticks(worker.name) + " has every path that is nobody else's"
                              : in_ticks(path) + " is in the `serves` of " + in_ticks(worker.name)) +
                    ", and " + has_it(*earlier) + " has the same: " + key() + " needs one server for each path",
                "`serves` of a static worker names the paths that are its");
        claims_.push_back({std::move(path), worker.name, mark});
    }

    // What is not there would be linked to in vain.
    void folders(const WorkerSpec& worker) {
        const contract::Files files = files_of(worker);
        if (files.root.empty()) return;
        for (std::size_t i = 0; i < worker.serves.size(); ++i) {
            if (!worker.serves[i].starts_with(files.strip_prefix)) continue;
            const std::string path = files.root + worker.serves[i].substr(files.strip_prefix.size());
            struct stat status{};
            if (::stat(path.c_str(), &status) != 0)
                add(place_of(worker, "serves", i), worker, "serves",
                    in_ticks(worker.serves[i]) + " is nobody's: there is no " + in_ticks(path),
                    "the whole path of a request is appended to `root`");
        }
    }

    const Topology& topology_;
    const Node& root_;
    const std::vector<PublicServer> servers_;
    std::vector<Claim> names_, claims_;
    Findings findings_;
};

} // namespace

std::map<std::string, Links> links_of(const Topology& topology) {
    std::map<std::string, Links> all;
    if (topology.find(moved_worker)) all.emplace(moved_worker, links_of_moved(topology));
    const auto servers = public_servers(topology);
    if (topology.links == Links::Mode::off || servers.size() < 2) return all;
    Links links{.mode = topology.links};
    for (const PublicServer& each : servers) links.servers.push_back(each.server);
    for (const PublicServer& each : servers) {
        all.emplace(each.worker->name, links);
        ++links.own;
    }
    return all;
}

Findings check_links(const Topology& topology, const Node& root, bool look_at_files) {
    return LinkCheck(topology, root).run(look_at_files);
}

std::string_view to_string(Links::Mode mode) noexcept {
    switch (mode) {
    case Links::Mode::off: return "off";
    case Links::Mode::redirect: return "redirect";
    case Links::Mode::rewrite: return "rewrite";
    }
    std::unreachable();
}

} // namespace mpsup::topology

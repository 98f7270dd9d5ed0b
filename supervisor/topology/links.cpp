#include "supervisor/topology/links.h"

#include "supervisor/topology/front.h"
#include "supervisor/topology/moved.h"
#include "supervisor/topology/suggest.h"
#include "supervisor/topology/urls.h"
#include "supervisor/topology/value_parts.h"

#include <algorithm>
#include <sys/stat.h>
#include <utility>

namespace mpsup::topology {

namespace {

using contract::Links;

constexpr std::string_view missing_path = "missing-path"; // a code of advice

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
        if (topology_.links == Links::Mode::off) return run_off(look_at_files);
        if (servers_.size() < 2) return {pointless()};
        for (const PublicServer& server : servers_) {
            name(server);
            host(server);
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
    // What holds where nobody looks at links: no path is two servers', and one that is not there is likely a mistake.
    Findings run_off(bool look_at_files) {
        for (const PublicServer& server : servers_) written_claims(*server.worker);
        if (look_at_files)
            for (const WorkerSpec& worker : topology_.workers) folders(worker);
        return std::move(findings_);
    }

    struct Claim {
        std::string text; // a path, or a name
        std::string worker;
        Mark mark;
    };

    [[nodiscard]] std::string key() const { return "`links: " + std::string(to_string(topology_.links)) + "`"; }

    [[nodiscard]] std::string why_one() const {
        if (topology_.links == Links::Mode::off) return "each path needs one server";
        return key() + " needs one server for each path";
    }

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

    // What is written into pages must hold for all clients; 127.0.0.1 holds for those of this machine.
    void host(const PublicServer& server) {
        if (topology_.links != Links::Mode::rewrite || !server.server.any_host || entry(&root_, "machines")) return;
        const WorkerSpec& worker = *server.worker;
        add(place_of(worker, "listen"), worker, "listen",
            "it listens on every address: " + key() + " cannot know what clients call it",
            "write `public: \"http://www.example.org:" + std::to_string(public_listener(worker).port) +
                "\"`, or the address of the machine as `machines.NAME.address`");
    }

    void claims(const WorkerSpec& worker) {
        if (worker.kind == Kind::dynamic || worker.serves.empty()) claim("", worker, mark_of(node_of(worker), {}));
        written_claims(worker);
    }

    void written_claims(const WorkerSpec& worker) {
        for (std::size_t i = 0; i < worker.serves.size(); ++i)
            claim(claim_of(worker.serves[i]), worker, place_of(worker, "serves", i));
    }

    void claim(std::string path, const WorkerSpec& worker, Mark mark) {
        const auto earlier = std::ranges::find(claims_, path, &Claim::text);
        if (earlier != claims_.end() && earlier->worker != worker.name)
            add(mark, worker, "serves",
                (path.empty() ? in_ticks(worker.name) + " has every path that is nobody else's"
                              : in_ticks(path) + " is in the `serves` of " + in_ticks(worker.name)) +
                    ", and " + has_it(*earlier) + " has the same: " + why_one(),
                "`serves` of a static worker names the paths that are its");
        claims_.push_back({std::move(path), worker.name, mark});
    }

    // As advice.h has it.
    [[nodiscard]] bool is_meant(const WorkerSpec& worker) const {
        const auto allows = [](const Node* list) {
            return list &&
                   std::ranges::any_of(one_or_many(*list), [](const Node* item) { return item->text == missing_path; });
        };
        if (topology_.links != Links::Mode::off) return false;
        return allows(entry(&root_, "x-allow")) || allows(entry(node_of(worker), "x-allow"));
    }

    // What is not there would be linked to in vain: an error, or advice where nobody makes links.
    void folders(const WorkerSpec& worker) {
        const contract::Files files = files_of(worker);
        if (files.root.empty()) return;
        for (std::size_t i = 0; i < worker.serves.size(); ++i) {
            if (!worker.serves[i].starts_with(files.strip_prefix)) continue;
            const std::string path = files.root + worker.serves[i].substr(files.strip_prefix.size());
            struct stat status{};
            if (::stat(path.c_str(), &status) == 0 || is_meant(worker)) continue;
            add(place_of(worker, "serves", i), worker, "serves",
                in_ticks(worker.serves[i]) + " is nobody's: there is no " + in_ticks(path),
                "the whole path of a request is appended to `root`");
            if (topology_.links != Links::Mode::off) continue;
            findings_.back().is_warning = true;
            findings_.back().code = missing_path;
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

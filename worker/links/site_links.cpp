#include "worker/links/site_links.h"

#include <string_view>
#include <vector>

namespace mpsup::links {

namespace {

std::vector<Server> servers_of(const contract::Links& links) {
    std::vector<Server> servers;
    for (const contract::LinkServer& server : links.servers)
        servers.push_back({Origin::parse(server.url).value_or(Origin{}), server.serves, server.any_host});
    return servers;
}

// Is it this one that a client means who says `authority`?
bool is_called(const Origin& origin, std::string_view authority) {
    if (http::equals_ignoring_case(authority, origin.host + ":" + std::to_string(origin.port))) return true;
    return origin.port == contract::usual_port(origin.scheme) && http::equals_ignoring_case(authority, origin.host);
}

// As this client calls it.
Origin origin_for(const Server& server, std::string_view authority) {
    return server.any_host ? server.origin.at_host_of(authority) : server.origin;
}

// FNV-1a. `rules`: raised when the same page would be rewritten into other bytes than before.
std::uint64_t digest_of(const contract::Links& links) {
    constexpr std::string_view rules = "1";
    std::uint64_t digest = 0xcbf29ce484222325ULL;
    const auto add = [&](std::string_view text) {
        for (const char c : text) digest = (digest ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
        digest = (digest ^ ' ') * 0x100000001b3ULL;
    };
    add(rules);
    add(std::to_string(links.own));
    for (const contract::LinkServer& server : links.servers) {
        add(server.url);
        for (const std::string& path : server.serves) add(path);
    }
    return digest;
}

} // namespace

SiteLinks::SiteLinks(const contract::Links& links) : mode_(links.mode) {
    if (mode_ == contract::Links::Mode::off) return;
    map_.emplace(servers_of(links), links.own);
    digest_ = digest_of(links);
}

std::string SiteLinks::tag() const {
    std::string tag = "l";
    for (int shift = 44; shift >= 24; shift -= 4)
        tag += "0123456789abcdef"[(digest_ >> static_cast<unsigned>(shift)) & 15U];
    return tag;
}

bool SiteLinks::redirect(const http::Request& request, http::Reply& reply) const {
    if (!map_ || mode_ != contract::Links::Mode::redirect || !request.path.starts_with('/')) return false;
    const Server* const other = map_->other_owner(request.path);
    if (!other) return false;
    const Origin there = origin_for(*other, request.authority);
    if (is_called(there, request.authority) &&
        !is_called(origin_for(map_->own(), request.authority), request.authority))
        return false;
    std::string location = there.text();
    location += request.path;
    if (request.has_query) location.append("?").append(request.query);
    reply.status = request.method == "GET" || request.method == "HEAD" ? 307 : 308;
    reply.add("Location", location);
    reply.add_lent("Cache-Control", "no-store");
    reply.add_lent("Content-Type", "text/plain; charset=utf-8");
    reply.text = "This is found at " + location + "\n";
    return true;
}

} // namespace mpsup::links

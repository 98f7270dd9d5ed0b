#include "worker/links/link_map.h"

#include "worker/http/percent.h"
#include "worker/http/request.h"
#include "worker/links/url_reference.h"

#include <utility>

namespace mpsup::links {

namespace {

using contract::usual_port;

bool is_below(std::string_view path, std::string_view beginning) noexcept {
    if (!path.starts_with(beginning)) return false;
    return beginning.ends_with('/') || path.size() == beginning.size() || path[beginning.size()] == '/';
}

// The path that a reference leads to (RFC 3986 section 5.2.2).
std::string resolved_path(const LinkBase& base, const UrlReference& reference) {
    if (reference.has_authority && reference.path.empty()) return "/";
    if (reference.has_authority || reference.path.starts_with('/')) return without_dot_segments(reference.path);
    if (reference.path.empty()) return base.path;
    return without_dot_segments(base.path.substr(0, base.path.rfind('/') + 1) + reference.path);
}

// What ends alike in both is not touched: so most edits only put an origin before what is there.
void keep_common_end(std::string_view reference, Edit& edit) {
    while (edit.end > edit.begin && !edit.text.empty() && reference[edit.end - 1] == edit.text.back()) {
        edit.text.pop_back();
        --edit.end;
    }
}

// "img" of "/static/img/": a reference has it, unless it is relative to what lies below.
std::string_view last_word(std::string_view beginning) noexcept {
    while (beginning.ends_with('/')) beginning.remove_suffix(1);
    return beginning.substr(beginning.rfind('/') + 1);
}

} // namespace

LinkMap::LinkMap(std::vector<Server> servers, std::size_t own) : servers_(std::move(servers)), own_(own) {
    for (const Server& server : servers_) origins_.push_back(server.origin.text());
}

bool LinkMap::is_own(std::string_view scheme, std::string_view authority) const {
    const Origin& own = servers_[own_].origin;
    if (!scheme.empty() && scheme != own.scheme) return false;
    if (http::equals_ignoring_case(authority, own.host)) return own.port == usual_port(own.scheme);
    return http::equals_ignoring_case(authority, own.host + ":" + std::to_string(own.port));
}

// As the servers decode it: whatever they would refuse belongs to nobody.
const Server* LinkMap::owner(std::string_view raw_path) const {
    std::string path;
    if (!http::decode_file_path(raw_path, path)) return nullptr;
    const Server* best = nullptr;
    std::size_t length = 0;
    for (const Server& server : servers_) {
        if (server.serves.empty() && !best) best = &server;
        for (const std::string& beginning : server.serves)
            if (is_below(path, beginning) && beginning.size() > length) {
                best = &server;
                length = beginning.size();
            }
    }
    return best;
}

LinkBase LinkMap::base(std::string_view page_path) const {
    return {true, page_path.starts_with('/') ? std::string(page_path) : "/"};
}

LinkBase LinkMap::base(const LinkBase& page, std::string_view href) const {
    const SplitReference split = split_reference(href);
    if (!split.reference) return split.fault == ReferenceFault::nowhere ? page : LinkBase{false, "/"};
    const UrlReference& reference = *split.reference;
    const bool ours = reference.has_authority ? is_own(reference.scheme, reference.authority) : page.ours;
    return {ours, resolved_path(page, reference)};
}

std::optional<Edit> LinkMap::change(const LinkBase& base, std::string_view reference) const {
    const SplitReference split = split_reference(reference);
    if (!split.reference) return std::nullopt;
    const UrlReference& parts = *split.reference;
    if (parts.has_authority ? !is_own(parts.scheme, parts.authority) : !base.ours) return std::nullopt;
    const std::string path = resolved_path(base, parts);
    const Server* server = other_owner(path);
    if (!server) return std::nullopt;
    Edit edit{parts.begin, parts.tail, origins_[static_cast<std::size_t>(server - servers_.data())] + path};
    keep_common_end(reference, edit);
    return edit;
}

const Server* LinkMap::other_owner(std::string_view raw_path) const {
    const Server* server = owner(raw_path);
    return server && server->origin != own().origin ? server : nullptr;
}

std::optional<std::string> LinkMap::rewritten(const LinkBase& base, std::string_view reference) const {
    auto edit = change(base, reference);
    return edit ? std::optional(applied(reference, {std::move(*edit)})) : std::nullopt;
}

std::optional<std::vector<std::string_view>> LinkMap::words(const LinkBase& base) const {
    std::vector<std::string_view> result;
    for (const Server& server : servers_) {
        if (server.origin == servers_[own_].origin) continue;
        if (server.serves.empty()) return std::nullopt;
        for (const std::string& beginning : server.serves) {
            const std::string_view word = last_word(beginning);
            if (word.empty() || base.path.contains(word) || base.path.contains('%')) return std::nullopt;
            result.push_back(word);
        }
    }
    return result;
}

} // namespace mpsup::links

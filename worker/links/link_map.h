// Which server of a site a link belongs to. Where two servers share a site, a relative link on a page of the one leads to
// that one, although its path may be the other's.
#pragma once

#include "worker/contract/origin.h"
#include "worker/links/edit.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::links {

using Origin = contract::Origin;

struct Server {
    Origin origin{};
    std::vector<std::string> serves{}; // beginnings of decoded paths ("/static/"), whole segments; none: all else
    bool any_host = false;             // contract::LinkServer
};

/// What relative references of a page are relative to.
struct LinkBase {
    bool ours = true;       // false: another site (`<base href>`), so no relative reference is changed
    std::string path = "/"; // raw, as in the request: no query
};

/// Immutable, so any number of threads may ask. A path belongs to the server with the longest beginning of it.
class LinkMap {
public:
    /// `own`: the server whose pages are looked at, an index of `servers`.
    LinkMap(std::vector<Server> servers, std::size_t own);

    /// Of a page without `<base href>`.
    [[nodiscard]] LinkBase base(std::string_view page_path) const;
    /// Of one that has it; empty or a fragment alone counts as not being there, and what is no place ("data:") as foreign.
    [[nodiscard]] LinkBase base(const LinkBase& page, std::string_view href) const;

    /// What must be done to a reference so that it leads where it should: its path, resolved (RFC 3986 section 5), is
    /// another server's, so that server's origin comes before it, and it becomes absolute; query, fragment and white
    /// space around stay as they are. Nothing for every other reference, among them all with a foreign authority, the
    /// other servers' included. See url_reference.h for odd ones; a path that no server would decode stays too.
    [[nodiscard]] std::optional<Edit> change(const LinkBase& base, std::string_view reference) const;

    /// The same, as the whole new reference.
    [[nodiscard]] std::optional<std::string> rewritten(const LinkBase& base, std::string_view reference) const;

    /// The server that a path belongs to, raw as in a request, when that is another one than the own; null also for a path
    /// that no server would decode.
    [[nodiscard]] const Server* other_owner(std::string_view raw_path) const;

    [[nodiscard]] const Server& own() const noexcept { return servers_[own_]; }

    /// One of these words is in each reference that `change` changes, in whatever way it is written. Nothing: a page with
    /// this base may have others (it lies among the paths of another server).
    [[nodiscard]] std::optional<std::vector<std::string_view>> words(const LinkBase& base) const;

private:
    [[nodiscard]] bool is_own(std::string_view scheme, std::string_view authority) const;
    [[nodiscard]] const Server* owner(std::string_view raw_path) const;

    std::vector<Server> servers_;
    std::vector<std::string> origins_; // their texts
    std::size_t own_;
};

} // namespace mpsup::links

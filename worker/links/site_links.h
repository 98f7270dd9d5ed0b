// What a worker was told about links, ready for use.
#pragma once

#include "worker/contract/links.h"
#include "worker/http/reply.h"
#include "worker/http/request.h"
#include "worker/links/link_map.h"

#include <optional>
#include <string>

namespace mpsup::links {

/// Immutable, so any number of threads may ask.
class SiteLinks {
public:
    /// Nothing is done.
    SiteLinks() = default;
    /// `links` was decoded: its URLs parse, and `own` is one of its servers.
    explicit SiteLinks(const contract::Links& links);

    /// Of links that are to be rewritten; null: none are.
    [[nodiscard]] const LinkMap* map() const noexcept {
        return map_ && mode_ == contract::Links::Mode::rewrite ? &*map_ : nullptr;
    }

    /// For entity tags of what was rewritten: differs when the map does. "l" and six hexadecimal digits.
    [[nodiscard]] std::string tag() const;

    /// Answers a request for a path of another server: 307 to it for GET and HEAD, else 308, which keeps the method and says that
    /// the next ones are to go there (RFC 9110 sections 15.4.8 and 15.4.9). Not to be stored, because the next topology may
    /// place the path here. False, and `reply` as it was, when that is not wanted, or the path is our own, or the client
    /// came to us under the other server's name: it would come back. Else no loop can be, because all servers decide by one
    /// function who has a path. A server whose host is a guess (contract::LinkServer) is named at the host that the client
    /// called, if that is one.
    [[nodiscard]] bool redirect(const http::Request& request, http::Reply& reply) const;

private:
    contract::Links::Mode mode_ = contract::Links::Mode::off;
    std::optional<LinkMap> map_;
    std::uint64_t digest_ = 0;
};

} // namespace mpsup::links

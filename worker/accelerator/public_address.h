// Rewrites what an upstream says about its own address into what its clients know.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace mpsup::accelerator {

/// Where the site is for its client, and where the upstream believes to be. Views outlive the object.
struct AddressMap {
    std::string_view proto;                     // public: "http" or "https"
    std::string_view host;                      // public authority, with its port if it has one
    std::span<const std::string> authorities{}; // of the upstream: "127.0.0.1:8090"
    std::string_view public_prefix = "/";       // a route that cuts its prefix off: "/app/" here …
    std::string_view upstream_prefix = "/";     // … is "/" there
};

/// True: `out` holds the new value. False: the value stays as it is. A URL is rewritten when its authority is one of the
/// upstream's, or the public host with the upstream's port; a path alone only when prefixes differ.
[[nodiscard]] bool rewrite_location(const AddressMap& map, std::string_view value, std::string& out);

/// Refresh: "5; url=http://127.0.0.1:8090/".
[[nodiscard]] bool rewrite_refresh(const AddressMap& map, std::string_view value, std::string& out);

/// Link (RFC 8288): "<http://127.0.0.1:8090/a.css>; rel=preload, …", each of its targets.
[[nodiscard]] bool rewrite_link(const AddressMap& map, std::string_view value, std::string& out);

/// Set-Cookie (RFC 6265 section 4.1): Domain that is the upstream's host becomes the public one, and goes when that is an
/// address; Path below the upstream's prefix moves below the public one. Secure and everything else stay.
[[nodiscard]] bool rewrite_cookie(const AddressMap& map, std::string_view value, std::string& out);

} // namespace mpsup::accelerator

// What a listener of a site is bound to.
#pragma once

#include "base/address.h"
#include "supervisor/control/site_paths.h"
#include "supervisor/topology/topology.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup {

/// An address that clients connect to, or the socket file of a pool that accelerators alone reach. Text form:
/// "127.0.0.1:8080", "unix:/run/mpsup/shop/pool/httpd_perl.sock".
struct Endpoint {
    Address address{};
    std::string path{}; // of a socket file; empty: `address`

    Endpoint() = default;
    Endpoint(Address of) : address(std::move(of)) {} // NOLINT(google-explicit-constructor): it is one
    [[nodiscard]] static Endpoint socket(std::string path);

    /// Nothing for what is neither an address nor "unix:" and an absolute path.
    [[nodiscard]] static std::optional<Endpoint> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const { return path.empty() ? address.to_string() : "unix:" + path; }

    friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// All that a worker's public listeners are bound to.
[[nodiscard]] std::vector<Endpoint> endpoints_of(const topology::WorkerSpec& worker, const SitePaths& paths);
/// Of all workers of a site.
[[nodiscard]] std::vector<Endpoint> endpoints_of(const topology::Topology& topology, const SitePaths& paths);

/// Where a stream socket listens (getsockname(2)); nothing for any other descriptor.
[[nodiscard]] std::optional<Endpoint> listening_endpoint(int fd);

} // namespace mpsup

// Where links between the servers of a site lead, and what is done about those that lead to the wrong one. Plain values: made
// by the supervisor from a topology, sent to static and dynamic workers in `go`.
#pragma once

#include "worker/contract/files.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mpsup::contract {

/// A worker that clients connect to.
struct LinkServer {
    std::string url{}; // what clients call it: an Origin's text
    Texts serves{};    // beginnings of the paths that are its ("/static/"), decoded; none: all else
    bool any_host =
        false; // it listens on every address, and the host in `url` is a guess: a client's own name for us is better

    friend bool operator==(const LinkServer&, const LinkServer&) = default;
};

struct Links {
    enum class Mode {
        off,      // nothing is touched
        redirect, // a request for a path of another server is answered by a redirect to it
        rewrite,  // pages and fields get links that lead to the right server
    };

    Mode mode = Mode::off;
    std::vector<LinkServer> servers{}; // off: none
    std::uint32_t own = 0;             // which of them the worker is

    friend bool operator==(const Links&, const Links&) = default;
};

constexpr std::size_t max_links_bytes = 8U << 10; // encoded, so that `go` fits into one packet

/// Octets that it takes in `go`.
[[nodiscard]] std::size_t encoded_size(const Links& links);

} // namespace mpsup::contract

// What a topology says of a worker that stands in front of others, or of files.
#pragma once

#include "base/address.h"
#include "supervisor/topology/node.h"
#include "worker/contract/front.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mpsup::topology {

/// Where something stood in a file: it makes no difference.
struct Place {
    Mark mark{};

    friend bool operator==(const Place&, const Place&) { return true; }
};

/// How accelerators and the gateway of a pool on another machine know each other: all three, or none.
struct GatewayTls {
    std::string cert{}, key{}; // absolute paths of PEM files: what each shows the other
    std::string ca{};          // …and who must have signed it

    [[nodiscard]] bool is_on() const noexcept { return !ca.empty(); }
    friend bool operator==(const GatewayTls&, const GatewayTls&) = default;
};

/// One entry of `routes`. Also what a worker says for all its routes, and of its own files.
struct RouteSpec {
    contract::Route rule{};        // all but where it leads, which follows
    std::string root{}, alias{};   // absolute folder; at most one of the two, of a worker with files `alias` only
    std::string fallback{};        // `try`: a dynamic worker, IP:PORT, or the path of a file below the folder
    std::vector<std::string> to{}; // IP:PORT, and at most one dynamic worker, which comes first
    std::string socket{};          // file name of the pool's that it leads to (name_pool_sockets); empty: none
    std::vector<std::string> elsewhere{}; // IP:PORT of that pool on other machines; of a share alone (share.h)
    GatewayTls tls{};                     // towards these
    bool strip = false;                   // the beginning of the path that matched is not sent on
    std::int64_t cache_size = 0;          // bytes
    std::optional<bool> cache_on{};       // as it was written; afterwards rule.cache.on says it (settle_cache)
    bool cache_written = false;           // anything else of `cache`
    Place place{};

    friend bool operator==(const RouteSpec&, const RouteSpec&) = default;
};

struct ListenerFlags {
    bool tls = false;
    bool proxy_protocol = false;

    friend bool operator==(const ListenerFlags&, const ListenerFlags&) = default;
};

struct ListenerSpec {
    Address address{};
    ListenerFlags flags{};

    friend bool operator==(const ListenerSpec&, const ListenerSpec&) = default;
};

struct FrontSpec {
    RouteSpec own{};                 // of a static worker: what it does; of an accelerator: what its routes begin with
    std::vector<RouteSpec> routes{}; // of an accelerator
    std::map<Address, ListenerFlags> flags{}; // of listeners that have any
    contract::Front rest{};                   // threads, limits and the like; nothing that `own` and `routes` say

    friend bool operator==(const FrontSpec&, const FrontSpec&) = default;
};

} // namespace mpsup::topology

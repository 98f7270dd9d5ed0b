// What a light worker is told to serve.
#pragma once

#include "supervisor/topology/topology.h"

#include <string>
#include <string_view>

namespace mpsup::topology {

/// Where a site keeps what its light workers need. Absolute; empty where nobody will use it.
struct FrontPlaces {
    std::string pool_folder{};   // of the sockets of pools: NAME.sock
    std::string buffer_folder{}; // of contents that wait
    std::string cache_folder{};  // of what memory has no room for
};

/// The socket of a pool that has no `listen`.
[[nodiscard]] std::string pool_socket(const FrontPlaces& places, std::string_view worker);

/// Of a static worker or an accelerator.
[[nodiscard]] contract::Front front_of(const WorkerSpec& worker, const FrontPlaces& places);

/// The files that a dynamic worker serves itself; without a root: none.
[[nodiscard]] contract::Files files_of(const WorkerSpec& worker);

/// Bytes of memory that its cache has; 0: it has none.
[[nodiscard]] std::uint64_t cache_memory_of(const WorkerSpec& worker);

} // namespace mpsup::topology

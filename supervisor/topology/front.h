// What a light worker is told to serve.
#pragma once

#include "supervisor/topology/topology.h"

#include <string>
#include <string_view>

namespace mpsup::topology {

/// Where a site keeps what its light workers need. Absolute; empty where nobody will use it.
struct FrontPlaces {
    std::string pool_folder{};   // of the sockets of pools
    std::string buffer_folder{}; // of contents that wait
    std::string cache_folder{};  // of what memory has no room for
};

/// File name of the socket of a pool that has no `listen`: NAME.sock, or NAME.DIGEST.sock of one that has files as
/// well, by
/// which paths are files. So a pool that answers other paths than before is another one to an accelerator: while a
/// site is
/// converted the old accelerator asks the old pool and the new one the new.
[[nodiscard]] std::string pool_socket_of(const WorkerSpec& pool);
/// Could a pool of this name, whatever its files, have a socket that is called so?
[[nodiscard]] bool is_pool_socket_of(std::string_view file_name, std::string_view worker);
/// Puts them into the routes that lead to pools. The topology is whole.
void name_pool_sockets(Topology& topology);

/// Of a static worker or an accelerator.
[[nodiscard]] contract::Front front_of(const WorkerSpec& worker, const FrontPlaces& places);

/// The files that a dynamic worker serves itself; without a root: none.
[[nodiscard]] contract::Files files_of(const WorkerSpec& worker);

/// Bytes of memory that its cache has; 0: it has none.
[[nodiscard]] std::uint64_t cache_memory_of(const WorkerSpec& worker);

} // namespace mpsup::topology

// What a machine keeps of the store that it knows.
#pragma once

#include "supervisor/cluster/etcd_messages.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::cluster {

/// What the next supervisor of this machine has to know of the store.
struct Memory {
    std::uint64_t cluster = 0; // 0: none was ever seen
    Revision revision = 0;
    std::string store{};            // the value of its `store` key
    std::vector<std::string> out{}; // Backends

    std::uint64_t distrusted = 0; // this cluster answered and was not that store; nobody has accepted it; 0: none

    friend bool operator==(const Memory&, const Memory&) = default;
};
/// As JSON, for where the shell keeps it.
[[nodiscard]] std::string encode(const Memory& memory);
[[nodiscard]] Result<Memory> decode_memory(std::string_view text);

} // namespace mpsup::cluster

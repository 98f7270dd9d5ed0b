// What a machine keeps of the store that it knows.
#pragma once

#include "supervisor/cluster/etcd_messages.h"
#include "supervisor/cluster/records.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::cluster {

/// The id of a store of which is not known any more which it was: none has it.
constexpr const char* unreadable_store = "unreadable";

/// What the next supervisor of this machine has to know of the store.
struct Memory {
    std::uint64_t cluster = 0; // 0: none was ever seen
    Revision revision = 0;
    StoreRecord store{};            // without an id: nothing was ever ordered by it
    std::uint64_t last = 0;         // the highest number that it gave to a topology
    Version wanted{};               // by it
    bool has_wanted = false;        // it said what is wanted, be it nothing
    bool has_gone_back = false;     // it knew less than it had, and nobody has accepted that
    std::vector<std::string> out{}; // Backends

    friend bool operator==(const Memory&, const Memory&) = default;
};
/// As JSON, for where the shell keeps it.
[[nodiscard]] std::string encode(const Memory& memory);
[[nodiscard]] Result<Memory> decode_memory(std::string_view text);

} // namespace mpsup::cluster

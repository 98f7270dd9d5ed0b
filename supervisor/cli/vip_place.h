// On which machine the `vip` is, for whoever follows a request to it.
#pragma once

#include "supervisor/topology/topology.h"

#include <string>
#include <string_view>

namespace mpsup::cli {

struct VipPlace {
    std::string machine{}; // that has it; empty: none has, or nobody knows
    bool is_known = false; // who has it, and be it none
};

/// `status`: what the supervisor says (/v1/status); of anything else nothing is known.
[[nodiscard]] VipPlace vip_place_in(std::string_view status, const topology::Vip& vip);

/// It is there alone: with whoever has it, else with the first of its list.
void put_vip(topology::Vip& vip, const VipPlace& place);

/// Of the machine that put_vip left: "has the vip now".
[[nodiscard]] std::string words_on(const VipPlace& place);

} // namespace mpsup::cli

// Addresses that two listeners want.
#pragma once

#include "base/address.h"
#include "supervisor/topology/node.h"

#include <string>
#include <vector>

namespace mpsup::topology {

struct PlacedListener {
    Address address;
    Mark mark;
    std::string worker;
    bool is_gateway = false; // of the worker, for other machines
};

/// As Address::overlaps says, without comparing every two of thousands: the later one of the file is wrong.
[[nodiscard]] Findings check_overlaps(std::vector<PlacedListener> listeners);

} // namespace mpsup::topology

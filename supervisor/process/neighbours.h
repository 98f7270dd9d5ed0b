// Telling the machines of a network that an address has moved.
#pragma once

#include "base/error.h"
#include "supervisor/process/interface_address.h"

namespace mpsup {

/// The address is at this interface: an ARP announcement (RFC 5227 section 2.3) or an unsolicited neighbour
/// advertisement (RFC 4861 section 7.2.6), once. Nothing is sent where there is no Ethernet. Needs CAP_NET_RAW; does
/// not block.
[[nodiscard]] Result<> tell_neighbours(const Interface& interface, const InterfaceAddress& address);

} // namespace mpsup

#include "supervisor/topology/listener_overlaps.h"

#include "supervisor/topology/suggest.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

namespace mpsup::topology {

namespace {

Finding taken(const PlacedListener& later, const PlacedListener& earlier) {
    const std::string file = earlier.mark.file != later.mark.file ? " of another file" : "";
    const auto line = earlier.mark.line > 0 ? ", line " + std::to_string(earlier.mark.line) + file : "";
    return {later.mark, "workers." + later.worker + (later.is_gateway ? ".gateway" : ".listen"),
            later.address.to_string() + " is taken by " + in_ticks(earlier.worker) + " (" +
                earlier.address.to_string() + line + ")"};
}

} // namespace

Findings check_overlaps(std::vector<PlacedListener> listeners) {
    Findings findings;
    std::ranges::stable_sort(listeners, {}, &PlacedListener::mark);
    std::map<Address, const PlacedListener*> exact;
    std::map<std::pair<bool, std::uint16_t>, const PlacedListener*> first_of_port; // IPv6?, port
    for (const auto& later : listeners) {
        const auto& address = later.address;
        auto everything = address; // the listener that would stand for this address too
        everything.ip = address.is_ipv6() ? "::" : "0.0.0.0";
        const auto [of_port, is_first] = first_of_port.emplace(std::pair{address.is_ipv6(), address.port}, &later);
        const auto same = exact.find(address);
        const auto wider = exact.find(everything);
        if (same != exact.end())
            findings.push_back(taken(later, *same->second));
        else if (wider != exact.end())
            findings.push_back(taken(later, *wider->second));
        else if (address.is_any() && !is_first)
            findings.push_back(taken(later, *of_port->second));
        else
            exact.emplace(address, &later);
    }
    return findings;
}

} // namespace mpsup::topology

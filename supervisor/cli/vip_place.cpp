#include "supervisor/cli/vip_place.h"

#include "supervisor/cli/members.h"

namespace mpsup::cli {

VipPlace vip_place_in(std::string_view status, const topology::Vip& vip) {
    const boost::json::object cluster = object_at(parse_object(status), "cluster");
    VipPlace place{.is_known = text_at(cluster, "state") == "connected"};
    for (const boost::json::object& each : objects_at(cluster, "vips"))
        if (text_at(each, "address") == vip.text()) place.machine = text_at(each, "machine");
    if (!place.machine.empty()) place.is_known = true;
    return place;
}

void put_vip(topology::Vip& vip, const VipPlace& place) {
    if (!place.machine.empty())
        vip.on = {place.machine};
    else if (vip.on.size() > 1)
        vip.on.resize(1);
}

std::string words_on(const VipPlace& place) {
    if (!place.machine.empty()) return "has the vip now";
    return std::string("the first that may have the vip: ") +
           (place.is_known ? "no machine has it now" : "who has it is not known");
}

} // namespace mpsup::cli

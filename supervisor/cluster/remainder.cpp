#include "supervisor/cluster/remainder.h"

namespace mpsup::cluster {

namespace {

std::string words_of(const InFlight& in_flight) {
    const std::string number = std::to_string(in_flight.requests);
    std::string words = number + (in_flight.requests == 1 ? " request" : " requests") + " in flight";
    if (!in_flight.unknown.empty()) words += ", and maybe more (" + in_flight.unknown + ")";
    return words;
}

} // namespace

std::string remainder_on(const std::string& machine, const ClusterView& view) {
    std::string has;
    const auto add = [&](const std::string& what) { has += (has.empty() ? "has " : "; ") + what; };
    if (const std::string address = view.vip_of(machine); !address.empty()) add("the address " + address);
    const Known<MachineRecord>* known = view.machine(machine);
    if (!known) return "is not heard of: nobody knows what it has in flight (`mpsup remove`, if it will not come back)";
    if (!*known) return "says what cannot be read (" + known->problem + "): nobody knows what it has in flight";
    const std::optional<InFlight>& in_flight = known->value.in_flight;
    if (!in_flight)
        add("not said yet what is in flight");
    else if (in_flight->requests > 0 || !in_flight->unknown.empty())
        add(words_of(*in_flight));
    return has;
}

} // namespace mpsup::cluster

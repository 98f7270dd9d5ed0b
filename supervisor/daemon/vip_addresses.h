// Addresses that follow a living machine, as long as it is this one.
#pragma once

#include "supervisor/cluster/moment.h"
#include "supervisor/process/held_address.h"

#include <map>
#include <optional>
#include <string>

namespace mpsup {

/// One event loop. What goes wrong is logged, once for each address and reason.
class VipAddresses {
public:
    /// "10.9.0.100/24", until then; nothing: not at all. Each call counts for itself.
    void hold(const std::string& address, std::optional<cluster::Time> until);
    /// Gives back what is past its time: to be called once a second at least (HeldAddress::expired).
    void look(cluster::Time now);
    /// The lease may end before we do: nothing is held any more.
    void drop_all();

private:
    struct Held {
        HeldAddress address;
        cluster::Time until;
    };
    void complain(const std::string& address, const std::string& why);
    [[nodiscard]] Held* open(const std::string& address);

    std::map<std::string, Held> held_;
    std::map<std::string, std::string> complaints_; // that are in the log
};

} // namespace mpsup

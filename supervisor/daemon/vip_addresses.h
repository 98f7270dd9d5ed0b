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
    /// "10.9.0.100/24", until then; nothing: not at all, whichever process of this machine set it. Each call counts for itself.
    /// Is it here now? It may be if it could not be taken away.
    bool hold(const std::string& address, std::optional<cluster::Time> until);
    /// Gives back what is past its time, and tells the neighbours again of what is new: to be called once a second at least.
    void look();
    /// The lease may end before we do: nothing is held any more.
    void drop_all();

private:
    bool take(const std::string& address, cluster::Time until);
    bool drop(const std::string& address);
    void tell(const std::string& address, HeldAddress& held);
    void complain(const std::string& address, const std::string& why);
    [[nodiscard]] HeldAddress* open(const std::string& address);

    std::map<std::string, HeldAddress> held_;
    std::map<std::string, std::string> complaints_; // that are in the log
};

} // namespace mpsup

// The sockets that clients connect to: bound by the supervisor, borrowed by workers.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "supervisor/daemon/endpoint.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mpsup {

/// A bound listener, kept open by everybody who still needs it: the site while its endpoint is in the topology, and
/// each generation that accepts on it until it is gone.
using Listener = std::shared_ptr<const Fd>;

/// The listeners of one site. One event loop.
class Listeners {
public:
    /// One for each endpoint, in order: those that are open already, and new ones, also where an open one overlaps.
    /// All or
    /// none: when one cannot be bound, the error names it and, where readable, who holds it, and nothing has changed.
    [[nodiscard]] Result<std::vector<Listener>> open(const std::vector<Endpoint>& endpoints);

    /// Why open() would not be able to: a sentence for each that cannot be bound now. Those that are open, or overlap with one that
    /// is, are not tried: a socket beside them would be given clients. `absent`: as of may_be_absent, which is left as it is.
    [[nodiscard]] std::vector<std::string> refusals_of(const std::vector<Endpoint>& endpoints,
                                                       const std::string& absent) const;

    /// An address that comes and goes: listened on also where this machine does not have it. Empty: none.
    void may_be_absent(std::string ip) { absent_ = std::move(ip); }

    /// One that is open already and was handed back by a process; the first of an endpoint is kept.
    void adopt(const Endpoint& endpoint, const Listener& listener) { open_.try_emplace(endpoint, listener); }

    [[nodiscard]] const std::map<Endpoint, Listener>& all() const { return open_; }

    /// Open ones that a wildcard among these stands for and that are not among them. The kernel prefers the more
    /// exact address, and what waits in a socket's queue is reset when it is closed: so such a socket is served by
    /// whoever serves the
    /// wildcard.
    [[nodiscard]] std::vector<Listener> covered_by(const std::vector<Endpoint>& endpoints) const;

    /// Forgets all that are neither in `wanted` nor covered by it. Each closes when its last borrower lets go; of a
    /// pool
    /// the file goes at once.
    void keep_only(const std::vector<Endpoint>& wanted);

private:
    std::map<Endpoint, Listener> open_;
    std::string absent_;
};

} // namespace mpsup

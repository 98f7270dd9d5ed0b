// Turns of those that get to what is wanted by themselves: no more of them at a time than may be out of service.
#pragma once

#include "supervisor/cluster/flight.h"

namespace mpsup::cluster {

/// Pure. Who has a turn stands in the store, so that no two machines take the last one. Whoever is not well, or has no workers,
/// is out of service as it is and needs none, or a site would come back one machine after the other.
class Convergence {
public:
    /// May this machine begin? If not, it asks, when there is room and no change runs.
    [[nodiscard]] bool has_turn(Turn& turn);
    void give_back(Turn& turn);

    bool on_answer(RequestId request, const Result<TransactionReply>& reply, Moment now) {
        return flight_.on_answer(request, reply, now);
    }
    void on_listed() { flight_.on_listed(); }

private:
    Flight flight_;
};

} // namespace mpsup::cluster

// Leading a change: by the machine that was ordered it, or by another one when that is gone.
#pragma once

#include "supervisor/cluster/change_step.h"
#include "supervisor/cluster/flight.h"

#include <optional>
#include <string>

namespace mpsup::cluster {

class Leader {
public:
    void look(Turn& turn);
    bool on_answer(RequestId request, const Result<TransactionReply>& reply, Moment now) {
        return flight_.on_answer(request, reply, now);
    }
    void on_listed() { flight_.on_listed(); }

private:
    void lead(Turn& turn);
    void take_over(Turn& turn);
    void keep_tenure(const ChangeRecord& change, Moment now);

    Flight flight_;
    // Of the change that is led
    std::string led_; // its id, phase and term
    Tenure tenure_{};
    std::optional<Time> stepped_at_;
    // Of one whose leader is gone
    std::string orphaned_;
    Time may_take_{};
};

/// Writes a change, with what goes with it, if it is still as it was seen.
[[nodiscard]] Transaction to_write(const ChangeStep& step, const ClusterView& view, WallTime now);

} // namespace mpsup::cluster

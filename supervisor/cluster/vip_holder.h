// An address that follows a living machine.
#pragma once

#include "supervisor/cluster/flight.h"

#include <optional>
#include <string>

namespace mpsup::cluster {

constexpr std::chrono::seconds vip_margin{2}; // before the end of a lease an address is gone already

/// The key of the address says who may have it; whoever has it has it until shortly before the lease ends that the key stands
/// under. Another one takes it when the key is given up, or when the lease has taken it and whoever was there has let go.
class VipHolder {
public:
    void look(Turn& turn);
    bool on_answer(RequestId request, const Result<TransactionReply>& reply, Moment now) {
        return flight_.on_answer(request, reply, now);
    }
    void on_listed() { flight_.on_listed(); }
    /// Leases that were are forgotten: who has an address may have it as long as one lasts.
    void on_replaced(Moment now) { not_before_ = now.boot + lease_time; }
    /// For good.
    void leave(Turn& turn);

private:
    [[nodiscard]] std::string best(const Turn& turn) const;
    [[nodiscard]] bool is_ours(const Turn& turn) const;
    void hold(Turn& turn);
    void drop(Turn& turn);
    void give_up(Turn& turn);
    void take(Turn& turn);

    Flight flight_;
    std::string address_;              // that this machine may have
    std::optional<Time> until_;        // that was told last
    std::optional<Time> better_since_; // another machine should have it
    std::optional<Time> free_since_;   // a lease took the key
    std::optional<Time> let_go_at_;    // the address was dropped, to give it up
    bool is_releasing_ = false;        // the key was to be given up
    std::optional<Time> seen_since_;   // a supervisor that has just started knows nothing of what was before
    Time not_before_{};
    bool is_leaving_ = false;
};

} // namespace mpsup::cluster

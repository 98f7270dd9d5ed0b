// The key of this machine: that it lives, how it is, and what it did for a change.
#pragma once

#include "supervisor/cluster/flight.h"

#include <string>

namespace mpsup::cluster {

class Presence {
public:
    /// Writes the key when it should say something else.
    void look(Turn& turn, const Report& report);
    bool on_answer(RequestId request, const Result<TransactionReply>& reply, Moment now);
    void on_listed() { flight_.on_listed(); }

    /// Is the key this member's, under the lease that stands?
    [[nodiscard]] static bool has_key(const Turn& turn);
    /// Who has the name of this machine instead; empty: nobody.
    [[nodiscard]] const std::string& rival() const { return rival_; }
    /// What an earlier process of this machine reported, if there was one.
    [[nodiscard]] static const Report* inherited(const Turn& turn);

private:
    [[nodiscard]] bool may_write(Turn& turn);
    [[nodiscard]] MachineRecord record(const Turn& turn, const Report& report) const;

    Flight flight_;
    bool had_key_ = false;
    std::string rival_;
    std::optional<Time> written_at_;
};

} // namespace mpsup::cluster

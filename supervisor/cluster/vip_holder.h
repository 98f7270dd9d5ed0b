// An address that follows a living machine.
#pragma once

#include "supervisor/cluster/flight.h"

#include <optional>
#include <string>
#include <vector>

namespace mpsup::cluster {

/// Before the end of its lease whoever has an address has it no more: clocks that count these 15 s may differ by a tenth.
constexpr Duration vip_margin{1'500};

/// Nobody has an address by a store for longer than this after that store was heard last. Who renewed its lease there, at T (when
/// it asked, not when it was answered), has the address until T + lease_time - vip_margin; the kernel was told so, whatever becomes
/// of the process. The store answered after T: so when it has gone, or another one is in its place, T is over, and whoever
/// counts lease_time from a moment after that is late enough by vip_margin, which is for clocks that run at different rates.
/// Such moments are: a store that is not the known one was seen; an operator has accepted it, which says that the one
/// before is no more; a process begins, which does not know what was before it. A lease that etcd grants for longer than was asked
/// for counts as one of lease_time (Member::on_lease).
constexpr Duration longest_hold = lease_time;

/// The key of the address says who may have it; whoever has it has it until shortly before the lease ends that the key stands
/// under. Another one takes it when the key is given up, or when the lease has taken it and whoever was there has let go. It moves
/// when it must, never back by itself: from who is gone, drained or not of its list any more, or is unwell while another is well.
///
/// By a store that is not trusted nothing is taken, renewed or given up; what is had then runs out.
class VipHolder {
public:
    void look(Turn& turn);
    bool on_answer(RequestId request, const Result<TransactionReply>& reply, Moment now) {
        return flight_.on_answer(request, reply, now);
    }
    void on_listed() { flight_.on_listed(); }
    /// The store has lost what was known, or is another one.
    void on_replaced(Moment now);
    /// What came of it.
    void on_vip(const HoldVip& asked, bool is_here, Moment now);
    /// For good.
    void leave(Turn& turn);

    /// Does the address hang on each renewal of the lease, or would it be back with the next?
    [[nodiscard]] bool is_urgent(const ClusterView& view, const std::string& machine) const;
    /// By a key that was this machine's, whatever the store says now.
    [[nodiscard]] bool may_be_had(Moment now) const { return had_key_ && may_be_here(now); }

private:
    struct Candidate {
        std::string name;
        bool is_well;
    };
    [[nodiscard]] std::vector<Candidate> candidates(const Turn& turn) const;
    [[nodiscard]] std::string wanted(const Turn& turn) const;
    [[nodiscard]] bool should_go(Turn& turn);
    [[nodiscard]] bool may_be_here(Moment now) const { return now.boot < here_until_; }
    [[nodiscard]] bool is_going(Moment now) const { return until_ || (dropped_at_ && may_be_here(now)); }
    void mind_store(const Turn& turn);
    void change_address(const Turn& turn, std::string address);
    void keep(Turn& turn, const Known<VipRecord>& key);
    void hold(Turn& turn);
    void drop(Turn& turn);
    void give_up(Turn& turn);
    void take(Turn& turn, const Known<VipRecord>& key);
    void claim(Turn& turn);

    Flight flight_;
    std::string address_;              // that this machine may have
    std::optional<Time> until_;        // that was told last
    std::optional<Time> dropped_at_;   // it was told to go; whether it went is not known
    Time here_until_{};                // then it is not here, whatever went wrong
    Time here_until_before_{};         // what was told last
    Time unable_until_{};              // it could not be had here
    std::optional<Time> unwell_since_; // here, while another machine is well
    std::optional<Time> free_since_;   // nobody has the key
    bool had_key_ = false;             // or has, or asked for it; and since then it was not known to be gone from here
    bool was_had_ = false;             // by somebody, by this store: what there was before is over
    bool is_releasing_ = false; // the key was to be given up, and nobody may know whether it was done: until it is
    std::optional<Time> trusts_since_; // this store
    Time not_before_{};
    bool is_leaving_ = false;
};

} // namespace mpsup::cluster

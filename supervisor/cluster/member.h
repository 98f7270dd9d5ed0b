// One machine's part in a cluster: what its supervisor makes of what etcd says, of its own site and of operators. Pure: no
// clock, no system call; the shell carries events in and effects out.
//
//   the shell                                             | the member
//   ------------------------------------------------------+------------------------------------------------------------
//   grants a lease of `lease_time`, renews it every       | on_lease each time: the machine's key and its addresses stand
//   renewal(); it is over                                 | and fall with it; on_lease_lost: a new one is wanted
//   submits listing(), then watches prefix() from the     | on_listed, then on_news for each line, in their order
//   revision of its answer + 1                            |
//   the watch ends, compacted or not; Relist              | both begin with listing() again; on_unreachable if that fails
//   nothing can be reached                                | on_unreachable: all serves on; called again it does nothing
//   tick at `next_tick` at the latest                     |
//
// After each call: take_effects(), and do them. Etcd is a hint: each write is a transaction on what it was decided on (the
// mod_revision of its keys), so whoever knows less than the store changes nothing. What is known comes from listing and watch
// alone, never from answers.
//
//   a change     | who acts                                                  | ends with
//   -------------+-----------------------------------------------------------+-----------------------------------------
//   checking     | each machine checks the topology; the owner waits for all | all accepted: rolling; one not: refused
//   rolling      | the owner grants machines within the budget; a granted    | all done: done; one failed or abort:
//                | one does its operation and reports                        | undoing (of a restart: failed, aborted)
//   undoing      | the same, back to what was before, with those that were   | rolled_back; aborted; one failed: failed
//                | granted                                                   |
//
// Any living machine takes a change over whose owner is gone.
#pragma once

#include "supervisor/cluster/cluster_status.h"
#include "supervisor/cluster/cluster_view.h"
#include "supervisor/cluster/effect.h"
#include "supervisor/cluster/order.h"
#include "supervisor/cluster/topology_facts.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mpsup::cluster {

constexpr std::chrono::seconds lease_time{15};

/// Who a member is, as long as it lives.
struct Identity {
    std::string prefix{}; // of the keys: "/mpsup/SITE/"
    std::string machine{};
    std::string instance{}; // a uuid of this process
    std::string boot{}; // the machine's boot id: the same one and `address` make it the successor of an earlier process
    std::string version{};
    std::string address{}, api{};
    std::string fingerprint{}; // as in MachineRecord; may come later (on_certificate)
};

/// The machine's own site. Given before anything else, and whenever something of it changed.
struct LocalReport {
    Version runs{}; // what was brought up last by a Do, kept with it by the shell; number 0: nothing of the cluster's
    bool well = false; // all that should run serves
    std::vector<WorkerSummary> workers{};
    std::optional<InFlight> in_flight{}; // nothing: not counted
    bool busy = false;                   // a local operation runs that no Do began
};

/// The answer to Check.
struct Checked {
    std::string change{};
    Version to{};
    bool accepted = false;
    std::vector<std::string> reasons{}; // why not
    TopologyFacts facts{};              // of one that was accepted
    bool is_invalid = false;            // not accepted: the topology is wrong for this machine
};

/// The answer to Do. `runs` of the LocalReport is given before it.
struct Done {
    std::string change{};
    Round round = Round::rolling;
    bool succeeded = false; // if not: what served before serves
    std::string text{};
    bool has_served = false; // something new has answered clients, though it may not any more
};

class Member {
public:
    Member(Identity identity, const Memory& memory);
    ~Member();
    Member(Member&&) noexcept;
    Member& operator=(Member&&) noexcept;

    // The store
    [[nodiscard]] Transaction listing() const;
    [[nodiscard]] const std::string& prefix() const;
    void on_listed(const TransactionReply& reply, Moment now);
    /// News without changes is good for hearing that etcd lives.
    void on_news(const WatchNews& news, Moment now);
    /// `until`: when it ends if no renewal succeeds, from when the one that did was sent; after lease_time at the latest, though etcd
    /// may have granted more.
    void on_lease(LeaseId lease, Time until, Moment now);
    void on_lease_lost(Moment now);
    /// To a Submit. After an error that is no refusal nobody knows whether it was done; its `what` says all.
    void on_answer(RequestId request, const Result<TransactionReply>& reply, Moment now);
    void on_unreachable(std::string why, Moment now);
    /// Between two renewals of the lease.
    [[nodiscard]] Duration renewal() const;
    /// Is the store to be reached as soon as it can be? An address runs out otherwise.
    [[nodiscard]] bool is_urgent() const;

    // The site
    void on_local(LocalReport report, Moment now);
    /// Of the document that runs here: at the start, and before the Done of one that was never checked.
    void on_facts(const std::string& digest, TopologyFacts facts, Moment now);
    void on_checked(const Checked& checked, Moment now);
    void on_done(const Done& done, Moment now);
    /// Of a certificate that could not be had when this member began.
    void on_certificate(std::string fingerprint, Moment now);
    /// After each HoldVip: is the address here now? If it was to go, and this is never told, it counts as gone when its time is over.
    void on_vip(const HoldVip& asked, bool is_here, Moment now);

    // Operators
    /// Each ask is told its end, at once or later: with a change, when that is over.
    void ask(Ask ask, Moment now);
    /// Whoever asked is gone. What was begun goes on.
    void forget(AskId ask);

    void tick(Moment now);
    [[nodiscard]] Time next_tick() const;
    /// For good: the address is given up. What is under way may be waited for, a second at most; then the lease is revoked by
    /// the shell, unless the address may be here still. Not before a successor takes over.
    void leave(Moment now);
    [[nodiscard]] bool may_have_address(Moment now) const;

    [[nodiscard]] Effects take_effects();
    [[nodiscard]] ClusterStatus status(Moment now) const;
    /// As they wrote it last, by name; of those that live, and that are known to.
    [[nodiscard]] const std::map<std::string, Known<MachineRecord>, std::less<>>& machines() const;
    /// The revision that is known; 0: none.
    [[nodiscard]] Revision revision() const;

private:
    class Parts;
    std::unique_ptr<Parts> parts_;
};

} // namespace mpsup::cluster

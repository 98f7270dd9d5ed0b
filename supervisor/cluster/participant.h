// What this machine does for changes: checks, its local operation, and getting to what is wanted by itself.
#pragma once

#include "supervisor/cluster/convergence.h"
#include "supervisor/cluster/turn.h"

#include <string>

namespace mpsup::cluster {

class Participant {
public:
    void look(Turn& turn);
    void on_answer(RequestId request, const Result<TransactionReply>& reply, ClusterView& view, Moment now);
    void on_checked(const Checked& checked, Turn& turn);
    void on_done(const Done& done, const ClusterView& view, Moment now);
    void on_listed() {
        granted_in_ = 0;
        convergence_.on_listed();
    }
    /// What an earlier process of this machine had reported.
    void inherit(const Report& report) { report_ = report; }

    /// For the machine's key.
    [[nodiscard]] const Report& report() const { return report_; }

private:
    struct Operation {
        Do task{};
        bool is_taken_back = false, is_promoted = false;
    };

    void refuse_orders(const ChangeRecord& change, const Turn& turn);
    void check(const ChangeRecord& change, Turn& turn);
    void take_part(const ChangeRecord& change, Turn& turn);
    void converge(Turn& turn);
    [[nodiscard]] bool must_converge(Turn& turn);
    void check_alone(const Version& version, Turn& turn);
    void wait_longer(Moment now);
    void mind_operation(Turn& turn);
    [[nodiscard]] bool is_granted(const ChangeRecord& change, const Turn& turn);
    void begin(Do task, Turn& turn);
    /// Asks for it if it did not come by. nullptr: not yet.
    const TopologyRecord* document_of(const Version& version, Turn& turn);
    [[nodiscard]] bool has_reported(const ChangeRecord& change) const;
    [[nodiscard]] std::string missing_words() const;
    void say(const ChangeRecord& change, Report::State state, const std::vector<std::string>& reasons);

    Report report_{};
    Revision granted_in_ = 0; // of the change in which this machine was looked for last
    bool is_granted_ = false;
    std::optional<Operation> operation_;
    std::optional<Version> checking_; // under way
    std::string checked_for_;         // the change that it is checked for
    struct Asked {
        RequestId request = 0;
        Version version{};
    };
    std::optional<Asked> asked_; // for a topology
    std::optional<Time> ask_again_;
    std::optional<Version> missing_; // is not in the store
    Convergence convergence_;
    std::optional<Time> try_again_;
    Duration patience_{0}; // before the next try to get to what is wanted
    Version tried_{};
    std::optional<Version> brought_; // by the last try, which succeeded
};

} // namespace mpsup::cluster

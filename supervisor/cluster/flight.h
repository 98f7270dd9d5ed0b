// One transaction at a time, and what came of it as the view shows it.
#pragma once

#include "supervisor/cluster/turn.h"

#include <optional>
#include <string>

namespace mpsup::cluster {

/// Pure. Answers are hints: what was written counts when the watch has shown it.
class Flight {
public:
    // Beaten: a key was not as it had been seen. Refused: by the store's own word, for another reason.
    enum class Outcome { none, done, beaten, refused, unknown };

    /// Requires is_free().
    void submit(Turn& turn, Transaction transaction);
    /// Is it about this one?
    bool on_answer(RequestId request, const Result<TransactionReply>& reply, Moment now);
    /// May the next one be decided on? Sees to it that the view catches up.
    [[nodiscard]] bool is_free(Turn& turn);
    /// All was listed anew.
    void on_listed() {
        if (!request_) settles_.reset();
    }
    /// Of the last one, once: taken by whoever asks.
    [[nodiscard]] Outcome take_outcome() { return std::exchange(outcome_, Outcome::none); }
    /// May the last one have been done, or be done yet?
    [[nodiscard]] bool may_be_done() const {
        return request_ || outcome_ == Outcome::done || outcome_ == Outcome::unknown;
    }
    /// Why the last one was refused, or nobody knows what came of it; empty: it was answered.
    [[nodiscard]] const std::string& problem() const { return problem_; }

private:
    struct Settling {
        Outcome outcome;
        Revision revision; // of what was done
        Time since;
    };
    [[nodiscard]] bool has_moved(const ClusterView& view) const;

    std::optional<RequestId> request_;
    std::vector<Unchanged> when_;
    std::optional<Settling> settles_;
    Outcome outcome_ = Outcome::none;
    std::string problem_;
};

} // namespace mpsup::cluster

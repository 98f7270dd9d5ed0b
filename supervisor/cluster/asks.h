// What operators asked for at this machine, until each was told its end.
#pragma once

#include "supervisor/cluster/flight.h"
#include "supervisor/cluster/proposal.h"

#include <list>
#include <optional>
#include <string>
#include <vector>

namespace mpsup::cluster {

class Asks {
public:
    void add(Ask ask, Moment now);
    void forget(AskId ask);
    bool on_answer(RequestId request, const Result<TransactionReply>& reply, Moment now);
    void on_listed();
    /// `obstacle`: why the store's orders cannot be had; empty: they can.
    void look(Turn& turn, const std::string& obstacle);

private:
    struct Pending {
        Ask ask{};
        Time since{};         // it was asked
        std::string id{};     // of it, once it was tried
        std::string change{}; // that it begins, and then follows
        bool follows = false;
        bool drains = false;      // waits for what is in flight
        bool was_unknown = false; // what came of an attempt
        std::string text{};       // to end with, once it is written
        Flight flight{};
        std::vector<Part> told{};
        std::optional<ChangeRecord::Phase> phase{}; // that was told
        std::optional<Time> lost_since{};           // the store is not seen
        std::string remainder{};                    // that was told
        std::optional<Time> drained_since{};
        bool is_over = false;

        /// Has the store, for all that is known, done nothing of it?
        [[nodiscard]] bool is_undone() const { return !was_unknown && !flight.may_be_done(); }
    };

    void look_at(Pending& pending, Turn& turn, const std::string& obstacle);
    void begin(Pending& pending, Turn& turn);
    void follow(Pending& pending, Turn& turn);
    void tell_progress(Pending& pending, const ChangeRecord& change, Turn& turn);
    void drain(Pending& pending, Turn& turn);
    void end(Pending& pending, Turn& turn, int code, std::string text);
    [[nodiscard]] static std::string what_became_of(const Pending& pending);

    std::list<Pending> pending_;
    std::uint64_t orders_ = 0; // ids that were given
};

} // namespace mpsup::cluster

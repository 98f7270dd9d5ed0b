#include "supervisor/cluster/flight.h"

#include "supervisor/cluster/etcd_messages.h"

namespace mpsup::cluster {

using namespace std::chrono_literals;

namespace {

constexpr auto patience = 5s; // for the watch to show what an answer said
constexpr auto pause = 1s;    // after an answer that did not come

Flight::Outcome outcome_of(const Result<TransactionReply>& reply) {
    if (!reply) return is_refusal(reply.error()) ? Flight::Outcome::refused : Flight::Outcome::unknown;
    return reply->succeeded ? Flight::Outcome::done : Flight::Outcome::beaten;
}

} // namespace

void Flight::submit(Turn& turn, Transaction transaction) {
    when_ = transaction.when;
    settles_.reset();
    outcome_ = Outcome::none;
    request_ = turn.out.submit(std::move(transaction));
}

bool Flight::on_answer(RequestId request, const Result<TransactionReply>& reply, Moment now) {
    if (request_ != request) return false;
    request_.reset();
    problem_ = reply ? std::string() : reply.error().what;
    outcome_ = outcome_of(reply);
    settles_ = {outcome_, reply ? reply->header.revision : 0, now.boot};
    return true;
}

bool Flight::has_moved(const ClusterView& view) const {
    for (const Unchanged& each : when_)
        if (view.modified(each.key) != each.modified) return true;
    return false;
}

bool Flight::is_free(Turn& turn) {
    if (request_) return false;
    if (!settles_) return true;
    const bool is_trouble = settles_->outcome == Outcome::unknown || settles_->outcome == Outcome::refused;
    const bool is_seen =
        settles_->outcome == Outcome::done ? turn.view.revision() >= settles_->revision : has_moved(turn.view);
    const Time due = settles_->since + (is_trouble ? Duration(pause) : Duration(patience));
    if (!is_seen && turn.now.boot < due) {
        turn.alarm.at(due);
        return false;
    }
    if (!is_seen && !is_trouble) *turn.relist = "what was written is not told";
    settles_.reset();
    return is_seen || is_trouble;
}

} // namespace mpsup::cluster

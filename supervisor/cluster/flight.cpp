#include "supervisor/cluster/flight.h"

namespace mpsup::cluster {

using namespace std::chrono_literals;

namespace {

constexpr auto patience = 5s; // for the watch to show what an answer said
constexpr auto pause = 1s;    // after an answer that did not come

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
    problem_ = reply ? std::string() : reply.error().to_string();
    outcome_ = !reply ? Outcome::unknown : reply->succeeded ? Outcome::done : Outcome::beaten;
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
    const bool is_unknown = settles_->outcome == Outcome::unknown;
    const bool is_seen =
        settles_->outcome == Outcome::done ? turn.view.revision() >= settles_->revision : has_moved(turn.view);
    const Time due = settles_->since + (is_unknown ? Duration(pause) : Duration(patience));
    if (!is_seen && turn.now.boot < due) {
        turn.alarm.at(due);
        return false;
    }
    if (!is_seen && !is_unknown) *turn.relist = "what was written is not told";
    settles_.reset();
    return is_seen || is_unknown;
}

} // namespace mpsup::cluster

#include "supervisor/daemon/cluster_asks.h"

#include <utility>

// GCC 12 inlines Asio's operator new of a coroutine's frame here and not its operator delete, and then finds that they differ.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace mpsup {

namespace {

const Outcome the_end{Outcome::failed, "the supervisor ends"};

} // namespace

cluster::AskId ClusterAsks::begin(Report report) {
    Ask& ask = asks_[++last_];
    ask.report = std::move(report);
    if (is_closed_) ask.outcome = the_end;
    return last_;
}

boost::asio::awaitable<Outcome> ClusterAsks::end_of(cluster::AskId ask) {
    // No deadline: an order takes as long as it takes, and close() ends it.
    while (!asks_[ask].outcome) co_await told_.wait_until(std::chrono::steady_clock::time_point::max());
    Outcome outcome = asks_[ask].outcome.value_or(Outcome{});
    asks_.erase(ask);
    co_return outcome;
}

void ClusterAsks::tell(const cluster::Tell& tell) {
    const auto asked = asks_.find(tell.ask);
    if (asked == asks_.end()) return;
    if (tell.code)
        asked->second.outcome = Outcome{*tell.code, tell.text};
    else if (asked->second.report)
        asked->second.report(tell.text);
    told_.ring();
}

void ClusterAsks::tell_all(const ReportLine& line) {
    for (const auto& [id, ask] : asks_)
        if (ask.report && !ask.outcome) ask.report(line);
}

void ClusterAsks::close() {
    is_closed_ = true;
    for (auto& [id, ask] : asks_)
        if (!ask.outcome) ask.outcome = the_end;
    told_.ring();
}

} // namespace mpsup

// What may be ordered of a site, whoever orders it: one change at a time.
#pragma once

#include "supervisor/daemon/bell.h"
#include "supervisor/daemon/outcome.h"
#include "supervisor/daemon/report.h"
#include "supervisor/daemon/site.h"
#include "supervisor/daemon/takeover.h"
#include "supervisor/daemon/up_request.h"

#include <boost/asio/awaitable.hpp>

#include <string>
#include <vector>

namespace mpsup {

/// How `up` goes about it.
struct UpManner {
    bool all_anew = false;
    bool fast = false;
    bool is_recorded = true; // in the history: of attempts there may be thousands
};

/// Runs operations (operations.h), each after the takeover and none beside another; all that are not said to be otherwise are
/// written down. One event loop; what it works with outlives it.
class Orders {
public:
    /// `site_name`: topologies of other sites are refused.
    Orders(Site& site, Takeover& takeover, std::string site_name);

    [[nodiscard]] const std::string& site_name() const { return site_name_; }
    /// The operation that runs; empty: none.
    [[nodiscard]] const std::string& running() const { return running_; }
    /// No further one is begun but the one that stops all.
    void close() { closed_ = true; }
    [[nodiscard]] bool is_closed() const { return closed_; }

    /// Is there anything to supervise? What was adopted is supervised, whatever becomes of an order.
    [[nodiscard]] bool has_processes() const;

    /// Does `work`, or answers that another change runs. `workers`: which it is about; empty for all. `is_recorded`: in the history.
    [[nodiscard]] boost::asio::awaitable<Outcome> perform(std::string name, boost::asio::awaitable<Outcome> work,
                                                          std::vector<std::string> workers = {},
                                                          bool is_recorded = true);
    /// `name`: under which it is recorded.
    [[nodiscard]] boost::asio::awaitable<Outcome> up(std::string name, UpRequest request, Report report,
                                                     UpManner how = {});
    /// Interrupts what runs, and stops everything.
    [[nodiscard]] boost::asio::awaitable<Outcome> down(Report report);
    /// The same when nothing is to come after it, whatever runs or is refused.
    [[nodiscard]] boost::asio::awaitable<void> stop(std::string name, Report report);
    /// To the rollout that runs: it goes on at once, or is taken back. It answers for itself where it was asked for.
    [[nodiscard]] Outcome say_to_rollout(bool promote);
    /// One child more or fewer in every pool that has a number, as far as it goes. What comes while another change runs is
    /// added up and follows it.
    [[nodiscard]] boost::asio::awaitable<void> scale_all(int difference);
    /// Ends the worker that answers for addresses which were given up (topology/moved.h) when its time is over. Does not end.
    [[nodiscard]] boost::asio::awaitable<void> watch_moved();

private:
    [[nodiscard]] boost::asio::awaitable<void> interrupt();
    [[nodiscard]] boost::asio::awaitable<Outcome> bring_up_requested(UpRequest request, Report report, UpManner how);
    [[nodiscard]] boost::asio::awaitable<Outcome> bring_down_all(Report report);

    Site& site_;
    Takeover& takeover_;
    std::string site_name_;
    std::string running_;
    Bell ended_;
    bool closed_ = false;
    int to_scale_ = 0; // children asked for
    bool waits_to_scale_ = false;
};

} // namespace mpsup

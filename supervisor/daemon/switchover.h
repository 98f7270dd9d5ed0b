// From what served to what stands by: everybody is let in and let go in an order in which no client finds nobody, or
// the wrong one.
#pragma once

#include "supervisor/daemon/conversion.h"
#include "supervisor/daemon/newcomers.h"
#include "supervisor/daemon/outcome.h"
#include "supervisor/daemon/report.h"
#include "supervisor/daemon/site.h"
#include "supervisor/topology/diff.h"

#include <boost/asio/awaitable.hpp>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace mpsup {

/// What of a site gets a new generation, and what goes, when `changes` are made to it.
[[nodiscard]] Conversion conversion_of(const Site& site, const topology::Topology& before,
                                       const topology::Topology& wanted, const topology::Diff& changes);

/// One `up`, from the moment that its newcomers stand by. One event loop; belongs to the operation, as all does that
/// it refers to.
class Switchover {
public:
    Switchover(Site& site, Conversion conversion, std::vector<Newcomer>& newcomers, ProgressReport& progress,
               const Report& report);

    /// Rolls those that are on trial, one after the other, for these can fail; then takes the steps of conversion.h.
    /// Done when
    /// nothing is left of what was let go. Otherwise what failed: call back().
    [[nodiscard]] boost::asio::awaitable<Outcome> forward();

    /// All of it goes back, from wherever forward() has come, in as good an order: what had ended is woken or
    /// started again first. What
    /// does not come up again stays as it is, and the next `up` replaces it (Site::unsure_of). The site's
    /// surroundings are again what
    /// they were before. `why`: for the record. True: clients had reached some of what was new.
    [[nodiscard]] boost::asio::awaitable<bool> back(std::string why);

private:
    /// A worker on the way from one generation to another.
    struct Member {
        std::shared_ptr<WorkerHandle> worker;
        core::GenerationNumber coming = 0, leaving = 0; // 0: none
        bool keeps_old = false;                         // what leaves may sleep
        bool ends = false;                              // nothing of the worker stays
    };
    using Members = std::map<std::string, Member>;

    [[nodiscard]] Members members() const;
    [[nodiscard]] boost::asio::awaitable<Outcome> roll_on_trial(Members& members);
    [[nodiscard]] boost::asio::awaitable<std::string> take(std::vector<ConversionStep> steps, const Members& members,
                                                           bool whatever_happens);
    void let_in(const Member& member);
    void let_go(const Member& member);
    [[nodiscard]] static bool is_left(const Member& member);
    [[nodiscard]] static bool is_lost(const Member& member);
    [[nodiscard]] std::string why_lost(const Member& member);
    [[nodiscard]] static bool is_replaced(const Newcomer& newcomer);
    void look(const Members& members);

    void give_up_those_outside();
    [[nodiscard]] topology::Topology as_it_is() const;
    [[nodiscard]] Members start_again();
    [[nodiscard]] boost::asio::awaitable<std::set<std::string>> wait_until_standing_by(Members& members);
    void end_rolls(const std::set<std::string>& served, const std::string& why);

    Site& site_;
    Conversion conversion_;
    std::vector<Newcomer>& newcomers_;
    ProgressReport& progress_;
    const Report& report_;
    std::set<std::string> ended_rolls_; // of workers: they are on record
};

} // namespace mpsup

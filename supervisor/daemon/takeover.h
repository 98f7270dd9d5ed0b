// Takes over what an earlier supervisor of this site left running: it was killed, or made way for a newer program.
#pragma once

#include "base/pidfd.h"
#include "supervisor/core/adoption.h"
#include "supervisor/daemon/bell.h"
#include "supervisor/daemon/returned.h"
#include "supervisor/daemon/site.h"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace mpsup {

namespace state {
class Queries;
}

/// Processes say hello by themselves, within contract::search_interval; this waits for those that the history names, checks who
/// they are, gives them to their workers, and then has every worker converge to the topology that was applied last. A recorded
/// light process or pool master that lives and says nothing is killed, through a pidfd and after the kernel confirmed
/// that it is the recorded one. Nothing else is ever signalled. One event loop; owned by the daemon.
class Takeover {
public:
    /// Reads the history; nothing is done yet. `was_killed`: there are signs of an earlier supervisor even if the history
    /// knows of none.
    Takeover(Site& site, bool was_killed);

    /// Until every worker is its supervisor's again. Ends within a few seconds.
    [[nodiscard]] boost::asio::awaitable<void> run();
    /// Is run() over?
    [[nodiscard]] bool is_over() const { return over_; }
    [[nodiscard]] boost::asio::awaitable<void> wait_until_over();

    /// A process that has come further than `fresh` says hello, during the takeover or later. False: it is none of ours.
    [[nodiscard]] bool greet(const contract::Hello& hello, std::vector<Fd> fds, Fd& connection);

    /// Before all is stopped: children that nobody has announced yet are waited for no longer.
    void adopt_the_rest() { adopt_silent_children(true); }

    /// When the history was lost: what said hello and belongs to no worker that is known is given to those of `topology`. Their
    /// names: what they were started with is not known.
    [[nodiscard]] std::vector<std::string> adopt_strangers(const topology::Topology& topology);

private:
    struct Known {
        Pidfd pidfd;
        core::RecordedProcess record;
        std::int64_t started_ms = 0;
    };
    struct Stranger {
        Returned returned;
        Fd connection;
    };

    void read_history(const state::Queries& queries);
    void restore_topology(const state::Queries& queries);
    [[nodiscard]] WorkerHandle& worker_of(const std::string& name, bool is_pool);
    [[nodiscard]] WorkerHandle& give(Returned returned, Fd connection);
    [[nodiscard]] bool does_serve(const std::string& name, core::GenerationNumber number) const;
    [[nodiscard]] bool is_wanted(const WorkerHandle& worker) const;
    [[nodiscard]] boost::asio::awaitable<void> wait_for_hellos();
    [[nodiscard]] bool is_waiting(std::chrono::steady_clock::time_point now) const;
    void close_intents();
    void end_leftovers();
    void forget_announced();
    void kill_silent();
    void expect_children();
    [[nodiscard]] boost::asio::awaitable<void> adopt_late_children();
    void adopt_silent_children(bool with_master);
    void resume_workers();

    Site& site_;
    Bell bell_;
    core::Adoption adoption_;
    std::map<pid_t, Known> known_;
    std::set<std::string> intents_; // uuids of what was to be forked: nobody knows whether it was
    std::chrono::steady_clock::time_point began_;
    std::vector<Stranger> strangers_;
    std::vector<std::string> unwanted_; // workers that the topology has no more
    int adopted_ = 0;
    bool was_killed_ = false;
    bool over_ = false;
    bool is_up_ordered_ = false; // it is known what is wanted, though it is not applied yet
};

} // namespace mpsup

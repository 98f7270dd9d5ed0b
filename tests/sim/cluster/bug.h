// Bugs that are seeded on purpose, each between a simulated member and its etcd or its site: a simulation that does not find
// them proves nothing.
#pragma once

#include <string_view>

namespace mpsup::sim {

enum class ClusterBug {
    none,
    compare_nothing,        // transactions are done whatever the keys are
    forget_the_store,       // what a machine remembers of the store is lost with its supervisor
    outlive_the_lease,      // a lease is taken to be longer than it is
    keep_the_address,       // the kernel takes no address away
    presume_it_gone,        // an address that the kernel did not take away is told to be gone
    miss_lost_leases,       // nobody is told that a lease is gone
    watch_late,             // the first changes after a listing are missed
    lose_news,              // some of what changes is never told
    go_on_after_compaction, // a watch that was compacted goes on as if nothing were missing
    lose_ends,              // the end of a local operation is not told
    claim_success,          // a local operation that failed is told to be done
    ignore_the_budget,      // more machines may be out of service than the topology says
    grant_at_once,          // all machines are granted together
    skip_the_check,         // nobody is waited for before a change begins
    forget_wanted,          // what is wanted is not written with the change
    keep_the_term,          // a change is taken over without saying so
    lose_answers,           // who asked is not told the end
    forget_turns,           // who converges does not see that others do
    count,
};

[[nodiscard]] std::string_view to_string(ClusterBug bug) noexcept;

} // namespace mpsup::sim

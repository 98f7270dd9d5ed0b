#include "tests/sim/cluster/bug.h"

#include <utility>

namespace mpsup::sim {

std::string_view to_string(ClusterBug bug) noexcept {
    switch (bug) {
    case ClusterBug::none: return "none";
    case ClusterBug::compare_nothing: return "compare_nothing";
    case ClusterBug::forget_the_store: return "forget_the_store";
    case ClusterBug::outlive_the_lease: return "outlive_the_lease";
    case ClusterBug::keep_the_address: return "keep_the_address";
    case ClusterBug::presume_it_gone: return "presume_it_gone";
    case ClusterBug::miss_lost_leases: return "miss_lost_leases";
    case ClusterBug::watch_late: return "watch_late";
    case ClusterBug::lose_news: return "lose_news";
    case ClusterBug::go_on_after_compaction: return "go_on_after_compaction";
    case ClusterBug::lose_ends: return "lose_ends";
    case ClusterBug::claim_success: return "claim_success";
    case ClusterBug::ignore_the_budget: return "ignore_the_budget";
    case ClusterBug::grant_at_once: return "grant_at_once";
    case ClusterBug::skip_the_check: return "skip_the_check";
    case ClusterBug::forget_wanted: return "forget_wanted";
    case ClusterBug::keep_the_term: return "keep_the_term";
    case ClusterBug::lose_answers: return "lose_answers";
    case ClusterBug::forget_turns: return "forget_turns";
    case ClusterBug::count: break;
    }
    std::unreachable();
}

} // namespace mpsup::sim

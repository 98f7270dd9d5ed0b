#include "supervisor/cluster/store_trust.h"

#include <algorithm>

namespace mpsup::cluster {

// Of one with the same id what its `store` key said before is no acceptance: that may have been restored with the rest.
bool StoreTrust::is_accepted(const ClusterView& view) const {
    if (!view.store()) return false;
    if (view.cluster() == memory_.cluster && view.store_value() == memory_.store) return false;
    return std::ranges::find(view.store()->replaces, memory_.cluster) != view.store()->replaces.end();
}

// What has gone back grows again, past what is remembered: it stays distrusted.
void StoreTrust::look(const ClusterView& view) {
    const bool was_distrusted = memory_.distrusted == view.cluster();
    const bool is_other = memory_.cluster != 0 && view.cluster() != memory_.cluster;
    const bool is_back = !is_other && view.revision() < memory_.revision;
    const bool is_new = seen_cluster_ != 0 && (view.cluster() != seen_cluster_ || view.revision() < seen_revision_);
    was_replaced_ = was_replaced_ || is_new;
    seen_cluster_ = view.cluster();
    seen_revision_ = view.revision();
    if ((was_distrusted || is_other || is_back) && !is_accepted(view)) {
        memory_.distrusted = view.cluster();
        problem_ = is_other ? "this is another store than before (cluster " + std::to_string(view.cluster()) +
                                  " in the place of " + std::to_string(memory_.cluster) + ")"
                            : "the store has gone back, to before revision " + std::to_string(memory_.revision);
        return;
    }
    problem_.clear();
    memory_.cluster = view.cluster();
    memory_.revision = view.revision();
    memory_.store = view.store_value();
    memory_.distrusted = 0;
}

} // namespace mpsup::cluster

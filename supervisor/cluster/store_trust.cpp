#include "supervisor/cluster/store_trust.h"

#include <algorithm>

namespace mpsup::cluster {

std::uint64_t last_number(const ClusterView& view) {
    std::uint64_t last = 0;
    if (view.wanted()) last = view.wanted()->now.number;
    if (view.change()) last = std::max(last, view.change()->last);
    return last;
}

void StoreTrust::look(const ClusterView& view) {
    note_replaced(view);
    if (is_accepted(view)) { // and known anew
        was_replaced_ = true;
        Memory anew;
        anew.out = std::move(memory_.out);
        memory_ = std::move(anew);
    }
    problem_.clear();
    if (!memory_.store.id.empty()) {
        problem_ = what_is_other(view);
        if (problem_.empty()) {
            problem_ = what_is_lost(view);
            memory_.has_gone_back = !problem_.empty();
        }
    }
    if (problem_.empty()) learn(view);
}

void StoreTrust::note_replaced(const ClusterView& view) {
    was_replaced_ =
        was_replaced_ || (seen_cluster_ != 0 && (view.cluster() != seen_cluster_ || view.revision() < seen_revision_));
    seen_cluster_ = view.cluster();
    seen_revision_ = view.revision();
}

bool StoreTrust::is_accepted(const ClusterView& view) const {
    const std::string& known = memory_.store.id;
    return !known.empty() && view.store() && view.store()->id != known &&
           std::ranges::find(view.store()->replaces, known) != view.store()->replaces.end();
}

std::string StoreTrust::what_is_other(const ClusterView& view) const {
    if (memory_.store.id == unreadable_store)
        return "what this machine knew of its store cannot be read (the file `cluster` in the site's state folder)";
    if (view.cluster() != memory_.cluster)
        return "this is another store than before (cluster " + std::to_string(view.cluster()) + " in the place of " +
               std::to_string(memory_.cluster) + ")";
    if (!view.store().exists()) return "the store was emptied, or its keys were deleted";
    if (!view.store()) return "which store this is cannot be read: " + view.store().problem;
    return view.store()->id == memory_.store.id ? "" : "this is another store than before";
}

// A record that cannot be read says nothing: a later mpsup may have written it.
std::string StoreTrust::what_is_lost(const ClusterView& view) const {
    if (memory_.has_gone_back || view.revision() < memory_.revision)
        return "the store has gone back, to before revision " + std::to_string(memory_.revision);
    if (memory_.has_wanted && !view.wanted().exists()) return "the store has lost what is wanted";
    const bool is_readable = view.wanted().is_readable && (view.change().is_readable || !view.change().exists());
    if (!is_readable) return {};
    const std::string number = std::to_string(memory_.last);
    if (last_number(view) < memory_.last) return "the store has lost topology " + number;
    const auto contradicts = [&](const Version& version) {
        return version.number == memory_.wanted.number && version.digest != memory_.wanted.digest;
    };
    if (contradicts(view.wanted()->now) || std::ranges::any_of(view.wanted()->earlier, contradicts))
        return "the store has another topology " + std::to_string(memory_.wanted.number);
    return {};
}

void StoreTrust::learn(const ClusterView& view) {
    memory_.cluster = view.cluster();
    memory_.revision = view.revision();
    if (view.store()) memory_.store = view.store().value;
    memory_.last = std::max(memory_.last, last_number(view));
    memory_.has_wanted = view.wanted().exists();
    if (view.wanted()) memory_.wanted = view.wanted()->now;
}

} // namespace mpsup::cluster

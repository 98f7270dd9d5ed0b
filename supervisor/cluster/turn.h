// What the parts of a member work with each time that something happened.
#pragma once

#include "supervisor/cluster/cluster_view.h"
#include "supervisor/cluster/effect.h"
#include "supervisor/cluster/member.h"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <utility>

namespace mpsup::cluster {

/// What is to be done.
class Outbox {
public:
    void push(Effect effect) { effects_.push_back(std::move(effect)); }
    RequestId submit(Transaction transaction) {
        push(Submit{++last_, std::move(transaction)});
        return last_;
    }
    [[nodiscard]] Effects take() { return std::exchange(effects_, {}); }

private:
    Effects effects_;
    RequestId last_ = 0;
};

/// When somebody wants to be called again at the latest.
class Alarm {
public:
    void clear(Time latest) { due_ = latest; }
    void at(Time due) { due_ = std::min(due_, due); }
    [[nodiscard]] Time due() const { return due_; }

private:
    Time due_{};
};

/// Facts of topologies by the digests of their documents.
class FactsBook {
public:
    void learn(const std::string& digest, TopologyFacts facts) { known_.insert_or_assign(digest, std::move(facts)); }
    [[nodiscard]] const TopologyFacts* of(const std::string& digest) const { // nullptr: not known
        const auto found = known_.find(digest);
        return found == known_.end() ? nullptr : &found->second;
    }
    /// Forgets others, when there are many.
    void keep(std::initializer_list<std::string_view> digests) {
        if (known_.size() <= most) return;
        std::erase_if(known_,
                      [&](const auto& each) { return std::ranges::find(digests, each.first) == digests.end(); });
    }

private:
    static constexpr std::size_t most = 8;
    std::map<std::string, TopologyFacts> known_;
};

struct Turn {
    const Identity& me;
    const ClusterView& view;
    const LocalReport& local;
    const Memory& memory;
    FactsBook& facts;
    Outbox& out;
    Alarm& alarm;
    Moment now;
    LeaseId lease = 0; // that stands; 0: none
    Time lease_until{};
    bool is_connected = false;     // the view is what the store says, as far as anybody can know, and a lease stands
    bool is_trusted = false;       // this store's orders are taken
    bool has_key = false;          // the machine's key is this member's
    std::string* relist = nullptr; // set: the view cannot be right, for this reason

    [[nodiscard]] const Keys& keys() const { return view.keys(); }
    /// May it act for the site?
    [[nodiscard]] bool is_in_force() const { return is_connected && is_trusted && has_key; }
    [[nodiscard]] Unchanged unchanged(const std::string& key) const { return {key, view.modified(key)}; }
};

} // namespace mpsup::cluster

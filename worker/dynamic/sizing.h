// Keeps a pool at the size that its policy wants.
#pragma once

#include "worker/dynamic/brood.h"
#include "worker/dynamic/pool_policy.h"
#include "worker/dynamic/recycling.h"
#include "worker/dynamic/supervisor_link.h"

#include <optional>
#include <vector>

namespace mpsup::dynamic {

/// How many children there should be, which of them go because there are too many or because they are worn, and what the
/// supervisor is told of that. Used from one thread; what it works with is its master's and outlives it.
class Sizing {
public:
    Sizing(contract::PoolSize size, Brood& brood, SupervisorLink& supervisor)
        : policy_(size), brood_(brood), supervisor_(supervisor) {}

    /// Anew, of another master: nothing of what was on its way counts any more.
    void start_anew(contract::PoolSize size);
    /// Once the board is open: children know from here on when to call.
    void begin() { brood_.board().set_spare(policy_.spare()); }
    /// Another size, for the pool that runs.
    void resize(const contract::PoolSize& size);
    [[nodiscard]] int initial() const { return policy_.initial(); }
    /// The pool is to have no child at all.
    [[nodiscard]] bool is_asleep() const;

    /// In each round: sets what is wanted, and sends one child away that is too many or whose time to be replaced it is.
    void size_pool(TimePoint now);
    /// In each round after children were heard: who is recycled goes when its successor is there.
    void finish_recycling();
    /// It is worn: it is replaced when it is its turn.
    void recycle(Recycling::Worn worn) { recycling_.add(worn); }
    void tell_wanted();

    /// Should the master look whether clients wait? Nobody else would notice.
    [[nodiscard]] bool watches_queue() const { return watch_queue_; }
    void note_queue(bool client_waits) { client_waits_ = client_waits; }
    /// When to size the pool next, if ever.
    [[nodiscard]] std::optional<TimePoint> next_look() const;

private:
    [[nodiscard]] std::vector<ChildView> view() const;
    [[nodiscard]] int children_wanted(const std::vector<ChildView>& children, TimePoint now);
    void set_wanted(int wanted);
    void recycle_next();

    PoolPolicy policy_;
    Brood& brood_;
    SupervisorLink& supervisor_;
    Recycling recycling_;
    bool watch_queue_ = false;
    bool client_waits_ = false;
    std::optional<TimePoint> look_at_;
    std::optional<TimePoint> full_until_; // there was no memory for another child
};

} // namespace mpsup::dynamic

// What one child's scoreboard says that clients got, held to what can be true.
#pragma once

#include "supervisor/core/judge.h"
#include "worker/contract/scoreboard.h"

#include <memory>
#include <optional>

namespace mpsup {

/// Counts from the look on at which the child had answered `skip_first` requests. Numbers that go down are not believed.
class TrafficCounter {
public:
    void look(const contract::Traffic& traffic, std::uint64_t skip_first);
    /// It is gone. A death counts; of one that died before `skip_first` all it ever answered does too.
    void end(const contract::Traffic& traffic, bool in_order);
    void add_to(core::Tally& tally) const;

private:
    struct Counts {
        std::optional<contract::Traffic> base; // that do not count
        contract::Traffic latest;
        bool died = false;
    };
    [[nodiscard]] Counts& counts();

    std::unique_ptr<Counts> counts_; // 1.5 KB, for the few that are looked at
};

} // namespace mpsup

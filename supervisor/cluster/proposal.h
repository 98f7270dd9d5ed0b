// What an order is in the store: the transaction that begins it.
#pragma once

#include "supervisor/cluster/turn.h"

#include <string>

namespace mpsup::cluster {

/// A transaction, or why there is none.
struct Proposal {
    Transaction transaction{};
    std::string change{}; // that it begins; empty: none
    int code = 0;         // not 0: it ends here, with
    std::string text{};   //
};

/// `id`: of the order, also when it is tried again: of the change that it begins, if it begins one, of the store, if it names that, and
/// in history. Never given to another. Pure.
[[nodiscard]] Proposal propose(const Ask& ask, const std::string& id, const Turn& turn);

} // namespace mpsup::cluster

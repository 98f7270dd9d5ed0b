// What a member of a cluster wants done. The shell does it in this order, and tells the member what came of it.
#pragma once

#include "supervisor/cluster/etcd_messages.h"
#include "supervisor/cluster/memory.h"
#include "supervisor/cluster/moment.h"
#include "supervisor/cluster/order.h"
#include "supervisor/cluster/records.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace mpsup::cluster {

using RequestId = std::uint64_t;

/// To etcd; answered by on_answer, once, with an error too, within 10 s. Several may be under way, in any order.
struct Submit {
    RequestId request = 0;
    Transaction transaction{};
};
/// What is known of the store cannot be right: end the watch, list, and watch anew. on_listed answers it, or on_unreachable.
struct Relist {
    std::string reason{}; // for the log
};
/// Is this topology one that this machine could run? Nothing is begun. Answered by on_checked.
struct Check {
    std::string change{}; // empty: of itself, before it gets to what is wanted
    Version to{};
    std::string document{}, path{};
};
/// The local operation. Answered by on_done. One at a time; it may be asked for again after a restart of the supervisor, when
/// it was done already: then there is nothing to do but to say so.
struct Do {
    std::string change{}; // empty: of itself, because it runs something else than is wanted
    Round round = Round::rolling;
    ChangeRecord::Kind kind = ChangeRecord::Kind::up;
    Version to{};                       // up, and rollback without workers: this; number 0: what ran before the first
    std::string document{}, path{};     // of it; empty where nothing is brought
    std::vector<std::string> workers{}; // of restart and rollback; none: all
    bool fast = false;
    std::string who{}, from{}, note{};
};
/// The operation that was begun last is to be taken back; on_done still comes, and says how it ended. When it has ended
/// meanwhile there is nothing to do; the same holds for PromoteNow.
struct TakeBack {
    std::string reason{};
};
/// To the operation that was begun last: no more waiting.
struct PromoteNow {};
/// To whoever asked. With a code (README.md "Exit codes") it is the last.
struct Tell {
    AskId ask = 0;
    std::string text{};
    std::optional<int> code{};
};
/// To these machines nothing new is sent. All of them; told whenever it changes.
struct Backends {
    std::vector<std::string> out{}; // by name
};
/// This machine has the address until then, whatever happens; the kernel takes it away. Nothing: it has it no more, at once, whichever
/// process set it. Answered by on_vip.
struct HoldVip {
    std::string address{};
    std::optional<Time> until{};
};

/// To be written down, without haste: it is asked for seldom, and an older one does no harm.
struct Remember {
    Memory memory{};
};

using Effect = std::variant<Submit, Relist, Check, Do, TakeBack, PromoteNow, Tell, Backends, HoldVip, Remember>;
using Effects = std::vector<Effect>;

} // namespace mpsup::cluster

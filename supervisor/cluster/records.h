// What the machines of a site tell each other: the values of the keys that they share in etcd, as JSON. What is read was
// written by anybody who may write there: all of it is checked, and none may be larger than what it stands for. Pure functions.
#pragma once

#include "base/error.h"
#include "supervisor/cluster/moment.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::cluster {

/// A topology by its number in the store, which is never given twice, and what its document hashes to. 0: none, nothing runs.
struct Version {
    std::uint64_t number = 0;
    std::string digest{};

    friend bool operator==(const Version&, const Version&) = default;
};

/// Of a change, what a machine does for it; reports on an earlier one do not count for a later one.
enum class Round { checking, rolling, undoing };

/// What a machine says of its part in a change.
struct Report {
    // Invalid: refused, because the topology is wrong for that machine, whenever it is asked.
    enum class State { none, accepted, refused, done, failed, invalid };

    std::string change{};
    Round round = Round::checking;
    State state = State::none;
    std::vector<std::string> reasons{};
    bool has_served = false; // done or failed: something new has answered clients there

    friend bool operator==(const Report&, const Report&) = default;
};

/// One worker of a machine, for people.
struct WorkerSummary {
    std::string name{}, state{}; // as `mpsup status` has it
    int ready = 0, wanted = 0;

    friend bool operator==(const WorkerSummary&, const WorkerSummary&) = default;
};

/// Requests that a machine has not answered: of clients, and of other machines.
struct InFlight {
    std::uint64_t requests = 0; // that are known of
    std::string unknown{};      // why there may be more: who does not say how many it has; empty: that is all

    friend bool operator==(const InFlight&, const InFlight&) = default;
};

/// machine/NAME, under the lease of its supervisor: it lives.
struct MachineRecord {
    std::string instance{}; // of the supervisor's process, a uuid
    std::string boot{};     // the machine's boot id
    std::string version{};  // of mpsup
    std::string address{};
    std::string api{};         // IP:PORT of the peer API; empty: none
    std::string fingerprint{}; // of the certificate that is shown there; empty: one that an authority signed
    WallTime clock{0};         // when this was written
    Version runs{};            // the topology that was brought up last
    bool well = false;         // all that should run serves
    std::vector<WorkerSummary> workers{};
    std::optional<InFlight> in_flight{}; // nothing: not counted; told of a machine that is drained only
    Report report{};

    friend bool operator==(const MachineRecord&, const MachineRecord&) = default;
};

/// fence/NAME: what an operator said about a machine.
struct FenceRecord {
    bool cordoned = false; // changes pass it by
    bool drained = false;  // nothing new is sent to it, and changes pass it by
    bool removed = false;  // it will not come back: nobody counts it
    std::string by{};
    WallTime at{0};

    friend bool operator==(const FenceRecord&, const FenceRecord&) = default;
};

/// topology/N.
struct TopologyRecord {
    std::string document{}; // resolved, the whole site
    std::string digest{};
    std::string path{}; // the file that it came from
    std::string who{}, from{}, note{};
    WallTime at{0};

    friend bool operator==(const TopologyRecord&, const TopologyRecord&) = default;
};

/// wanted: what all machines run, and what a rollback without names goes back to.
struct WantedRecord {
    Version now{};
    std::vector<Version> earlier{}; // that were brought up, the latest last

    friend bool operator==(const WantedRecord&, const WantedRecord&) = default;
};

/// A machine in a change.
struct Part {
    enum class State {
        waiting,
        granted,
        done,
        failed,
        absent,
        cordoned,
        skipped, // it is about others: those that were named, or have what was named
    };

    std::string machine{};
    State state = State::waiting;
    std::string text{};      // of a failed one why
    bool has_served = false; // as it reported
    bool was_unwell = false; // when it was granted, and ever since: that says nothing of the change

    friend bool operator==(const Part&, const Part&) = default;
};

/// change: the one that runs, or the last one.
struct ChangeRecord {
    enum class Kind { up, restart, rollback };
    enum class Phase { checking, rolling, undoing, done, refused, rolled_back, failed, aborted };

    std::string id{}; // a uuid
    Kind kind = Kind::up;
    Version to{};                       // of a restart, and of a rollback of single workers, what runs anyway
    Version before{};                   // what it goes back to
    std::uint64_t last = 0;             // the highest number that was ever given to a topology
    std::uint64_t serial = 0;           // one more with each change that brings no new topology
    std::vector<std::string> workers{}; // of restart and rollback; none: all
    bool fast = false;                  // without steps, without a verdict
    std::string who{}, from{}, note{};
    WallTime at{0};
    Phase phase = Phase::checking;
    int allowed = 1;              // machines that may be out of service at a time
    bool has_served = false;      // undoing, and it answered clients on a machine before
    bool is_invalid = false;      // refused: the topology is wrong for a machine
    bool is_aborted = false;      // undoing, because somebody said so
    std::string owner{};          // the machine that leads it
    std::string instance{};       // and its supervisor
    std::uint64_t term = 1;       // one more with each owner
    std::vector<Part> machines{}; // in the order in which they are granted
    std::vector<std::string> reasons{};

    [[nodiscard]] bool is_over() const;
    /// Of what runs.
    [[nodiscard]] Round round() const;
    /// Does it bring another topology?
    [[nodiscard]] bool brings_topology() const { return kind != Kind::restart && workers.empty(); }
    /// One with a number of its own?
    [[nodiscard]] bool brings_new_topology() const { return kind == Kind::up; }
    [[nodiscard]] const Part* part_of(std::string_view machine) const; // nullptr: it has none
    friend bool operator==(const ChangeRecord&, const ChangeRecord&) = default;
};

/// outcome/N: how the change ended that brought topology N.
struct OutcomeRecord {
    std::string change{};
    ChangeRecord::Phase phase = ChangeRecord::Phase::done;
    WallTime at{0};
    std::vector<std::string> reasons{};

    friend bool operator==(const OutcomeRecord&, const OutcomeRecord&) = default;
};

/// past/N: a change that brought no new topology, and how it ended. `N` is its serial modulo most_past: they are overwritten in
/// turn.
struct PastRecord {
    ChangeRecord::Kind kind = ChangeRecord::Kind::restart;
    Version to{};
    std::vector<std::string> workers{};  // that were named; none: all
    std::vector<std::string> machines{}; // that it was about; none: all
    std::string who{}, from{};
    WallTime at{0}; // it was ordered
    OutcomeRecord outcome{};

    friend bool operator==(const PastRecord&, const PastRecord&) = default;
};

/// What is kept of a change that is over.
[[nodiscard]] PastRecord past_of(const ChangeRecord& change, WallTime ended);

/// What an operator ordered that is no change.
struct PastOrder {
    std::string id{};      // never given twice
    std::string kind{};    // the verb; a later mpsup may have others
    std::string machine{}; // that it was about; empty: the whole site
    std::string who{}, from{}, note{};
    WallTime at{0};

    friend bool operator==(const PastOrder&, const PastOrder&) = default;
};

/// orders: the last most_orders of them, the latest last.
struct OrdersRecord {
    std::vector<PastOrder> past{};

    friend bool operator==(const OrdersRecord&, const OrdersRecord&) = default;
};

/// converging: those that serve something else and are on their way to what is wanted, outside of any change.
struct ConvergingRecord {
    std::vector<std::string> machines{};

    friend bool operator==(const ConvergingRecord&, const ConvergingRecord&) = default;
};

/// vip/ADDRESS, under the lease of the machine that has it. Without a machine: whoever had it gave it up.
struct VipRecord {
    std::string machine{}, instance{};

    friend bool operator==(const VipRecord&, const VipRecord&) = default;
};

/// store: which one this is. Written with the first order that it takes, and anew when an operator takes it in the place of others.
struct StoreRecord {
    std::string id{};                    // never given twice
    std::vector<std::string> replaces{}; // the ids of those that it took the place of, the latest last
    std::string by{};
    WallTime at{0};

    friend bool operator==(const StoreRecord&, const StoreRecord&) = default;
};

constexpr std::size_t longest_document = 1'000'000; // bytes; etcd takes requests of 1.5 MiB, and base64 stands between
constexpr std::size_t longest_reason = 8'000;
constexpr std::size_t longest_text_of_part = 1'000;
constexpr std::size_t longest_note = 1'000; // of an order that is no change
constexpr std::size_t most_reasons = 100;
constexpr std::size_t longest_reasons = 100'000; // all of them
constexpr std::size_t most_machines = 10'000;
constexpr std::size_t most_workers = 1'000; // of a machine, and that an order names
constexpr std::size_t most_earlier = 20;    // topologies that are kept
constexpr std::size_t most_past = 50;       // changes that brought none
constexpr std::size_t most_orders = 50;     // that are no changes
constexpr std::size_t most_replaced = 100;  // stores that one is known to have taken the place of

/// What programs say, as those who read records take it: not too long, and nothing that JSON cannot hold. It is the same when it
/// comes back.
[[nodiscard]] std::string fit(std::string_view text, std::size_t longest = longest_reason);
/// As many of them as fit, and in the last place how many more there are.
[[nodiscard]] std::vector<std::string> fit(const std::vector<std::string>& reasons);

[[nodiscard]] std::string encode(const MachineRecord& record);
[[nodiscard]] std::string encode(const FenceRecord& record);
[[nodiscard]] std::string encode(const TopologyRecord& record);
[[nodiscard]] std::string encode(const WantedRecord& record);
[[nodiscard]] std::string encode(const ChangeRecord& record);
[[nodiscard]] std::string encode(const OutcomeRecord& record);
[[nodiscard]] std::string encode(const PastRecord& record);
[[nodiscard]] std::string encode(const OrdersRecord& record);
[[nodiscard]] std::string encode(const ConvergingRecord& record);
[[nodiscard]] std::string encode(const VipRecord& record);
[[nodiscard]] std::string encode(const StoreRecord& record);

/// What is unknown in it is passed over: a later mpsup may have written it. An error names what is wrong.
template <typename Record> [[nodiscard]] Result<Record> decode(std::string_view text);
template <> Result<MachineRecord> decode(std::string_view text);
template <> Result<FenceRecord> decode(std::string_view text);
template <> Result<TopologyRecord> decode(std::string_view text);
template <> Result<WantedRecord> decode(std::string_view text);
template <> Result<ChangeRecord> decode(std::string_view text);
template <> Result<OutcomeRecord> decode(std::string_view text);
template <> Result<PastRecord> decode(std::string_view text);
template <> Result<OrdersRecord> decode(std::string_view text);
template <> Result<ConvergingRecord> decode(std::string_view text);
template <> Result<VipRecord> decode(std::string_view text);
template <> Result<StoreRecord> decode(std::string_view text);

[[nodiscard]] std::string_view to_string(ChangeRecord::Kind kind) noexcept;
[[nodiscard]] std::string_view to_string(ChangeRecord::Phase phase) noexcept;
[[nodiscard]] std::string_view to_string(Part::State state) noexcept;
[[nodiscard]] std::string_view to_string(Round round) noexcept;
[[nodiscard]] std::string_view to_string(Report::State state) noexcept;

} // namespace mpsup::cluster

// What is asked of etcd and what it answers: the JSON of its gRPC gateway (etcd 3.4, paths below /v3/; api/etcdserverpb of its
// sources). Plain values and pure functions. Answers are untrusted: each member is checked, and none may be larger than what
// it stands for.
#pragma once

#include "base/error.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>
#include <vector>

namespace mpsup::cluster {

/// The number of changes that the store has seen; grows by one with each transaction that changes something. Kept for ever by
/// one cluster: one that goes back, or another cluster's, is another store.
using Revision = std::int64_t;
using LeaseId = std::int64_t;

/// Of an answer that etcd gave: which store it came from, and what it knew then.
struct EtcdHeader {
    std::uint64_t cluster = 0;
    Revision revision = 0;

    friend bool operator==(const EtcdHeader&, const EtcdHeader&) = default;
};

struct KeyValue {
    std::string key{}, value{};
    Revision created = 0, modified = 0;
    LeaseId lease = 0; // 0: none

    friend bool operator==(const KeyValue&, const KeyValue&) = default;
};

/// Keys from `first` up to but not `end`; without an end that key alone.
struct KeyRange {
    std::string first{}, end{};

    /// All that begin with it; an empty prefix is everything.
    [[nodiscard]] static KeyRange prefix(std::string_view prefix);
    friend bool operator==(const KeyRange&, const KeyRange&) = default;
};

// Requests.

struct Get {
    KeyRange keys{};
    Revision at = 0; // as of then; 0: now, by the majority (linearizable)
    std::int64_t limit = 0;
};
struct Put {
    std::string key{}, value{};
    LeaseId lease = 0; // it goes with that
};
struct Delete {
    KeyRange keys{};
};
using Operation = std::variant<Get, Put, Delete>;

/// Is the key as it was last seen? `modified` 0: it does not exist.
struct Unchanged {
    std::string key{};
    Revision modified = 0;
};

/// `then` when all conditions hold, else `otherwise`: all of it at one revision.
struct Transaction {
    std::vector<Unchanged> when{};
    std::vector<Operation> then{}, otherwise{};
};

[[nodiscard]] std::string to_json(const Get& get);
[[nodiscard]] std::string to_json(const Transaction& transaction);
/// {"TTL"}: seconds are all that etcd knows.
[[nodiscard]] std::string lease_grant(std::chrono::seconds time);
/// To keep it alive, and to revoke it.
[[nodiscard]] std::string lease_named(LeaseId lease);
/// `from`: the first revision whose changes are told.
[[nodiscard]] std::string watch_request(const KeyRange& keys, Revision from);
[[nodiscard]] std::string login(std::string_view user, std::string_view password);

// Answers.

struct GetReply {
    EtcdHeader header{};
    std::vector<KeyValue> found{}; // by key
    bool more = false;             // there are, beyond `limit`
};

struct TransactionReply {
    EtcdHeader header{};
    bool succeeded = false;          // all conditions held
    std::vector<GetReply> results{}; // of what was done, in order; of a Put or Delete an empty one
};

struct LeaseReply {
    EtcdHeader header{};
    LeaseId lease = 0;
    std::chrono::seconds left{0}; // from when it was answered; 0: there is no such lease
};

struct Change {
    bool deleted = false;
    KeyValue now{}; // deleted: the key, and `modified`
};

/// One line of the stream that a watch is.
struct WatchNews {
    EtcdHeader header{};
    bool over = false;                 // nothing more will come
    std::optional<Revision> compacted; // over, because what was asked for is forgotten: list anew, go on after that
    std::string reason{};              // over: why, as far as etcd says
    std::vector<Change> changes{};     // in their order
};

/// Of a text that is no such answer an error without a code; of a refusal of etcd's its own words and code.
[[nodiscard]] Result<GetReply> read_get(std::string_view text);
[[nodiscard]] Result<TransactionReply> read_transaction(std::string_view text);
[[nodiscard]] Result<LeaseReply> read_lease(std::string_view text); // of a grant
/// One line of the answer's stream.
[[nodiscard]] Result<LeaseReply> read_kept_alive(std::string_view line);
[[nodiscard]] Result<WatchNews> read_watch(std::string_view line);
[[nodiscard]] Result<std::string> read_token(std::string_view text);
/// Why etcd refused, from an answer whose status is not 200.
[[nodiscard]] Error read_refusal(int status, std::string_view text);

/// Codes of gRPC (google.rpc.Code), as etcd's refusals have them.
enum class EtcdCode {
    cancelled = 1,
    unknown = 2,
    invalid_argument = 3,
    deadline_exceeded = 4,
    not_found = 5,
    permission_denied = 7,
    resource_exhausted = 8,
    failed_precondition = 9,
    out_of_range = 11, // a revision that was compacted, or is still to come
    unavailable = 14,  // no leader
    unauthenticated = 16,
};
[[nodiscard]] const std::error_category& etcd_category() noexcept;
[[nodiscard]] std::error_code make_error_code(EtcdCode code) noexcept;

/// Is this etcd's own word, which every member would say? Then nothing was done. Others may be over in a moment: no
/// leader, no answer, an answer that is none.
[[nodiscard]] bool is_refusal(const Error& error);

} // namespace mpsup::cluster

template <> struct std::is_error_code_enum<mpsup::cluster::EtcdCode> : std::true_type {};

// What one topology file describes, as plain values. Everything here was validated (load.h) or parsed back from a
// resolved document (resolve.h); nothing here knows of processes.
#pragma once

#include "base/address.h"
#include "supervisor/topology/boxed.h"
#include "supervisor/topology/environment.h"
#include "supervisor/topology/front_spec.h"
#include "supervisor/topology/hook.h"
#include "worker/contract/links.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::topology {

using Duration = std::chrono::milliseconds;

/// How the programs are built: one big binary, a light and a heavy one, or one that loads the Perl engine.
enum class Binaries { one, two, dso };

enum class Kind { static_files, dynamic, accelerator };

struct Machine {
    std::string name{};
    std::string ip{}; // canonical, as in Address

    friend bool operator==(const Machine&, const Machine&) = default;
};

/// Where accelerators of other machines reach a pool that has no `listen`.
struct Gateway {
    Address listen{}; // without an IP address: a port at the address of each machine
    GatewayTls tls{};

    friend bool operator==(const Gateway&, const Gateway&) = default;
};

/// An address that follows a living machine.
struct Vip {
    std::string ip{};              // canonical, as in Address; empty: there is none
    int bits = 0;                  // length of its network
    std::vector<std::string> on{}; // machines, in the order in which they take it

    /// "10.9.0.100/24"
    [[nodiscard]] std::string text() const { return ip + "/" + std::to_string(bits); }
    friend bool operator==(const Vip&, const Vip&) = default;
};

/// Where no file names one.
[[nodiscard]] inline Machine assumed_machine() { return {"here", "127.0.0.1"}; }

/// One way to ask a worker how it is; at most one of the first three.
struct ProbeSpec {
    std::optional<std::string> http{}; // GET it through the data path
    std::vector<Address> tcp{};        // each of them takes a connection
    std::vector<std::string> exec{};   // a program, by its absolute path, and its arguments: it ends with 0
    std::optional<Duration> every{}, timeout{};

    [[nodiscard]] bool asks() const { return http || !tcp.empty() || !exec.empty(); }
    friend bool operator==(const ProbeSpec&, const ProbeSpec&) = default;
};

struct Health {
    std::optional<std::string> path{}; // of the readiness probe's request, where that has no way of its own
    Duration every{5'000};             // of probes that do not say otherwise
    Duration timeout{2'000};
    ProbeSpec startup{};                 // asked until it passes once, before anything else is
    Duration within{60'000};             // from its start until it must be ready
    ProbeSpec readiness{};               // may clients be sent to it?
    ProbeSpec liveness{};                // is it beyond recovery? Without a way of its own: what readiness says
    std::optional<std::int64_t> fails{}; // of liveness, in a row, and it is replaced

    /// 0: it is never replaced for its health.
    [[nodiscard]] int fatal_fails() const;
    friend bool operator==(const Health&, const Health&) = default;
};

struct Restart {
    int burst = 5; // deaths within `window` after which the worker is given up
    Duration window{30'000};
    Duration backoff{1'000}; // before the second start in a row; doubles
    Duration max{60'000};    // upper end of the back-off

    friend bool operator==(const Restart&, const Restart&) = default;
};

struct Stop {
    Duration grace{30'000}; // to finish what runs; then SIGKILL

    friend bool operator==(const Stop&, const Stop&) = default;
};

enum class PoolMode { fixed, dynamic, ondemand };

/// As it was written; what was left out follows from the rest (sized()).
struct Pool {
    std::optional<std::int64_t> size{}; // of a fixed one
    std::optional<PoolMode> mode{};
    std::optional<std::int64_t> min{}, max{}; // max 0: auto, as many as memory allows
    std::optional<std::int64_t> min_spare{}, max_spare{};
    std::optional<Duration> idle_timeout{};

    friend bool operator==(const Pool&, const Pool&) = default;

    /// With everything in its place.
    struct Sized {
        PoolMode mode = PoolMode::fixed;
        int min = 2, max = 2, min_spare = 0, max_spare = 0;
        Duration idle_timeout{0};
    };
    [[nodiscard]] Sized sized() const;
};

/// When a child is replaced by a fresh one; nothing: never for that reason.
struct Recycle {
    std::optional<std::int64_t> requests{};
    std::optional<Duration> age{}, idle{};
    std::optional<std::int64_t> rss{}, unshared{}; // bytes
    std::optional<std::int64_t> jitter{};          // percent; 20 if left out

    friend bool operator==(const Recycle&, const Recycle&) = default;
};

struct RequestTimeout {
    std::optional<Duration> soft{}, hard{};

    friend bool operator==(const RequestTimeout&, const RequestTimeout&) = default;
};

/// A folder of CGI scripts.
struct Cgi {
    std::string dir{};                          // absolute
    std::string mode = "registry";              // registry, perlrun, fork, exec
    std::map<std::string, std::string> modes{}; // glob of a script's path below the folder: its mode

    friend bool operator==(const Cgi&, const Cgi&) = default;
};

/// A number of children, or a part of them.
struct Share {
    std::int64_t value = 0;
    bool is_percent = false;

    /// Of so many; a percentage is rounded up.
    [[nodiscard]] int of(int count) const;
    friend bool operator==(const Share&, const Share&) = default;
};
/// "3", "25%"; nothing for anything else.
[[nodiscard]] std::optional<Share> parse_share(std::string_view text);
[[nodiscard]] std::string to_string(const Share& share);

/// What concerns the machines together.
struct Cluster {
    std::optional<Share> unavailable{}; // machines out of service at a time, for a rollout or for whatever reason

    /// Of so many: a percentage is rounded down, at least 1.
    [[nodiscard]] int allowed(int machines) const;
    friend bool operator==(const Cluster&, const Cluster&) = default;
};

/// One step of a roll: so many children of the new generation, or a pause.
struct RollStep {
    std::optional<Share> share{};
    std::optional<Duration> pause{}; // neither: until somebody promotes or aborts

    friend bool operator==(const RollStep&, const RollStep&) = default;
};
/// "1", "25%", "pause 1m", "pause"; nothing for anything else.
[[nodiscard]] std::optional<RollStep> parse_roll_step(std::string_view text);

enum class OnFailure { abort, rollback, freeze };

/// Is the new generation as good as the old one, on the same traffic? On when any of it is written.
struct Judge {
    std::optional<bool> on{};
    std::optional<std::int64_t> requests{}; // of the new one
    std::optional<Duration> span{};         // the longest that is waited for them
    std::optional<std::int64_t> skip_first{};

    [[nodiscard]] bool is_on() const { return on.value_or(requests || span || skip_first); }
    friend bool operator==(const Judge&, const Judge&) = default;
};

/// How a new generation replaces the old one. Of no meaning for processes that run: another one changes none of them.
struct Rolling {
    Share surge{100, true};      // children beyond the usual number while it goes on
    Share unavailable{0, false}; // …and below it
    int passes = 3;              // probes in a row
    Duration min_healthy{0};     // for which it must go on passing them
    Duration deadline{30'000};   // of the gate
    Judge judge{};
    OnFailure on_failure = OnFailure::abort;
    std::vector<std::string> steps{}; // each parses as a RollStep
    Duration keep{1'800'000};         // for which the old one sleeps; 0: it does not

    friend bool operator==(const Rolling&, const Rolling&) = default;
};

struct WorkerSpec {
    std::string name{}; // [a-z][a-z0-9_-]*, at most 32 characters
    Kind kind = Kind::static_files;
    std::vector<std::string> on{};     // machines that it runs on; none: the only one there is
    std::vector<Address> listen{};     // no two of a machine overlap; dynamic, none: routes lead to it (is_private);
                                       // without an IP address, of one on several machines: the port at each of theirs
    std::optional<Gateway> gateway{};  // dynamic
    std::string gateway_of{};          // of one that share_of made: the pool that it leads to
    std::string public_url{};          // what clients call it, as a contract::Origin; empty: by its listener
    std::string root{};                // absolute folder, the whole path of a request is appended
    std::vector<std::string> serves{}; // path prefixes that are files ("/static/"); static, empty: every path
    Environment env{};                 // added to the clean environment of the worker
    std::map<std::string, std::string>
        depends_on{};         // other workers, each "started" or "healthy" before this one is started
    Boxed<FrontSpec> front{}; // how files are handed out; all that an accelerator does
    // dynamic; exactly one of app and cgi.dir
    std::string app{}; // absolute path of a .psgi file
    Cgi cgi{};
    bool development = false;
    Pool pool{};
    Recycle recycle{};
    std::optional<std::int64_t> refork_after{}; // requests
    bool reshare = true;                        // memory that is as the master's again
    std::vector<std::string> warmup{};          // paths, maybe with a query
    RequestTimeout request_timeout{};
    std::optional<Duration> slow{};
    Health health{};
    Rolling rolling{};
    Restart restart{};
    Stop stop{};
    Hooks hooks{}; // called after those of the site

    /// A pool that accelerators alone reach, through a socket of the site's.
    [[nodiscard]] bool is_private() const noexcept { return listen.empty(); }
    friend bool operator==(const WorkerSpec&, const WorkerSpec&) = default;
};

/// When log files are moved away for new ones.
struct Logs {
    std::int64_t size = 100LL << 20; // bytes
    Duration age{86'400'000};
    int keep = 7; // that were moved away

    friend bool operator==(const Logs&, const Logs&) = default;
};

/// How much of what is measured the database keeps.
struct History {
    Duration raw{std::chrono::hours(48)};         // single samples
    Duration minute{std::chrono::hours(24 * 30)}; // sums by the minute
    std::int64_t max = 256 << 20;                 // bytes, of all of it

    friend bool operator==(const History&, const History&) = default;
};

struct Topology;

/// The topology that a share was made from, or nothing. Its copies are one in memory; compared by what it says.
class Whole {
public:
    Whole() = default;
    explicit Whole(Topology topology);

    [[nodiscard]] explicit operator bool() const noexcept { return topology_ != nullptr; }
    [[nodiscard]] const Topology& operator*() const noexcept { return *topology_; }
    [[nodiscard]] const Topology* operator->() const noexcept { return topology_.get(); }
    friend bool operator==(const Whole& one, const Whole& other);

private:
    std::shared_ptr<const Topology> topology_;
};

/// What a file says, or what one machine runs of it (share.h).
struct Topology {
    std::string site{}; // [a-z][a-z0-9_-]*, at most 32 characters: names folders and sockets
    Binaries binaries = Binaries::two;
    contract::Links::Mode links = contract::Links::Mode::off;
    Duration moved{30'000}; // for which addresses that nobody has any more are answered (moved.h)
    Logs logs{};
    History history{};
    Hooks hooks{}; // of every worker
    Cluster cluster{};
    Vip vip{};
    std::vector<Machine> machines{};   // at least one
    std::vector<WorkerSpec> workers{}; // at least one, in the order of the file; of a share those of its machine
    // Of a share alone:
    std::string here{};               // the name of its machine
    std::vector<WorkerSpec> others{}; // those of other machines, in the order of the file
    Whole whole{};

    friend bool operator==(const Topology&, const Topology&) = default;

    /// Nothing when there is no worker of that name.
    [[nodiscard]] const WorkerSpec* find(std::string_view worker) const noexcept;
};

/// "static", "dynamic", "accelerator"
[[nodiscard]] std::string_view to_string(Kind kind) noexcept;
/// "fixed", "dynamic", "ondemand"
[[nodiscard]] std::string_view to_string(PoolMode mode) noexcept;
/// "abort", "rollback", "freeze"
[[nodiscard]] std::string_view to_string(OnFailure what) noexcept;
/// "one", "two", "dso"
[[nodiscard]] std::string_view to_string(Binaries binaries) noexcept;

} // namespace mpsup::topology

// What supervisor and worker say to each other. The only part of worker/ that supervisor/ may include.
//
// Transport: one SOCK_SEQPACKET unix connection per worker process, one JSON object a packet, descriptors by
// SCM_RIGHTS (base/fd_passing.h). Nobody ever blocks in a send.
//
//   worker                                   supervisor
//     | -- hello ------------------------------> |   who I am; the kernel attests the pid (SO_PEERCRED)
//     | <------------------------------- go -----|   what to be, with the descriptors to be it; before this the
//     |                                          |   worker opens, loads and accepts nothing
//     | -- child_started (pidfd, scoreboard) --> |   pool masters only, for each child
//     | -- child_ready ------------------------> |
//     | -- ready (scoreboard) -----------------> |   answers on its private listener
//     | <---------------------------- serve -----|   passed its gate: accept on the public listeners too
//     | -- child_exited -----------------------> |   pool masters only; the replacement is already on its way
//     | -- child_slow, pool_wants, code_drift -> |   pool masters only: what happened in the pool
//     | <--------------------- resize, release --|   pool masters only
//     | <--------------------------- reopen -----|   log files were moved away: these are the new ones
//     | -- quarantined ----------------------> |   accelerators only: a request that kills its children
//     | <------------------------------ ask -----|   light workers only: what an operator wants of the cache, the routes, …
//     | -- answer -----------------------------> |
//     | <------------------------- backends -----|   accelerators only, of version 6 on: to whom nothing new is sent
//     | <---------------------------- drain -----|   accept nothing new, finish what runs, exit
//
// A child that was released by its master, or whose master died, says hello for itself (role child). `promote` makes it
// a pool master of the same generation: from then on it says and hears what a master does.
//
// End of stream before `go`: the worker exits. Later: it serves on, looks for a supervisor (search_interval), and says hello
// again to the one that answers: how far it has come (Stage), with its public listeners and its scoreboard. A pool master says
// child_started and child_ready of each child then, and code, size and clients are what they were.
//
// Versions: 1, the first; 2, pools that grow and shrink, limits, promotion; 3, workers that outlive their supervisor; 4,
// fronts, a cache's memory, questions; 5, impairment, links; 6, backends
// that are out, TLS towards backends. A message of a newer version may have keys that an older reader does not know and passes over.
#pragma once

#include "base/error.h"
#include "base/exit_status.h"
#include "worker/contract/front.h"
#include "worker/contract/links.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <variant>
#include <vector>

namespace mpsup::contract {

constexpr int version = 6;
constexpr int oldest_version = 2; // that a supervisor understands

/// Who a worker process is. Given on its command line, said again in `hello`.
struct Identity {
    std::string site;
    std::string worker; // its name in the topology
    std::uint64_t generation = 0;
    std::string uuid; // of this process; the supervisor made it up before it spawned
};

enum class Role {
    light,  // an event loop
    master, // of a pool
    child,  // of a pool whose master died, speaking for itself
};

/// How far a process has come when it says hello.
enum class Stage {
    fresh,    // it wants to be told what to be
    ready,    // it answers on its private listener
    serving,  // it was let in
    sleeping, // and keeps no children any more
    draining, // it was told to leave
};

enum class WorkerKind { static_files, dynamic, accelerator };

/// What the descriptors are that come with a message, in their order.
enum class FdRole {
    public_listener,  // what clients connect to; accepted on only after `serve`
    private_listener, // unix socket of this generation alone: probes and gates
    access_log,       // append-only
    scoreboard,       // in `hello` only
    output,           // append-only: what descriptors 1 and 2 lead to; in `reopen` only
    cache,            // a sealed memory file that outlives the processes which write to it; in `go` and `hello`
};

struct Hello {
    int contract = version;
    Role role = Role::light;
    Identity identity;
    pid_t pid = -1;
    std::uint64_t start_time = 0; // process_start_time of base/process_identity.h
    std::string build;            // build id of the binary, for people
    Stage stage = Stage::fresh;
    int wanted = 0;          // a pool master that is not fresh: the children that it has in mind
    std::vector<FdRole> fds; // fresh: none
};

/// How many children a pool has.
enum class PoolMode {
    fixed,    // always `max`
    dynamic,  // as many as it takes to keep min_spare to max_spare of them idle
    ondemand, // none while nobody asks
};

struct PoolSize {
    PoolMode mode = PoolMode::fixed;
    int min = 1; // never fewer
    int max = 1; // never more; 0: as many as memory allows
    int min_spare = 1;
    int max_spare = 1;
    std::chrono::milliseconds idle_timeout{60'000}; // ondemand: after which an idle child leaves

    friend bool operator==(const PoolSize&, const PoolSize&) = default;
};

/// When a child is replaced by a fresh one. 0: never for that reason.
struct Recycle {
    std::uint64_t requests = 0;
    std::uint64_t rss = 0;      // bytes, resident
    std::uint64_t unshared = 0; // bytes, private to the child
    std::chrono::milliseconds age{0};
    std::chrono::milliseconds idle{0};
    int jitter = 20;          // percent by which each limit differs from child to child, at most
    std::uint64_t refork = 0; // requests after which a child becomes the next pool master, once a master
    bool reshare = true;      // memory that holds again what the master's holds is shared again
};

/// How long a request may take. 0: no limit.
struct TimeLimits {
    std::chrono::milliseconds soft{0}; // then it dies in Perl
    std::chrono::milliseconds hard{0}; // then the child is killed, by itself
    std::chrono::milliseconds slow{0}; // then its stack is written down
};

/// What a pool runs.
struct ApplicationSource {
    std::string psgi;                                           // absolute path of a .psgi file; empty: CGI
    std::string cgi;                                            // absolute path of a folder of CGI scripts
    std::string cgi_mode;                                       // "registry", "perlrun", "fork", "exec"
    std::vector<std::pair<std::string, std::string>> cgi_modes; // glob of a script's path below the folder, its mode
    std::vector<std::string> warmup;                            // requested in the master before the first fork
    bool development = false;
};

struct Go {
    WorkerKind kind = WorkerKind::static_files;
    std::vector<FdRole> fds;
    std::chrono::milliseconds grace{30'000}; // to finish what runs when told to drain or left alone
    Front front;                             // static, accelerator
    Links links;                             // static, dynamic
    // dynamic
    Files files; // with a root: these paths are served from it, all others from the application
    ApplicationSource app;
    PoolSize pool;
    Recycle recycle;
    TimeLimits limits;
};

struct Ready {};

/// The process cannot become or stay what it should be and exits now. `reason` is for the operator, whole:
/// Perl's own message with file and line.
struct Failed {
    std::string reason;
};

struct ChildStarted {
    pid_t pid = -1;
    std::uint64_t start_time = 0;
}; // fds: its pidfd, its scoreboard

struct ChildReady {
    pid_t pid = -1;
};

struct ChildExited {
    pid_t pid = -1;
    ExitStatus status = ExitStatus::unknown();
    std::chrono::milliseconds ready_for{0}; // 0: it never was
    bool planned = false;                   // it was told to leave
    std::string reason{};                   // why, when its master knows
};

/// A request has been running for longer than `slow`: its stack is in the child's scoreboard.
struct ChildSlow {
    pid_t pid = -1;
};

/// The pool has a new size in mind.
struct PoolWants {
    int children = 0;
};

/// Files that were loaded have changed on the disk since.
struct CodeDrift {
    std::vector<std::string> files;
};

/// Of an accelerator: a request that killed one child after the other is answered 503 for a while. Method, host and path.
struct Quarantined {
    std::string request;
};

/// Of a light worker: it serves, but without something that it was told to have. What, and why.
struct Impaired {
    std::string what;
};

/// A child has served enough to be the next pool master, and is idle.
struct ReforkDue {
    pid_t pid = -1;
};

/// Said again: to the end of the queue for clients, behind other generations.
struct Serve {};

/// To a pool master. A fixed size of 0: it keeps no child and sleeps.
struct Resize {
    PoolSize pool;
};

/// To a pool master: let go of a child, which will speak for itself.
struct Release {
    pid_t pid = -1;
};

/// To a child that speaks for itself: be a pool master. Said again on its way there: of that size; to who forks
/// already, if that is more.
struct Promote {
    PoolSize pool;
    bool serve = true; // its generation takes requests
};

/// Log files have others in their place: access_log, output, or both. At any time after `go`.
struct Reopen {
    std::vector<FdRole> fds;
};

struct Drain {
    std::chrono::milliseconds grace{0};
};

/// To a light worker: JSON (questions.h). Answered in the order in which they came, each once.
struct Ask {
    std::uint64_t id = 0;
    std::string text{};
};

/// To an accelerator, again after each hello: backends at these addresses ("IP:PORT", as in its front) get nothing new, all
/// others do. What runs there finishes.
struct Backends {
    std::vector<std::string> out{};
};
constexpr int version_with_backends = 6;

/// At most max_answer_bytes.
struct Answer {
    std::uint64_t id = 0;
    std::string text{};
};
constexpr std::size_t max_answer_bytes = 24U << 10; // leaves room for JSON's escapes in one packet

using Message = std::variant<Hello, Go, Ready, Failed, ChildStarted, ChildReady, ChildExited, ChildSlow, PoolWants,
                             CodeDrift, Quarantined, Impaired, ReforkDue, Serve, Resize, Release, Promote, Reopen,
                             Drain, Ask, Answer, Backends>;

/// The packet of a message; never fails (a text that is too long is cut).
[[nodiscard]] std::string encode(const Message& message);

/// The message in a packet. Everything is untrusted: unknown types, missing or misplaced keys, numbers out of range
/// and trailing bytes are errors that name the key.
[[nodiscard]] Result<Message> decode(std::string_view packet);

} // namespace mpsup::contract

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
//     | <---------------------------- drain -----|   accept nothing new, finish what runs, exit
//
// End of stream before `go`: the worker exits. Later: it drains and exits within its grace.
//
// Versions: 1, the first.
#pragma once

#include "base/error.h"
#include "base/exit_status.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <variant>
#include <vector>

namespace mpsup::contract {

constexpr int version = 1;

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

struct Hello {
    int contract = version;
    Role role = Role::light;
    Identity identity;
    pid_t pid = -1;
    std::uint64_t start_time = 0; // process_start_time of base/process_identity.h
    std::string build;            // build id of the binary, for people
};

enum class WorkerKind { static_files, dynamic };

/// What the descriptors are that come with `go`, in their order.
enum class FdRole {
    public_listener,  // what clients connect to; accepted on only after `serve`
    private_listener, // unix socket of this generation alone: probes and gates
    access_log,       // append-only
};

struct Go {
    WorkerKind kind = WorkerKind::static_files;
    std::vector<FdRole> fds;
    std::chrono::milliseconds grace{30'000}; // to finish what runs when told to drain or left alone
    // static
    std::string root;                // absolute folder; the whole path of a request is appended
    std::vector<std::string> serves; // path prefixes it answers ("/static/"); empty: all
    // dynamic
    std::string app; // absolute path of a .psgi file
    int pool = 0;    // children wanted
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
};

struct Serve {};

struct Drain {
    std::chrono::milliseconds grace{0};
};

using Message = std::variant<Hello, Go, Ready, Failed, ChildStarted, ChildReady, ChildExited, Serve, Drain>;

/// The packet of a message; never fails (a text that is too long is cut).
[[nodiscard]] std::string encode(const Message& message);

/// The message in a packet. Everything is untrusted: unknown types, missing or misplaced keys, numbers out of range
/// and trailing bytes are errors that name the key.
[[nodiscard]] Result<Message> decode(std::string_view packet);

} // namespace mpsup::contract

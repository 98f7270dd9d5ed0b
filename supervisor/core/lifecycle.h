// The life cycle of a generation, as one pure transition function.
//
// A generation is a light worker's process, or a pool master and its children. Desired state is kept elsewhere
// (core::Worker); this is what a generation does next when something happens to it.
//
//             | hello   | ready   | passed  | admit   | sleep    | wake    | retire   | master_lost | adopted | lost | overdue
//   ----------+---------+---------+---------+---------+----------+---------+----------+-------------+---------+------+---------
//   launching | loading | -       | -       | -       | -        | -       | killing  | -           | -       | gone | killing
//             | send_go |         |         |         |          |         |  kill    |             |         |      |  kill
//   loading   | -       | gating  | -       | -       | -        | -       | killing  | killing     | -       | gone | killing
//             |         | open_gate         |         |          |         |  kill    |  kill       |         |      |  kill
//   gating    | -       | -       | standby | -       | -        | -       | draining | killing     | -       | gone | killing
//             |         |         |         |         |          |         |  drain   |  kill       |         |      |  kill
//   standby   | -       | -       | -       | serving | -        | -       | draining | killing     | -       | gone | -
//             |         |         |         |  serve  |          |         |  drain   |  kill       |         |      |
//   serving   | -       | -       | -       | -       | sleeping | -       | draining | orphaned    | -       | gone | -
//             |         |         |         |         |  sleep   |         |  drain   |             |         |      |
//   orphaned  | -       | -       | -       | -       | draining | -       | draining | -           | serving | gone | -
//             |         |         |         |         |  drain   |         |  drain   |             |         |      |
//   sleeping  | -       | -       | -       | -       | -        | serving | draining | draining    | -       | gone | draining
//             |         |         |         |         |          |  wake   |  drain   |  drain      |         |      |  drain
//   draining  | -       | -       | -       | -       | -        | -       | -        | -           | -       | gone | killing
//             |         |         |         |         |          |         |          |             |         |      |  kill
//   killing   | -       | -       | -       | -       | -        | -       | -        | -           | -       | gone | killing
//             |         |         |         |         |          |         |          |             |         |      |  kill again
//   gone      | nothing ever happens to it again
//
// "-": stays as it is and nothing is done. What interrupts what: `retire` interrupts everything before serving at
// once, for a process that has not finished loading has nothing to finish; only the kernel ends `killing`.
#pragma once

#include <string_view>

namespace mpsup::core {

enum class Phase {
    launching, // spawned; has not said hello
    loading,   // got its descriptors and loads the application
    gating,    // answers on its private listener and is being probed there
    standby,   // passed its gate; waits to be admitted
    serving,   // accepts what clients send
    orphaned,  // its master is dead; its children serve on
    sleeping,  // its master alone is left, for a rollback; its children finish what they serve
    draining,  // accepts nothing more, finishes what runs
    killing,   // was sent SIGKILL
    gone,      // no process of it is left
};

enum class Trigger {
    hello,       // its process identified itself on the contract socket
    ready,       // it says that it answers
    passed,      // it passed as many probes as its gate wants
    admit,       // the worker takes it in
    sleep,       // another generation has taken its place
    wake,        // and it takes it back
    retire,      // the worker wants it to leave
    master_lost, // its master is gone, children of it live
    adopted,     // a child of it has become its master
    lost,        // no process of it is left
    overdue,     // the deadline of its phase has passed
};

enum class Action { none, send_go, open_gate, send_serve, send_sleep, send_wake, send_drain, kill };

struct Transition {
    Phase next;
    Action action;
    friend bool operator==(const Transition&, const Transition&) = default;
};

/// Total: every pair has an answer. No clock, no effect.
[[nodiscard]] Transition transition(Phase phase, Trigger trigger) noexcept;

[[nodiscard]] std::string_view to_string(Phase phase) noexcept;

/// May processes of it exist?
[[nodiscard]] inline bool is_alive(Phase phase) noexcept { return phase != Phase::gone; }
/// On its way to serve, not there yet?
[[nodiscard]] bool is_coming(Phase phase) noexcept;
/// Do clients reach it?
[[nodiscard]] bool is_taking_requests(Phase phase) noexcept;

} // namespace mpsup::core

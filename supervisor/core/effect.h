// What the core wants done. The shell does it, and tells the core what came of it.
#pragma once

#include "base/exit_status.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <variant>
#include <vector>

namespace mpsup::core {

using GenerationNumber = std::uint64_t;

struct Spawn {
    GenerationNumber generation;
};
struct SendGo {
    GenerationNumber generation;
};
/// Begin probing its private listener, every 200 ms.
struct OpenGate {
    GenerationNumber generation;
};
struct SendServe {
    GenerationNumber generation;
};
/// Its master lets all its children go and keeps none.
struct SendSleep {
    GenerationNumber generation;
};
/// Its master has as many children again as it should.
struct SendWake {
    GenerationNumber generation;
};
struct SendDrain {
    GenerationNumber generation;
};
/// Its master lets go of a child, which is to be master itself.
struct ReleaseChild {
    GenerationNumber generation;
    pid_t pid;
};
/// A child that speaks for itself is told to be master, or, on its way there, of how many children.
struct PromoteChild {
    GenerationNumber generation;
    pid_t pid;
};
/// It is: the master before it, if there is one, and orphans that are left are told to go.
struct CrownChild {
    GenerationNumber generation;
    pid_t pid;
};
/// SIGKILL to every process of it.
struct Kill {
    GenerationNumber generation;
};

/// Something that happened, for the history and for whoever waits.
struct Note {
    enum class Kind {
        started,        // a generation was spawned
        ready,          // a generation serves
        child_started,  // of a pool
        child_ready,    //
        exited,         // a light process or a pool master is gone
        child_exited,   // a child of a pool is gone
        launch_failed,  // a generation that should have served did not get there
        gate_failed,    // …because it failed its probes
        draining,       // a generation was told to leave
        killed,         // a generation was sent SIGKILL
        backoff,        // waits before it is started again
        failed,         // given up
        health_changed, // the probes' verdict changed
        promoted,       // a child of a pool became its master
        slept,          // a generation was sent to sleep
        woken,          // and serves again
    };
    Kind kind;
    GenerationNumber generation = 0;
    pid_t pid = -1;
    std::optional<ExitStatus> status; // of what exited
    bool planned = false;             // it was told to go; of `started` and `launch_failed`: it was asked for
    std::string text;                 // why, for people
};

[[nodiscard]] std::string_view to_string(Note::Kind kind) noexcept;

using Effect = std::variant<Spawn, SendGo, OpenGate, SendServe, SendSleep, SendWake, SendDrain, ReleaseChild,
                            PromoteChild, CrownChild, Kill, Note>;
using Effects = std::vector<Effect>;

} // namespace mpsup::core

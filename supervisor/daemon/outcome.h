// How an operation ended.
#pragma once

#include <string>

namespace mpsup {

/// How an operation ended: an exit code of the command line (0 done, 1 failed, 2 asked wrongly, 6 the old one was kept, 7 the
/// new one had served and was taken back, 8 busy, 9 too late), and a sentence.
struct Outcome {
    static constexpr int failed = 1;
    static constexpr int old_kept = 6;
    static constexpr int taken_back = 7;
    static constexpr int busy = 8; // another change runs

    int code = 0;
    std::string text;
    bool is_unjudged = false; // done, and too little was asked of what is new to compare it
    bool is_idle = false;     // done, and there was nothing to do

    /// Has something new answered clients, though it may not any more?
    [[nodiscard]] bool has_served() const { return code == taken_back || (code == 0 && !is_idle); }
};

} // namespace mpsup

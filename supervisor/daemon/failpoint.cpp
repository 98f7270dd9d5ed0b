#include "supervisor/daemon/failpoint.h"

#include <charconv>
#include <csignal>
#include <cstdlib>
#include <string_view>
#include <unistd.h>

namespace mpsup {

namespace {

long steps_left() noexcept {
    const char* text = std::getenv("MPSUP_CRASH_AT");
    if (!text) return 0;
    const std::string_view digits = text;
    long steps = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), steps);
    return steps;
}

bool counts() noexcept {
    static const char* const file = std::getenv("MPSUP_CRASH_WHEN");
    return !file || ::access(file, F_OK) == 0;
}

} // namespace

void failpoint() noexcept {
    static long left = steps_left(); // 0: never
    if (left > 0 && counts() && --left == 0) (void)std::raise(SIGKILL);
}

} // namespace mpsup

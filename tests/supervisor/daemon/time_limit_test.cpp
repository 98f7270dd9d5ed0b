#include "supervisor/daemon/time_limit.h"

#include <gtest/gtest.h>

#include <csignal>

namespace mpsup {
namespace {

contract::ScoreboardSnapshot at(std::int64_t since_ms, std::int64_t deadline_ms) {
    contract::ScoreboardSnapshot board;
    board.request = contract::ScoreboardSnapshot::Request{"GET", "/report?x=1", since_ms, deadline_ms};
    return board;
}

const ExitStatus killed = ExitStatus::signalled(SIGKILL);

TEST(TimeLimitReason, SaysWhatRanAndForHowLong) {
    EXPECT_EQ(time_limit_reason(at(1000, 3520), killed, 3600),
              "request_timeout: GET /report?x=1 had been running for 2.5 s");
    EXPECT_EQ(time_limit_reason(at(1000, 1125), killed, 1125),
              "request_timeout: GET /report?x=1 had been running for 0.1 s");
}

TEST(TimeLimitReason, IsNoneBeforeTheDeadline) { EXPECT_EQ(time_limit_reason(at(1000, 3500), killed, 3499), ""); }

TEST(TimeLimitReason, IsNoneWithoutALimitOrARequest) {
    EXPECT_EQ(time_limit_reason(at(1000, 0), killed, 9000), "");
    EXPECT_EQ(time_limit_reason({}, killed, 9000), "");
}

TEST(TimeLimitReason, IsNoneForAnotherDeath) {
    for (const ExitStatus status : {ExitStatus::signalled(SIGSEGV), ExitStatus::exited(9), ExitStatus::unknown()})
        EXPECT_EQ(time_limit_reason(at(1000, 2000), status, 9000), "");
}

} // namespace
} // namespace mpsup

#include "supervisor/cli/live_table.h"

#include <gtest/gtest.h>

namespace mpsup::cli {
namespace {

LiveTable rolled(std::size_t height) {
    LiveTable table(height);
    table.take({"app", 1, 0, "serving"});
    table.take({"app", 1, 11, "draining"});
    table.take({"app", 1, 12, "gone"});
    table.take({"app", 2, 0, "gating"});
    table.take({"app", 2, 21, "started"});
    table.take({"app", 2, 22, "started"});
    table.take({"app", 2, 22, "ready"});
    return table;
}

TEST(LiveTable, IsEmptyBeforeAnyNews) { EXPECT_EQ(LiveTable(24).to_string(), ""); }

TEST(LiveTable, ShowsEachProcessAsItIsNow) {
    EXPECT_EQ(rolled(24).to_string(), "WORKER  GEN  PID  STAGE\n"
                                      "app     1    -    serving\n"
                                      "app     1    11   draining\n"
                                      "app     1    12   gone\n"
                                      "app     2    -    gating\n"
                                      "app     2    21   started\n"
                                      "app     2    22   ready\n");
}

TEST(LiveTable, CountsWhereTheTerminalIsTooLow) {
    EXPECT_EQ(rolled(11).to_string(), "WORKER  GEN  STAGE    CHILDREN\n"
                                      "app     1    serving  1 draining, 1 gone\n"
                                      "app     2    gating   1 started, 1 ready\n");
}

} // namespace
} // namespace mpsup::cli

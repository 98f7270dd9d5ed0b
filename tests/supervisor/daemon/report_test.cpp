#include "supervisor/daemon/report.h"

#include <gtest/gtest.h>

#include <vector>

namespace mpsup {
namespace {

using namespace std::chrono_literals;

class ProgressReportTest : public testing::Test {
protected:
    ProgressReportTest() : worker_(rules()) {}

    static core::WorkerRules rules() {
        core::WorkerRules rules;
        rules.is_pool = true;
        rules.pool = 1;
        return rules;
    }
    std::vector<std::string> news() {
        progress_.look("app", worker_, 1);
        return std::exchange(lines_, {});
    }

    using Lines = std::vector<std::string>;
    Lines lines_;
    core::Worker worker_;
    core::Time now_{1h};
    ProgressReport progress_{[this](const ReportLine& line) { lines_.push_back(line.text); }};
};

TEST_F(ProgressReportTest, FollowsAGenerationChildByChild) {
    EXPECT_EQ(news(), Lines{}) << "what never was is not gone";
    worker_.start(now_, false);
    EXPECT_EQ(news(), Lines{"app generation 1: launching"});
    EXPECT_EQ(news(), Lines{}) << "nothing is said twice";
    worker_.on_hello(1, now_);
    worker_.on_child_started(1, 7, 0, now_);
    EXPECT_EQ(news(), (Lines{"app generation 1: loading", "app generation 1, child 7: started"}));
    worker_.on_child_ready(1, 7, now_);
    EXPECT_EQ(news(), Lines{"app generation 1, child 7: ready"});
    worker_.on_ready(1, now_);
    for (int i = 0; i < 3; ++i) worker_.on_probe(1, true, {}, now_);
    EXPECT_EQ(news(), (Lines{"app generation 1: serving", "app generation 1, child 7: serving"}));
    worker_.stop(now_);
    EXPECT_EQ(news(), (Lines{"app generation 1: draining", "app generation 1, child 7: draining"}));
    worker_.on_child_exit(1, 7, ExitStatus::exited(0), true, {}, now_, 0.5);
    worker_.on_process_exit(1, 6, ExitStatus::exited(0), now_, 0.5);
    EXPECT_EQ(news(), (Lines{"app generation 1, child 7: gone", "app generation 1: gone"}));
}

TEST_F(ProgressReportTest, SaysNothingOfWhatIsTakenForGranted) {
    worker_.start(now_, false);
    progress_.take_for_granted(worker_, 1);
    EXPECT_EQ(news(), Lines{});
}

TEST_F(ProgressReportTest, SaysItInFieldsToo) {
    const ReportLine line("app", 3, 12, "ready");
    EXPECT_EQ(line.text, "app generation 3, child 12: ready");
    EXPECT_EQ(line.worker, "app");
    EXPECT_EQ(line.generation, 3U);
    EXPECT_EQ(line.pid, 12);
    EXPECT_EQ(line.stage, "ready");
    EXPECT_EQ(ReportLine("text").worker, "");
}

} // namespace
} // namespace mpsup

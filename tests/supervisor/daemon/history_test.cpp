#include "supervisor/daemon/history.h"

#include "state/fingerprint.h"

#include <gtest/gtest.h>

namespace mpsup {
namespace {

class SlowStore final : public state::Store {
public:
    void intend(const state::ProcessRow&, Done) override {}
    void started(const state::ProcessStart&) override {}
    void exited(const state::ProcessExit&) override {}
    void event(const state::EventRow& row) override { events.push_back(row); }
    void topology(const state::TopologyRow&) override {}
    void worker(const state::WorkerRow&) override {}
    void sample(const state::HealthSample&) override {}
    void sample(const state::ProcessSample&) override {}
    void slow(const state::SlowRow& row) override { rows.push_back(row); }
    state::StoreStatus status() const override { return {}; }
    bool flush(std::chrono::milliseconds) override { return true; }

    std::vector<state::SlowRow> rows;
    std::vector<state::EventRow> events;
};

class HistoryTest : public testing::Test {
protected:
    SlowStore store_;
    History history_{store_};
};

TEST_F(HistoryTest, ASlowRequestHasTheFingerprintOfItsStack) {
    const std::vector<std::string> frames{"/a.pm:3 A::b", "/a.psgi:1 main::__ANON__"};
    history_.slow("app", 3, 77, {"GET", "/report", 1500, frames});
    ASSERT_EQ(store_.rows.size(), 1U);
    const state::SlowRow& row = store_.rows[0];
    EXPECT_EQ(row.worker, "app");
    EXPECT_EQ(row.generation, 3U);
    EXPECT_EQ(row.pid, 77);
    EXPECT_EQ(row.method, "GET");
    EXPECT_EQ(row.uri, "/report");
    EXPECT_EQ(row.age_ms, 1500);
    EXPECT_EQ(row.frames, frames);
    EXPECT_EQ(row.fingerprint, state::fingerprint_of(frames));
}

TEST_F(HistoryTest, ThoseAtTheSamePlaceHaveTheSame) {
    history_.slow("app", 3, 77, {"GET", "/1", 1500, {"/a.pm:3 A::b"}});
    history_.slow("app", 4, 78, {"GET", "/2", 9000, {"/a.pm:9 A::b"}});
    history_.slow("app", 4, 78, {"GET", "/2", 9000, {"/a.pm:9 A::c"}});
    EXPECT_EQ(store_.rows[0].fingerprint, store_.rows[1].fingerprint) << "another line of the same sub";
    EXPECT_NE(store_.rows[0].fingerprint, store_.rows[2].fingerprint);
}

} // namespace
} // namespace mpsup

#include "supervisor/daemon/cluster_asks.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace mpsup {
namespace {

namespace asio = boost::asio;

class ClusterAsksTest : public testing::Test {
protected:
    cluster::AskId begin() {
        return asks_.begin([this](const ReportLine& line) { said_.push_back(line.text); });
    }
    // Somebody waits for the end of it.
    void wait_for(cluster::AskId ask) {
        asio::co_spawn(context_, asks_.end_of(ask), [this](const std::exception_ptr& thrown, Outcome outcome) {
            EXPECT_FALSE(thrown);
            ends_.push_back(std::to_string(outcome.code) + " " + outcome.text);
        });
        go_on();
    }
    void go_on() {
        context_.restart();
        context_.poll();
    }

    using Lines = std::vector<std::string>;
    asio::io_context context_;
    ClusterAsks asks_{context_.get_executor()};
    Lines said_, ends_;
};

TEST_F(ClusterAsksTest, HearWhatIsSaidUntilTheyHaveTheirEnd) {
    const cluster::AskId one = begin(), other = begin();
    wait_for(one);
    wait_for(other);
    asks_.tell({one, "app1 is rolled", std::nullopt});
    asks_.tell_all("web1: ready");
    asks_.tell({one, "done", 0});
    asks_.tell_all("web1: serving");
    go_on();
    EXPECT_EQ(said_, (Lines{"app1 is rolled", "web1: ready", "web1: ready", "web1: serving"}));
    EXPECT_EQ(ends_, (Lines{"0 done"}));
    asks_.tell({other, "refused", 8});
    asks_.tell({one, "nobody waits for it", 1});
    go_on();
    EXPECT_EQ(ends_, (Lines{"0 done", "8 refused"}));
}

TEST_F(ClusterAsksTest, EndWithTheSupervisor) {
    const cluster::AskId ask = begin();
    wait_for(ask);
    asks_.close();
    go_on();
    wait_for(begin());
    EXPECT_EQ(ends_, (Lines{"1 the supervisor ends", "1 the supervisor ends"}));
}

} // namespace
} // namespace mpsup

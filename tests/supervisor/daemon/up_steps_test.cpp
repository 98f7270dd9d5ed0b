#include "supervisor/daemon/up_steps.h"

#include <gtest/gtest.h>

namespace mpsup {
namespace {

topology::WorkerSpec worker(const std::string& name, std::uint16_t port) {
    topology::WorkerSpec spec{.name = name, .kind = topology::Kind::dynamic};
    spec.listen = {{"127.0.0.1", port}};
    return spec;
}

std::string text(const std::vector<UpStep>& steps) {
    std::string all;
    for (const UpStep& step : steps)
        all += step.verb + " " + step.object + (step.why.empty() ? "" : " (" + step.why + ")") + "\n";
    return all;
}

TEST(UpSteps, OfASiteThatIsDownStartAllInTheOrderOfTheirDependencies) {
    topology::Topology wanted{.site = "s", .workers = {worker("a", 1), worker("b", 2)}};
    wanted.workers[0].depends_on = {{"b", "healthy"}};
    EXPECT_EQ(text(steps_of_up({}, wanted)), "listen 127.0.0.1:1 (of a)\nlisten 127.0.0.1:2 (of b)\nstart b\nstart a\n"
                                             "serve b\nserve a\n");
}

TEST(UpSteps, OpenBeforeTheyStartAndCloseAtTheEnd) {
    topology::Topology before{.site = "s", .workers = {worker("a", 1), worker("b", 2), worker("c", 4), worker("d", 5)}};
    topology::Topology wanted{.site = "s", .workers = {worker("a", 1), worker("c", 3), worker("e", 5)}};
    wanted.workers[0].pool.size = 9;
    wanted.workers[1].env = {{"A", {"b"}}};
    const auto steps = text(steps_of_up(before, wanted));
    EXPECT_TRUE(steps.starts_with("listen 127.0.0.1:3 (of c)\n")) << steps;
    EXPECT_TRUE(steps.contains("replace c (listen, env")) << steps;
    EXPECT_TRUE(steps.contains("serve c\nserve e\n") && steps.contains("drain c\nstop d\nstop b\n")) << steps;
    EXPECT_TRUE(steps.ends_with("close 127.0.0.1:2 (of b)\nclose 127.0.0.1:4 (of c)\n")) << steps;
}

TEST(UpSteps, OfThoseOnTrialComeFirst) {
    topology::Topology before{.site = "s", .workers = {worker("a", 1), worker("b", 2)}};
    topology::Topology wanted = before;
    wanted.workers[0].env["A"].text = "b";
    wanted.workers[1].env["A"].text = "b";
    wanted.workers[1].rolling.steps = {"1", "pause 1m", "100%"};
    const auto steps = text(steps_of_up(before, wanted));
    EXPECT_TRUE(steps.ends_with("serve b\ndrain b\nserve a\ndrain a\n")) << steps;
    wanted.workers[1].listen = {{"127.0.0.1", 3}};
    const auto moved = text(steps_of_up(before, wanted));
    EXPECT_TRUE(moved.contains("serve a\nserve b\ndrain a\ndrain b\n"))
        << "there is nothing to compare it with: " << moved;
}

TEST(UpSteps, TryNobodyWhoSendsClientsToWhoSendsThemBack) {
    topology::Topology before{
        .site = "s", .links = contract::Links::Mode::redirect, .workers = {worker("docs", 1), worker("app", 2)}};
    before.workers[0].kind = topology::Kind::static_files;
    before.workers[0].serves = {"/static/"};
    before.workers[1].rolling.steps = {"50%", "pause 20s"};
    topology::Topology wanted = before;
    wanted.workers[0].serves = {"/static/", "/files/"};
    const auto gains = text(steps_of_up(before, wanted));
    EXPECT_TRUE(gains.ends_with("serve docs\ndrain docs\nserve app\ndrain app\n")) << gains;
    const auto loses = text(steps_of_up(wanted, before));
    EXPECT_TRUE(loses.ends_with("serve app\ndrain app\nserve docs\ndrain docs\n")) << loses;
}

TEST(UpSteps, CloseNoAddressThatAnotherOneStandsFor) {
    topology::Topology before{.site = "s", .workers = {worker("a", 1)}};
    topology::Topology wanted = before;
    wanted.workers[0].listen = {{"0.0.0.0", 1}};
    const auto steps = text(steps_of_up(before, wanted));
    EXPECT_TRUE(steps.starts_with("listen 0.0.0.0:1 (of a)\n")) << steps;
    EXPECT_TRUE(steps.ends_with("drain a\n")) << steps;
    const auto back = text(steps_of_up(wanted, before));
    EXPECT_TRUE(back.starts_with("listen 127.0.0.1:1 (of a)\n")) << back;
    EXPECT_TRUE(back.ends_with("close 0.0.0.0:1 (of a)\n")) << back;
}

TEST(UpSteps, ReplaceWhoIsToldSomethingElseOfLinks) {
    topology::Topology before{.site = "s", .workers = {worker("a", 1), worker("b", 2), worker("c", 3)}};
    before.workers[0].kind = topology::Kind::static_files;
    before.workers[2].kind = topology::Kind::accelerator;
    topology::Topology wanted = before;
    wanted.links = contract::Links::Mode::redirect;
    const auto steps = text(steps_of_up(before, wanted));
    EXPECT_TRUE(steps.contains("replace a (links") && steps.contains("replace b (links")) << steps;
    EXPECT_FALSE(steps.contains("replace c")) << steps;
    wanted.workers[1].pool.size = 9;
    EXPECT_TRUE(text(steps_of_up(before, wanted)).contains("replace b (pool.size, links")) << "another size is not all";
    before = wanted;
    wanted.workers[0].serves = {"/x/"};
    EXPECT_TRUE(text(steps_of_up(before, wanted)).contains("replace b (links"));
}

TEST(UpSteps, ReplaceApplicationsThatAreToldOfAnotherServer) {
    topology::Topology before{.site = "s", .workers = {worker("a", 1), worker("b", 2), worker("c", 3)}};
    before.workers[0].kind = before.workers[2].kind = topology::Kind::static_files;
    topology::Topology wanted = before;
    wanted.workers.pop_back();
    EXPECT_FALSE(text(steps_of_up(before, wanted)).contains("replace")) << "it said nothing of its paths";
    before.workers[2].serves = {"/img/"};
    const auto steps = text(steps_of_up(before, wanted));
    EXPECT_TRUE(steps.contains("replace b (links")) << steps;
    EXPECT_FALSE(steps.contains("replace a")) << "files need not know: " << steps;
}

TEST(UpSteps, OfAnotherSizeStartNobody) {
    topology::Topology before{.site = "s", .workers = {worker("a", 1)}};
    topology::Topology wanted = before;
    EXPECT_TRUE(steps_of_up(before, wanted).empty());
    wanted.workers[0].pool.size = 9;
    EXPECT_EQ(text(steps_of_up(before, wanted)), "adjust a (pool.size)\n");
}

} // namespace
} // namespace mpsup

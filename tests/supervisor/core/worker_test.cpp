#include "tests/supervisor/core/worker_fixture.h"

namespace mpsup::core {
namespace {

using namespace std::chrono_literals;

TEST_F(WorkerTest, IsStoppedUntilSomebodyWantsIt) {
    EXPECT_EQ(worker_.state(), WorkerState::stopped);
    EXPECT_FALSE(worker_.next_deadline());
}

TEST_F(WorkerTest, ServesOnceItIsReadyAndPassedItsGate) {
    const auto n = worker_.start(now_, false);
    EXPECT_EQ(worker_.state(), WorkerState::starting);
    say_hello(n);
    be_ready(n);
    EXPECT_EQ(worker_.state(), WorkerState::starting) << "ready is not serving";
    EXPECT_EQ(count<SendServe>(), 0);
    pass_gate(n);
    EXPECT_EQ(worker_.state(), WorkerState::ready);
    EXPECT_EQ(count<SendServe>(), 1);
}

TEST_F(WorkerTest, BeginsTheGateAnewWhenAProbeFails) {
    const auto n = worker_.start(now_, false);
    say_hello(n);
    be_ready(n);
    worker_.on_probe(n, true, "", now_);
    worker_.on_probe(n, true, "", now_);
    worker_.on_probe(n, false, "answered 500", now_);
    worker_.on_probe(n, true, "", now_);
    EXPECT_EQ(worker_.state(), WorkerState::starting);
}

TEST_F(WorkerTest, StartsOneGenerationHoweverOftenItIsAsked) {
    worker_.start(now_, false);
    worker_.start(now_, false);
    EXPECT_EQ(count<Spawn>(), 1);
}

TEST_F(WorkerTest, ReplacesADeadLightProcessAtOnce) {
    const auto n = serve_light();
    pass(10s);
    die(n);
    EXPECT_EQ(count<Spawn>(), 2);
    EXPECT_EQ(worker_.crashes(), 1);
    EXPECT_EQ(last_note(Note::Kind::exited)->status->signal(), SIGKILL);
}

TEST_F(WorkerTest, DoesNotMakeClientsWaitForProbesWhenNobodyServes) {
    const auto n = serve_light();
    pass(10s);
    die(n);
    say_hello(n + 1);
    be_ready(n + 1);
    EXPECT_EQ(worker_.serving(), n + 1);
}

TEST_F(WorkerTest, BacksOffWhenItKeepsDying) {
    auto n = serve_light();
    pass(10s);
    die(n);
    say_hello(++n);
    be_ready(n);
    die(n); // it was not ready for a second
    EXPECT_EQ(worker_.state(), WorkerState::backoff);
    pass(1500ms);
    EXPECT_EQ(worker_.state(), WorkerState::starting);
}

TEST_F(WorkerTest, GivesUpAfterItsBudgetAndSaysWhy) {
    auto n = serve_light();
    for (int i = 0; i < 5; ++i) {
        die(n);
        pass(5s);
        say_hello(++n);
        be_ready(n);
    }
    EXPECT_EQ(worker_.state(), WorkerState::failed);
    const Note* note = last_note(Note::Kind::failed);
    ASSERT_TRUE(note);
    EXPECT_NE(note->text.find("given up after 5 deaths"), std::string::npos);
    EXPECT_NE(note->text.find("signal 9"), std::string::npos);
    pass(10min);
    EXPECT_EQ(worker_.state(), WorkerState::failed);
}

TEST_F(WorkerTest, TriesAgainWhenSomebodyAsksAfterItWasGivenUp) {
    auto n = serve_light();
    for (int i = 0; i < 5; ++i) {
        die(n);
        pass(5s);
        say_hello(++n);
        be_ready(n);
    }
    worker_.start(now_, false);
    EXPECT_EQ(worker_.state(), WorkerState::starting);
}

TEST_F(WorkerTest, KillsWhatSaysNothingAfterItWasStarted) {
    worker_.start(now_, false);
    pass(11s);
    EXPECT_EQ(count<Kill>(), 1);
}

TEST_F(WorkerTest, KillsAgainWhatIsStillThere) {
    worker_.start(now_, false);
    pass(11s);
    pass(2s);
    EXPECT_EQ(count<Kill>(), 2);
}

TEST_F(WorkerTest, GivesANewGenerationTimeForItsGateAndNoMore) {
    const auto old = serve_light();
    const auto n = worker_.prepare(now_);
    say_hello(n);
    be_ready(n);
    worker_.on_probe(n, false, "GET /: answered 500", now_);
    pass(31s);
    EXPECT_EQ(count<Kill>(), 1);
    die(n);
    EXPECT_EQ(worker_.progress(n), Progress::did_not_make_it);
    EXPECT_NE(worker_.trouble(n).find("answered 500"), std::string::npos);
    EXPECT_EQ(worker_.serving(), old);
}

TEST_F(WorkerTest, StopsWithoutStartingAnythingAgain) {
    const auto n = serve_light();
    worker_.stop(now_);
    EXPECT_EQ(worker_.state(), WorkerState::draining);
    die(n, ExitStatus::exited(0));
    EXPECT_EQ(worker_.state(), WorkerState::stopped);
    EXPECT_EQ(count<Spawn>(), 1);
    EXPECT_FALSE(worker_.next_deadline());
}

TEST_F(WorkerTest, IgnoresNewsOfGenerationsItDoesNotKnow) {
    const auto n = serve_light();
    worker_.on_hello(77, now_);
    worker_.on_ready(77, now_);
    worker_.on_probe(77, false, "x", now_);
    die(77);
    child_dies(77, 5);
    EXPECT_EQ(worker_.serving(), n);
    EXPECT_EQ(worker_.state(), WorkerState::ready);
}

TEST_F(WorkerTest, NeverUsesANumberTwice) {
    worker_.continue_after(41);
    EXPECT_EQ(worker_.start(now_, false), 42U);
}

TEST_F(WorkerTest, TriesAgainWhenASpawnFails) {
    const auto n = serve_light();
    pass(10s);
    die(n);
    worker_.on_spawn_failed(n + 1, "fork: Resource temporarily unavailable", now_, 0.5);
    EXPECT_EQ(worker_.state(), WorkerState::backoff);
    pass(2s);
    EXPECT_EQ(count<Spawn>(), 3);
}

TEST_F(WorkerTest, IsTriedAgainAfterAReset) {
    WorkerRules rules;
    rules.restart.burst = 2;
    rules.restart.backoff = 1h;
    make(rules);
    die(serve_light());
    die(worker_.generations().back().number);
    EXPECT_EQ(worker_.state(), WorkerState::failed);
    const int before = count<Spawn>();
    worker_.reset(now_);
    EXPECT_EQ(worker_.state(), WorkerState::starting);
    EXPECT_EQ(count<Spawn>(), before + 1);
    die(worker_.generations().back().number);
    EXPECT_NE(worker_.state(), WorkerState::failed) << "the deaths of before are forgotten";
    worker_.reset(now_);
    EXPECT_EQ(worker_.state(), WorkerState::starting) << "and so is the back-off";
    worker_.stop(now_);
    worker_.reset(now_);
    EXPECT_NE(worker_.state(), WorkerState::starting) << "what should not run is not started";
}

TEST_F(WorkerTest, KillsNobodyForAPauseOfTheMachine) {
    const auto n = worker_.start(now_, false);
    const auto before = worker_.next_deadline();
    worker_.on_pause(1h);
    now_ += 1h;
    pass(5s);
    EXPECT_EQ(count<Kill>(), 0);
    EXPECT_EQ(*worker_.next_deadline(), *before + 1h);
    say_hello(n);
    pass(6s);
    EXPECT_EQ(count<Kill>(), 0) << "a later phase has its own";
}

} // namespace
} // namespace mpsup::core

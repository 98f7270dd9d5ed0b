#include "worker/perl/engine.h"

#include "tests/worker/perl/perl_host.h"

namespace mpsup::perl {
namespace {

// The soft limit, as the clock of a request passes it on.
class EngineTest : public PerlTest {
protected:
    void interrupt_while_it_runs() {
        reply_.while_it_runs = [this] { engine_.interrupt(); };
    }
};

TEST_F(EngineTest, AnInterruptEndsPerlCodeAsRunOutOfTime) {
    load("sub { $_[0]{'psgix.informational'}->(103, []); 1 while 1 }");
    interrupt_while_it_runs();
    const auto outcome = ask();
    EXPECT_FALSE(outcome.started);
    EXPECT_EQ(outcome.status, 503);
    EXPECT_TRUE(outcome.error.contains("request_timeout")) << outcome.error;
}

TEST_F(EngineTest, AnInterruptNeedsNoSignalsOfTheApplications) {
    load("sub { local @SIG{keys %SIG} = ('IGNORE') x keys %SIG; $_[0]{'psgix.informational'}->(103, []); 1 while 1 }");
    interrupt_while_it_runs();
    EXPECT_EQ(ask().status, 503);
}

TEST_F(EngineTest, AnInterruptThatIsCaughtLetsTheApplicationAnswer) {
    load("sub { my $env = shift; eval { $env->{'psgix.informational'}->(103, []); 1 while 1 }; [200, [], ['late']] }");
    interrupt_while_it_runs();
    const auto outcome = ask();
    EXPECT_TRUE(outcome.whole);
    EXPECT_EQ(reply_.body, "late");
}

TEST_F(EngineTest, AnInterruptBetweenRequestsComesToNothing) {
    load("sub { my $n = 0; ++$n for 1 .. 1000; [200, [], [$n]] }");
    engine_.interrupt();
    EXPECT_TRUE(ask().whole);
    EXPECT_EQ(reply_.body, "1000");
}

TEST_F(EngineTest, CleanupHandlersDecideWhetherTheProcessEnds) {
    load(
        "sub { my $env = shift; push @{ $env->{'psgix.cleanup.handlers'} }, sub { $_[0]{'psgix.harakiri.commit'} = 1 } "
        "if $env->{PATH_INFO} eq '/end'; [200, [], []] }");
    ask("/end");
    EXPECT_TRUE(leaves_);
    ask("/");
    EXPECT_FALSE(leaves_);
}

TEST_F(EngineTest, HooksRunInTheirOrderWhateverOneDoes) {
    load("our @seen; Mpsup->pre_exit(sub { push @seen, 1 }); Mpsup->pre_exit(sub { die qq{no luck\\n} }); "
         "Mpsup::pre_exit(sub { push @seen, 3 }); sub { [200, [], [@seen]] }");
    testing::internal::CaptureStderr();
    engine_.run_hook(Hook::pre_exit);
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "mpsup: pre_exit: no luck\n");
    ask();
    EXPECT_EQ(reply_.body, "13");
}

TEST_F(EngineTest, KnowsTheFilesThatWereLoaded) {
    const std::string module = write("Loaded.pm", "package Loaded; 1;\n");
    load("require '" + module + "'; sub { [200, [], []] }");
    const auto files = engine_.loaded_files();
    for (const std::string& file : {module, folder_ + "/app.psgi"})
        EXPECT_NE(std::ranges::find(files, file), files.end()) << file;
}

} // namespace
} // namespace mpsup::perl

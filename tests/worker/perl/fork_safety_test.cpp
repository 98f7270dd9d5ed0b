#include "base/listener.h"
#include "tests/worker/perl/perl_host.h"

#include <sys/socket.h>

namespace mpsup::perl {
namespace {

class ForkSafetyTest : public PerlTest {
protected:
    void SetUp() override {
        PerlTest::SetUp();
        listener_ = listen_unix(folder_ + "/socket", SOCK_STREAM, 0600).value();
    }
    // Code that connects to a socket of ours.
    std::string connect(const std::string& variable) const {
        return "use IO::Socket::UNIX; our $" + variable + " = IO::Socket::UNIX->new(Peer => '" + folder_ +
               "/socket') or die;\n";
    }
    Fd listener_;
};

TEST_F(ForkSafetyTest, AnApplicationThatOpensNothingIsNotComplainedOf) {
    EXPECT_EQ(load("use IO::Socket::UNIX; sub { [200, [], []] }"), "");
}

TEST_F(ForkSafetyTest, NamesASocketAndTheLineThatAskedForItsModule) {
    write("Opens.pm", "package Opens;\n" + connect("socket") + "1;\n");
    const std::string said = load("\nrequire '" + folder_ + "/Opens.pm'; sub { [200, [], []] }");
    EXPECT_TRUE(said.contains("not safe to fork with: a socket (descriptor ")) << said;
    EXPECT_TRUE(said.contains("to " + folder_ + "/socket), made while loading " + folder_ + "/Opens.pm (asked for at " +
                              folder_ + "/app.psgi line 2)"))
        << said;
}

TEST_F(ForkSafetyTest, TheInnermostFileIsToBlame) {
    write("Inner.pm", "package Inner;\n" + connect("socket") + "1;\n");
    write("Outer.pm", "package Outer;\nrequire '" + folder_ + "/Inner.pm';\n1;\n");
    const std::string said = load("require '" + folder_ + "/Outer.pm'; sub { [200, [], []] }");
    EXPECT_TRUE(said.contains("while loading " + folder_ + "/Inner.pm (asked for at " + folder_ + "/Outer.pm line 2)"))
        << said;
    EXPECT_FALSE(said.contains("while loading " + folder_ + "/Outer.pm")) << said;
}

TEST_F(ForkSafetyTest, OfTheApplicationItselfTheFileIsNamed) {
    const std::string said = load(connect("of_the_application") + "sub { [200, [], []] }");
    EXPECT_TRUE(said.contains("made while loading " + folder_ + "/app.psgi")) << said;
}

TEST_F(ForkSafetyTest, WhatWasClosedAgainIsNoConcern) {
    EXPECT_EQ(load("{ " + connect("closed") + " close $closed } sub { [200, [], []] }"), "");
}

TEST_F(ForkSafetyTest, AnApplicationThatDiesWhileItLoadsIsAnError) {
    ApplicationPlan plan;
    plan.psgi = write("bad.psgi", "use strict;\nsub { $undeclared }\n");
    const auto loaded = engine_.load(plan);
    ASSERT_FALSE(loaded);
    EXPECT_TRUE(loaded.error().what.contains("bad.psgi line 2")) << loaded.error().what;
}

} // namespace
} // namespace mpsup::perl

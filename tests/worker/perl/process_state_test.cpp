#include "tests/worker/perl/perl_host.h"

#include <sys/stat.h>

namespace mpsup::perl {
namespace {

// A request does something to its process; the next one finds it as the first did.
class ProcessStateTest : public PerlTest {
protected:
    // What `expression` is before and after a request that runs `change`.
    void leaves_no_trace(const std::string& change, const std::string& expression) {
        load("use strict; use warnings; use POSIX (); use Cwd ();\n"
             "sub { my $env = shift; my $text = join '|', map { defined ? $_ : 'undef' } (" +
             expression + ");\n if ($env->{PATH_INFO} eq '/change') {\n" + change +
             "\n; $text = join '|', map { defined ? $_ : 'undef' } (" + expression +
             ") }\n { local ($/, $\\, $,) = (\"\\n\"); [200, [], [$text]] } }\n");
        ask("/");
        const std::string before = reply_.body;
        const auto outcome = ask("/change");
        EXPECT_EQ(outcome.error, "");
        EXPECT_NE(reply_.body, before) << "it did change: " << change;
        ask("/");
        EXPECT_EQ(reply_.body, before) << change;
    }
};

TEST_F(ProcessStateTest, WorkingDirectory) { leaves_no_trace("chdir '/'", "Cwd::getcwd()"); }

TEST_F(ProcessStateTest, Umask) { leaves_no_trace("umask 0123", "umask"); }

TEST_F(ProcessStateTest, Separators) {
    leaves_no_trace("$/ = 'x'", "$/");
    leaves_no_trace("$/ = \\1024", "ref $/");
    leaves_no_trace("$\\ = 'x'", "$\\");
    leaves_no_trace("$, = 'x'", "$,");
}

TEST_F(ProcessStateTest, BufferingOfTheSelectedHandle) { leaves_no_trace("$| = 1", "$|"); }

TEST_F(ProcessStateTest, SelectedHandle) { leaves_no_trace("select STDERR", "select()"); }

TEST_F(ProcessStateTest, Alarm) {
    leaves_no_trace("alarm 1000", "do { my $left = alarm 0; alarm $left; $left ? 'set' : 'none' }");
}

TEST_F(ProcessStateTest, ClosedDescriptors) {
    leaves_no_trace("close STDOUT", "defined fileno STDOUT ? 'open' : 'closed'");
    leaves_no_trace("POSIX::close(1)", "-e '/proc/self/fd/1' ? 'open' : 'closed'");
    leaves_no_trace("open STDOUT, '>', '/dev/null'",
                    "readlink('/proc/self/fd/1') eq '/dev/null' ? 'nothing' : 'as it was'");
}

TEST_F(ProcessStateTest, Locale) {
    leaves_no_trace("my $other = POSIX::setlocale(POSIX::LC_TIME()) eq 'C' ? 'C.UTF-8' : 'C'; "
                    "POSIX::setlocale(POSIX::LC_TIME(), $other) or die",
                    "POSIX::setlocale(POSIX::LC_TIME())");
}

TEST_F(ProcessStateTest, Signals) {
    leaves_no_trace("$SIG{TERM} = 'IGNORE'", "$SIG{TERM} // 'none'");
    leaves_no_trace("$SIG{PIPE} = 'DEFAULT'", "$SIG{PIPE} // 'none'");
}

TEST_F(ProcessStateTest, WhatAPostForkHookDoesIsWhereRequestsBegin) {
    const mode_t before = ::umask(0);
    ::umask(before);
    load("Mpsup->post_fork(sub { umask 0077 }); sub { my $now = umask; umask 0 if $_[0]{PATH_INFO} eq '/change'; [200, "
         "[], [$now]] }");
    engine_.run_hook(Hook::post_fork);
    ask("/change");
    EXPECT_EQ(reply_.body, "63");
    ask("/");
    EXPECT_EQ(reply_.body, "63");
    ::umask(before);
}

} // namespace
} // namespace mpsup::perl

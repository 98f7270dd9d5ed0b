#include "tests/worker/perl/perl_host.h"

#include <sstream>

namespace mpsup::perl {
namespace {

// An application looks at its own stack where it calls here().
class PerlStackTest : public PerlTest {
protected:
    std::vector<std::string> stack_of(const std::string& code, std::size_t space = 4096) {
        load("package main; our $env; sub here { $env->{'psgix.informational'}->(103, []) }\n" + code +
             "\nsub { $env = shift; work(); [200, [], []] }\n");
        std::vector<std::string> frames;
        reply_.while_it_runs = [&] {
            std::string text(space, '\0');
            text.resize(engine_.copy_stack(text));
            std::istringstream lines(text);
            for (std::string line; std::getline(lines, line);) frames.push_back(shortened(line));
        };
        const auto outcome = ask();
        EXPECT_EQ(outcome.error, "");
        return frames;
    }
    // Without the folder and the package.
    std::string shortened(std::string line) const {
        if (line.starts_with(folder_)) line.erase(0, folder_.size() + 1);
        const auto space = line.rfind(' ');
        const auto colons = line.rfind("::");
        if (space != std::string::npos && colons != std::string::npos && colons > space)
            line.erase(space + 1, colons + 2 - (space + 1));
        return line;
    }
    using Frames = std::vector<std::string>;
};

TEST_F(PerlStackTest, IsFromTheInnermostOutwards) {
    const auto frames = stack_of("sub inner { here() }\nsub work {\n  inner();\n}");
    EXPECT_EQ(frames, (Frames{"app.psgi:1 here", "app.psgi:2 inner", "app.psgi:4 work", "app.psgi:6 __ANON__"}));
}

TEST_F(PerlStackTest, NamesThePackage) {
    load("package Shop::Cart; our $env; sub add { $env->{'psgix.informational'}->(103, []) }\n"
         "sub { $env = shift; Shop::Cart::add(); [200, [], []] }\n");
    std::string text(200, '\0');
    reply_.while_it_runs = [&] { text.resize(engine_.copy_stack(text)); };
    ask();
    EXPECT_TRUE(text.contains("app.psgi:1 Shop::Cart::add\n")) << text;
}

TEST_F(PerlStackTest, LooksThroughSortMapAndEval) {
    EXPECT_EQ(stack_of("sub work {\n my @s = sort { here(); 0 } 2, 1 }")[1], "app.psgi:3 work");
    EXPECT_EQ(stack_of("sub work {\n my @s = map { here() } 1 }")[1], "app.psgi:3 work");
    EXPECT_EQ(stack_of("sub work {\n eval { eval { here(); 1 } } }")[1], "app.psgi:3 work");
    EXPECT_EQ(stack_of("sub work {\n eval qq{#line 7 \"made.pl\"\\nhere(); 1} }")[1], "made.pl:7 work");
}

TEST_F(PerlStackTest, LooksThroughRegularExpressionsOnce) {
    const auto frames = stack_of("sub work {\n 'a' =~ /a(?{ here() })/ }");
    EXPECT_EQ(frames, (Frames{"app.psgi:1 here", "app.psgi:3 work", "app.psgi:4 __ANON__"}));
}

TEST_F(PerlStackTest, ShowsDestructorsOverloadsTiesAndSignals) {
    EXPECT_EQ(stack_of("package Held { sub DESTROY { main::here2() } } sub main::here2 { here() }\n"
                       "sub work { { my $o = bless {}, 'Held' } }")[2],
              "app.psgi:2 DESTROY");
    EXPECT_EQ(stack_of("package Text { use overload '\"\"' => sub { main::here3(); 'x' } } sub main::here3 { here() }\n"
                       "sub work { my $s = '' . bless {}, 'Text' }")
                  .size(),
              5U);
    EXPECT_EQ(stack_of("sub work { local $SIG{USR1} = sub { here() };\n kill 'USR1', $$; my $x = 1; }")[1],
              "app.psgi:2 __ANON__");
}

TEST_F(PerlStackTest, OfADeepRecursionIsItsInnermostPart) {
    const auto frames =
        stack_of("sub deep { my $n = shift; $n ? deep($n - 1) : here() }\nsub work { deep(5000) }", 1 << 16);
    EXPECT_EQ(frames.size(), 64U);
    EXPECT_EQ(frames.back(), "app.psgi:2 deep");
}

TEST_F(PerlStackTest, HoldsWholeLinesOnly) {
    const auto frames = stack_of("sub inner { here() }\nsub work { inner() }", folder_.size() * 2 + 52);
    EXPECT_EQ(frames, (Frames{"app.psgi:1 here", "app.psgi:2 inner"}));
    EXPECT_TRUE(stack_of("sub work { here() }", 5).empty());
}

TEST_F(PerlStackTest, IsEmptyWhileNoSubRuns) {
    load("sub { [200, [], []] }");
    std::string text(200, '\0');
    EXPECT_EQ(engine_.copy_stack(text), 0U);
}

} // namespace
} // namespace mpsup::perl

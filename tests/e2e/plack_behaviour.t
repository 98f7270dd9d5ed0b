# Suites that are written on Plack::Test run over our server as they stand, and nothing fails there that does not fail on
# Starman. Each file of plack/ is such a suite: PLACK_TEST_IMPL=Server PLACK_SERVER=Mpsup prove tests/e2e/plack
use strict;
use warnings;
use File::Basename qw(dirname basename);
use Mpsup::Test qw(build_dir);
use Test::More;

my $perl5 = build_dir() . '/perl5';
plan skip_all => 'Plack::Handler::Mpsup is not built' if !-e "$perl5/Plack/Handler/Mpsup.pm";
plan skip_all => "Plack::Test cannot be loaded: $@" if !eval { require Plack::Test; require Plack::Test::Server; 1 };
my $has_starman = eval { require Plack::Handler::Starman; 1 };
$ENV{PERL5LIB} = join ':', $perl5, grep { defined } $ENV{PERL5LIB};
$ENV{PLACK_TEST_IMPL} = 'Server';
delete @ENV{qw(PLACK_ENV MPSUP_WORKERS)};

# Assertions of a suite by number and name, those of subtests too: true when passed. And how it ended.
sub run_suite {
    my ($file, $server) = @_;
    local $ENV{PLACK_SERVER} = $server;
    my @lines = `$^X $file 2>/dev/null </dev/null`;
    my ($code, %passed, @subtests) = ($? >> 8);
    for my $line (@lines) {
        push @subtests, $1 if $line =~ /\A# Subtest: (.*)/;
        my ($space, $not, $name) = $line =~ /\A( *)(not )?ok (\d+.*)/ or next;
        my $key = ($space ? "$#subtests $subtests[-1]: " : '') . $name =~ s/\A(\d+)(?: - )?//r . " ($1)";
        $passed{$key} = !$not;
    }
    return ($code, \%passed);
}

for my $file (sort glob dirname(__FILE__) . '/plack/*.t') {
    my ($code, $ours) = run_suite($file, 'Mpsup');
    my @failed = grep { !$ours->{$_} } sort keys %$ours;
    my $name = basename($file);
    note "$name: ", scalar(keys %$ours), ' assertions, ', scalar(@failed), ' failed';
    cmp_ok scalar(keys %$ours), '>', 20, "$name runs";
    if ($has_starman) {
        my ($starman_code, $theirs) = run_suite($file, 'Starman');
        my @only_ours = grep { $theirs->{$_} // 1 } @failed;
        is join("\n", @only_ours), '', '  and nothing fails that does not fail on Starman';
        ok $code == 0 || @failed, '  and comes to its end';
        note "fails on Starman only: $_" for grep { !$theirs->{$_} && $ours->{$_} } sort keys %$theirs;
    }
    else {
        is join("\n", @failed), '', '  and nothing fails';
        is $code, 0, '  and comes to its end';
    }
}

subtest "Plack's own suite for servers" => sub {
    plan skip_all => "Plack::Test::Suite cannot be loaded: $@" if !eval { require Plack::Test::Suite; require Plack::LWPish; 1 };
    my @lines = `$^X -MTest::More -MPlack::Test::Suite -e 'Plack::Test::Suite->run_server_tests("Mpsup"); done_testing' 2>&1`;
    is $? >> 8, 0, 'passes';
    is join('', grep { /^not ok/ } @lines), '', '  whole';
    cmp_ok scalar(grep { /^ok/ } @lines), '>=', 101, '  all 101 assertions';
};

done_testing;

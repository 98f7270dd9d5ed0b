# The supervisor dies at its n-th step of up, restart, up with a changed file and down, for n = 1, 2, … until the run completes. After
# each death the next supervisor brings the site to exactly what is wanted, and clients that were served are served on.
use strict;
use warnings;
use Mpsup::Test qw(new_site free_port request wait_until read_file);
use Test::More;
use Time::HiRes qw(time);

my $site = new_site();
my ($files, $pages) = (free_port(), free_port());
$site->write('app.psgi', q{sub { [200, ['Content-Type' => 'text/plain'], ["$$\n"]] }});
mkdir $site->dir . '/root';
$site->write('root/a.txt', "a\n");

sub topology {
    my ($name, $colour) = @_;
    return $site->topology(<<"YAML", $name);
  docs: {kind: static, listen: "127.0.0.1:$files", root: root, env: {COLOUR: $colour}, stop: {grace: 2s}}
  app: {kind: dynamic, listen: "127.0.0.1:$pages", app: app.psgi, pool: 2, env: {COLOUR: $colour}, stop: {grace: 2s}}
YAML
}
my ($blue, $green) = (topology('blue.yaml', 'blue'), topology('green.yaml', 'green'));

# Every process of this site that lives: what belongs to it says so on its command line.
sub alive {
    my %pids;
    for my $file (glob '/proc/[0-9]*/cmdline') {
        my ($pid) = $file =~ /(\d+)/;
        next if read_file($file) !~ m{\Q$site->{state}\E} || read_file("/proc/$pid/stat") =~ /\) [ZX] /;
        $pids{$pid} = 1 if (readlink "/proc/$pid/exe" // '') =~ m{/mpsup};
    }
    return \%pids;
}

# A supervisor that has said that all is down may still be on its way out.
sub left {
    eval { wait_until(3, 'nobody is left', sub { !%{ alive() } }) };
    return alive();
}

# Who is left, and what was said last.
sub told {
    return join "\n", (map { "$_ " . (read_file("/proc/$_/cmdline") =~ tr/\0/ /r) . ' ' . (split ' ', read_file("/proc/$_/stat"))[2] } keys %{ alive() }),
        (split /^/, read_file("$site->{state}/test/log/supervisor.log"))[-25 .. -1];
}

sub known {
    my $status = $site->status;
    return {map { $_ => 1 } $status->{supervisor}{pid}, map { $_->{pid} } map { @{ $_->{processes} } } @{ $status->{workers} }};
}

# As wanted: both workers ready, whole, in one generation beside one that sleeps at most, and no process beside those that status knows.
sub is_converged {
    my ($why) = @_;
    my $last = '';
    my $done = eval {
        wait_until(20, 'converged', sub {
            my ($docs, $app) = map { $site->worker($_) } qw(docs app);
            my @awake = grep { $_->{phase} ne 'sleeping' } @{ $app->{processes} };
            my %generations = map { $_->{generation} => 1 } @awake;
            my ($alive, $known) = (alive(), known());
            $last = join ' ', $docs->{state}, $app->{state}, scalar @{ $docs->{processes} }, scalar @{ $app->{processes} },
                'alive:', sort(keys %$alive), 'known:', sort keys %$known;
            return $docs->{state} eq 'ready' && $app->{state} eq 'ready' && @{ $docs->{processes} } == 1
                && @awake == 3 && @{ $app->{processes} } <= 4 && keys %generations == 1 && eq_hash($alive, $known);
        });
    };
    return ok $done, $why if $done;
    diag $last, "\n", read_file("$site->{state}/test/log/supervisor.log");
    return fail $why;
}

my @verbs = (['up', $blue], ['restart'], ['up', $green], ['down']);
my $steps = 0;
my $began = time;
my $stride = shift // 1;
my $first  = 1 + (localtime)[7] % $stride; # others each day
for (my $n = $first; ; $n += $stride) {
    my ($completed, $died_in) = (0);
    {
        local $ENV{MPSUP_CRASH_AT} = $n;
        my ($code) = $site->mpsup('up', $blue); # its supervisor is the one that dies
        $died_in = 'up' if $code != 0;
        for my $verb (@verbs[1 .. $#verbs]) {
            last if $died_in;
            delete local $ENV{MPSUP_CRASH_AT}; # or a supervisor that `down` starts would die as well
            my ($socket) = grep { -S } "$site->{state}/run/test/control/socket";
            ($code) = $site->mpsup(@$verb);
            $died_in = "@$verb" if $code != 0;
        }
        $completed = !$died_in;
    }
    if ($completed) {
        is_deeply left(), {}, "step $n is not reached: the run completes, and nothing is left" or diag told();
        last;
    }
    $steps = $n;
    my $served = $died_in ne 'up' && $died_in ne 'down' ? request($files, '/a.txt')->{status} == 200 && request($pages, '/')->{status} == 200 : 1;
    ok $served, "step $n, in $died_in: what served serves on" if $died_in ne 'up' && $died_in ne 'down';
    eval { $site->must("up", $green); 1 } or die $@, read_file("$site->{state}/test/log/supervisor.log");
    is_converged("step $n, in $died_in: exactly what is wanted runs afterwards") or last;
    ok request($files, '/a.txt')->{status} == 200 && request($pages, '/')->{status} == 200, '  and serves';
    $site->must('down');
    is_deeply left(), {}, '  and down leaves nothing' or last;
    last if $n > 300;
}
cmp_ok $steps, '>', 30, sprintf '%d steps in %.0f s', $steps, time - $began;

done_testing;

# A supervisor of two dies at its n-th step of a change, for n = 1, 2, … until the change completes: the one that leads it, and the other,
# of an `up`, of one that fails and is taken back, and of a restart. After each death the next supervisor is started: the change ends one
# way, history tells which, both machines run the same, and no request fails, for both machines live. Argument: every which step, others each
# day (1: all of them); with MPSUP_STEPS that many deaths at most of each.
use strict;
use warnings;
use Mpsup::Cluster;
use JSON::PP    qw(decode_json);
use Mpsup::Load qw(application start_load);
use Mpsup::Test qw(wait_until);
use POSIX       ();
use Test::More;
use Time::HiRes qw(time);

plan skip_all => Mpsup::Cluster::reason() if Mpsup::Cluster::reason();

my $cluster = Mpsup::Cluster->new(machines => [qw(web1 app1)]);
my $files   = $cluster->files;
$files->write('app.psgi', application());
$files->write('bad.psgi', "use Sys::Hostname; die 'not here' if hostname() eq 'web1';\n" . application()); # web1 is the last

my $number = 0;

sub next_topology {
    my ($app) = @_;
    ++$number;
    return $cluster->topology(<<"YAML", name => "site-$number.yaml");
  front: {kind: accelerator, on: web1, listen: 8080, routes: [{path: /, to: app, cache: off}]}
  app: {kind: dynamic, on: [web1, app1], app: $app, gateway: 8081, pool: 1, env: {NUMBER: "$number"}, stop: {grace: 2s}}
YAML
}

my @verbs = (
    ['up',                sub { ('up', next_topology('app.psgi')) }, qw(done)],
    ['an up that fails',  sub { ('up', next_topology('bad.psgi')) }, qw(rolled_back failed)],
    ['restart',           sub { ('restart') },                       qw(done failed)],
);

sub is_dead { my ($name) = @_; return waitpid($cluster->pid($name), POSIX::WNOHANG()) == $cluster->pid($name) }

my $armed = $files->dir . '/armed';

# Its next supervisor, which dies at that step from when it is armed.
sub start {
    my ($name, $step) = @_;
    unlink $armed;
    local @ENV{qw(MPSUP_CRASH_AT MPSUP_CRASH_WHEN)} = ($step, $armed);
    $cluster->start_supervisor($name);
    $cluster->wait_for_supervisor($name);
    $cluster->wait_for_state($name, 'connected');
    return;
}

# What a machine tells of what happened: how the change ended, and verdicts of its own part.
sub told_by {
    my ($name, $change) = @_;
    my ($code, $out, $err) = $cluster->on($name)->mpsup('history', '-n', 1000, '-o', 'json');
    my $told = eval { decode_json($out) } // die "history: $code $out $err";
    my ($applied) = $change->{kind} eq 'up' ? grep { $_->{number} == $change->{to}{number} } @{ $told->{topologies} }
                                            : grep { $_->{at_ms} == $change->{at} } @{ $told->{changes} };
    return ($applied ? $applied->{outcome} // 'running' : 'unknown', map { $_->{verdict} } grep { $_->{type} eq 'rollout' } @{ $told->{history} });
}

# True: it died on the way.
sub dies_at {
    my ($name, $step, $what, $command, @ends) = @_;
    my $case = "$what, $name dies at step $step";
    $cluster->end($name, 'KILL');
    start($name, $step); # the others have none to die at
    $cluster->wait_converged(20);
    $files->write('armed', '');
    my $before = ($cluster->change // {id => ''})->{id};
    my $wanted = $cluster->wanted;
    my $finish = $cluster->begin('web1', $command->(), '--timeout', '60s');
    my $died;
    wait_until(60, "$case: over, or dead", sub { ($died = is_dead($name)) || $finish->('has ended') });
    unlink $armed;
    $died ||= !eval { $cluster->seen_by($name) } && wait_until(5, "$case: dead", sub { is_dead($name) }); # at the last moment
    $cluster->end($name, 'KILL') if !$died;
    start($name, 0);
    my $change = wait_until(40, "$case: it has an end", sub {
        $finish->('has ended') or return;
        my $now = $cluster->change;
        return $now->{phase} =~ /checking|rolling|undoing/ ? undef : $now;
    });
    my $began = $change->{id} ne $before; # it may die before it wrote anything
    ok !$began || scalar(grep { $_ eq $change->{phase} } @ends), "$case: it ended one way, " . ($began ? $change->{phase} : 'which is not to begin')
        or diag explain($change), $finish->();
    ok eval { $cluster->wait_converged(30) }, '  both machines run what is wanted' or diag $@;
    is_deeply [map { ($cluster->machine($_) // {})->{digest} } $cluster->names], [($cluster->key('wanted')->{digest}) x 2], '  which is one thing';
    if ($what ne 'restart') { is $cluster->wanted != $wanted, $change->{phase} eq 'done' && $began, '  the new topology if it is done, else the old one' }
    for my $machine ($cluster->names) {
        my ($outcome, @verdicts);
        my $knows = sub { ($outcome, @verdicts) = told_by($machine, $change); return !grep { $_ eq 'running' } $outcome, @verdicts };
        ok eval { wait_until(10, 'history knows', $knows) }, "  history of $machine says that all has ended";
        is $outcome, $change->{phase}, '  and how';
    }
    return $died;
}

$cluster->supervise;
is +($cluster->on('web1')->mpsup('up', next_topology('app.psgi'), '--timeout', '60s'))[0], 0, 'it is up';
my $stride = shift // 1;
my $most   = $ENV{MPSUP_STEPS} // 1000;
for my $verb (@verbs) {
    for my $name (qw(web1 app1)) {
        my $load  = start_load(address => '10.9.0.1', port => 8080, keep_alive => 2, one_shot => 1, pause => 0.05);
        my $began = time;
        my $count = 0;
        for (my $step = 1 + (localtime)[7] % $stride; $count < $most; $step += $stride) {
            dies_at($name, $step, @$verb) or last;
            ++$count;
        }
        my $sum = $load->();
        is $sum->{failed}, 0, sprintf('%s, %s: %d deaths in %.0f s, %d requests', $verb->[0], $name, $count, time - $began, $sum->{requests})
            or diag join "\n", @{ $sum->{failures} };
        cmp_ok $count, '>', 0, '  it died at all';
    }
}

done_testing;

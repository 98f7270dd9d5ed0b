# A site on three machines: brought up, restarted, changed and refused from any of them; machines that are drained, cordoned, gone,
# and come back. Clients check each answer all the while.
use strict;
use warnings;
use Mpsup::Cluster;
use IO::Socket::INET;
use JSON::PP    qw(decode_json);
use Mpsup::Load qw(application start_load);
use Mpsup::Test qw(request wait_until);
use Test::More;
use Time::HiRes qw(time);

plan skip_all => Mpsup::Cluster::reason() if Mpsup::Cluster::reason();

my $cluster = Mpsup::Cluster->new(machines => [qw(web1 app1 app2)]);
my $files   = $cluster->files;
mkdir $files->dir . "/$_" for 'root', 'root/static';
$files->write('root/static/a.css', "a {}\n");
my $go = $files->dir . '/go'; # what is held is let go when it is there
$files->write('app.psgi', application() =~ s{my \$env = shift;\K}{ if (\$env->{PATH_INFO} eq '/held') { select undef, undef, undef, 0.05 while !-e '$go' }}r);

sub workers {
    my (%app) = (app => 'app.psgi', pool => 2, gateway => 8081, %{ $_[0] // {} });
    my $keys = join ', ', map { "$_: $app{$_}" } sort keys %app;
    return <<"YAML";
  front:
    kind: accelerator
    on: web1
    listen: 8080
    eject: {for: 1s}
    routes:
      - {path: /static/, root: root}
      - {path: /, to: app, cache: off}
  app: {kind: dynamic, on: [app1, app2], $keys}
YAML
}

sub get { my ($path) = @_; return eval { request(8080, $path, address => '10.9.0.1') } }

sub load { return start_load(address => '10.9.0.1', port => 8080, keep_alive => 4, one_shot => 2, pause => 0.01) }

sub nothing_failed {
    my ($finish, $what) = @_;
    my $sum = $finish->();
    is $sum->{failed}, 0, "none of $sum->{requests} requests failed $what" or diag join "\n", @{ $sum->{failures} };
    cmp_ok $sum->{requests}, '>', 20, '  and clients were served';
    note sprintf '%d requests, the longest took %.0f ms', $sum->{requests}, $sum->{longest} * 1000;
    return $sum;
}

# While a verb runs: how the machines of the change stood, each state once.
sub watch_change {
    my (@command) = @_;
    my $finish = $cluster->begin(@command);
    my @seen;
    while (1) {
        my $is_over = $finish->('has ended'); # before the last look
        my $parts  = ($cluster->change // {})->{parts} // {};
        my $states = join ' ', map { "$_ $parts->{$_}" } sort keys %$parts;
        push @seen, $states if !@seen || $seen[-1] ne $states;
        last if $is_over;
        select undef, undef, undef, 0.005;
    }
    return ([$finish->()], \@seen);
}

$cluster->supervise;
is $cluster->wanted, 0, 'nothing runs yet';
for my $case (['restart', 'nosuch'], ['rollback', 'app', '--machine', 'app1']) {
    my ($code, $out, $err) = $cluster->on('web1')->mpsup(@$case);
    is $code, 2, "@$case" or diag $out;
    like $err, qr/this machine has no topology of the cluster yet that would know $case->[1]/, '  where no names are known';
}
is_deeply [$cluster->on('web1')->mpsup('restart')], [1, '', "mpsup: nothing runs yet: `mpsup up FILE` first\n"], 'nor is anything restarted';

subtest 'up' => sub {
    my ($code, $out, $err) = $cluster->on('app2')->mpsup('up', $cluster->topology(workers()), '--timeout', '60s');
    is $code, 0, 'on any of them, for all' or diag $out, $err, map { $cluster->log($_) } $cluster->names;
    like $out, qr{^front +http://10\.9\.0\.1:8080/? +web1$}m, 'with where clients come in, on whichever machine';
    unlike $out, qr/8081/, 'and no gateway';
    ok $cluster->wait_converged(10), 'all run it';
    is get('/static/a.css')->{body}, "a {}\n", 'a file';
    my %machines = map { get('/')->{headers}{'x-machine'} => 1 } 1 .. 20;
    is_deeply [sort keys %machines], [qw(app1 app2)], 'and pages, of both machines';
};

subtest 'status' => sub {
    for my $name ($cluster->names) {
        my $status = decode_json(($cluster->on($name)->mpsup('status', '-o', 'json'))[1]);
        is_deeply [sort map { $_->{name} } @{ $status->{machines} }], [qw(app1 app2 web1)], "on $name it names all machines";
    }
    my ($code, $out) = $cluster->on('web1')->mpsup('status');
    is $code, 0, 'all is well';
    like $out, qr/\b$_\b/, "$_ is in the table" for qw(web1 app1 app2 front app);
    unlike +($cluster->on('web1')->mpsup('status', '--machine', 'app1'))[1], qr/front/, 'and --machine narrows it';
};

subtest 'restart' => sub {
    my $finish = load();
    my ($result, $seen) = watch_change('app1', 'restart', '--timeout', '60s');
    is $result->[0], 0, 'it is done' or diag @$result;
    nothing_failed($finish, 'while all were restarted');
    is_deeply [grep { 1 < (() = /granted/g) } @$seen], [], 'one machine after the other';
    is_deeply [grep { /app. (?:waiting|granted).*web1 (?:granted|done)/ } @$seen], [], 'that with the accelerator last';
    like $seen->[-1], qr/app1 done app2 done web1 done/, 'and all of them';
    note join "\n", @$seen;
};

subtest 'a topology that one machine cannot run' => sub {
    my $wanted = $cluster->wanted;
    my $busy = $cluster->network->start('app2', '/dev/null', $^X, '-MIO::Socket::INET', '-e',
        'my $l = IO::Socket::INET->new(LocalAddr => "10.9.0.3", LocalPort => 8085, Listen => 1) or die; sleep 100');
    wait_until(5, 'the port is taken', sub { IO::Socket::INET->new(PeerAddr => '10.9.0.3', PeerPort => 8085) });
    my ($code, $out, $err) = $cluster->on('web1')->mpsup('up', $cluster->topology(workers({gateway => 8085})), '--timeout', '60s');
    is $code, 6, 'is refused';
    is $cluster->change->{phase}, 'refused', 'before anything of it is brought up';
    like "$out$err", qr/app2.*8085/s, 'where the command was typed, with the machine and the reason' or diag $out, $err;
    is $cluster->wanted, $wanted, 'and nothing has changed';
    kill 'KILL', $busy;
    waitpid $busy, 0;
};

subtest 'a topology that fails on a machine' => sub {
    my $wanted = $cluster->key('wanted')->{digest};
    $files->write('bad.psgi', "use Sys::Hostname; die 'not here' if hostname() eq 'app2';\n" . application());
    my $finish = load();
    my ($code, $out, $err) = $cluster->on('web1')->mpsup('up', $cluster->topology(workers({app => 'bad.psgi'})), '--timeout', '60s');
    nothing_failed($finish, 'while it was tried and taken back');
    is $code, 7, 'is taken back, after app1 had served it' or diag $out, $err;
    like "$out$err", qr/app2/, 'with the machine';
    is $cluster->key('wanted')->{digest}, $wanted, 'what ran before is wanted';
    ok $cluster->wait_converged(10), 'and runs, everywhere';
};

subtest 'a topology that fails where nothing of it had served' => sub {
    my $with = sub { $cluster->topology(workers() . "  more: {kind: dynamic, on: app2, app: $_[0], listen: 8089}\n") };
    $cluster->on('web1')->must('up', $with->('app.psgi'), '--timeout', '60s');
    my ($code, $out, $err) = $cluster->on('web1')->mpsup('up', $with->('bad.psgi'), '--timeout', '60s');
    is $code, 6, 'is kept from serving: app1 has nothing of it' or diag $out, $err;
    ok $cluster->wait_converged(10), 'what ran before runs';
};

subtest 'one worker alone' => sub {
    my ($code, $out, $err) = $cluster->on('web1')->mpsup('restart', 'app');
    is $code, 0, 'is restarted where it is' or diag $out, $err;
    ($code, $out, $err) = $cluster->on('app1')->mpsup('restart', 'nosuch');
    is $code, 2, 'one that no machine has is refused';
    like "$out$err", qr/no worker nosuch; there is .*\bapp\b/, 'and what there is is said';
    ($code, $out, $err) = $cluster->on('web1')->mpsup('restart', 'app-gateway');
    is $code, 0, 'a gateway is restarted from where there is none' or diag $out, $err;
};

# By machine.
sub generations { my $name = shift // 'app'; return {map { $_->{machine} => $_->{generation} } grep { $_->{name} eq $name } @{ decode_json(($cluster->on('web1')->mpsup('status', '-o', 'json'))[1])->{workers} }} }

subtest 'one machine alone' => sub {
    my $before = generations();
    my ($code, $out, $err) = $cluster->on('web1')->mpsup('restart', 'app', '--machine', 'app2');
    is $code, 0, 'is restarted' or diag $out, $err;
    is_deeply generations(), {%$before, app2 => $before->{app2} + 1}, 'and no other';
    is +($cluster->on('web1')->mpsup('restart', '--machine', 'web1', '--machine', 'app1'))[0], 0, 'or two of three';
    is_deeply generations(), {app1 => $before->{app1} + 1, app2 => $before->{app2} + 1}, 'and not the third';
    $before = generations('app-gateway');
    ($code, $out, $err) = $cluster->on('app1')->mpsup('restart', 'app-gateway', '--machine', 'app2');
    is $code, 0, 'a gateway of another machine' or diag $out, $err;
    is_deeply generations('app-gateway'), {%$before, app2 => $before->{app2} + 1}, 'and no other';
    my $keep = sub { $cluster->on('web1')->must('up', $cluster->topology(workers({app => $_[0], rolling => '{keep: 10m}'})), '--timeout', '60s') };
    $files->write('newer.psgi', application() =~ s/'X-Machine' => \Khostname\(\)/hostname() . ' newer'/r);
    $keep->('app.psgi');
    $keep->('newer.psgi');
    $before = generations();
    ($code, $out, $err) = $cluster->on('web1')->mpsup('rollback', 'app', '--machine', 'app1');
    is $code, 0, 'is rolled back' or diag $out, $err;
    is_deeply generations(), {%$before, app1 => $before->{app1} - 1}, 'and no other';
    my $is_apart = sub { my %seen = map { get('/')->{headers}{'x-machine'} => 1 } 1 .. 20; return join(', ', sort keys %seen) eq 'app1, app2 newer' };
    ok $is_apart->(), 'app1 answers as before, app2 does not';
    $cluster->end('app1', 'KILL');
    $cluster->supervise('app1');
    ok $cluster->wait_converged(20), 'and it is the same for its next supervisor';
    ok $is_apart->(), 'which serves the same';
    like +($cluster->on('app1')->mpsup('plan', $cluster->topology(workers({app => 'newer.psgi', rolling => '{keep: 10m}'})), '--machine', 'app1'))[1], qr/replace +app \(app\)/, 'and knows what is other than the topology';
    $cluster->wait_for_state('app1', 'connected'); # and knows who may ask it
    my $newer = $cluster->topology(workers({app => 'newer.psgi', rolling => '{keep: 10m}'}));
    my $plan  = decode_json(($cluster->on('web1')->mpsup('plan', $newer, '-o', 'json'))[1]);
    is_deeply $plan->{steps}, [], 'elsewhere it is planned as if all ran that';
    is_deeply [map { $_->{machine} } @{ $plan->{notes} }], ['app1'], 'and said who does not';
    like +($cluster->on('web1')->mpsup('plan', $newer))[1],
        qr/^app1: nothing changes\n +\(runs a worker of another topology, as after `rollback WORKER`; these steps begin with topology \d+\)$/m, 'in the table too';
    $cluster->on('web1')->must('restart', 'app', '--machine', 'app1', '--timeout', '60s');
    ok $is_apart->(), 'a restart is of what runs';
    for my $case ([['restart', '--machine', 'app7'], qr/there is no machine app7; there is .*app1/],
                  [['restart', 'app', '--machine', 'web1'], qr/app is on app1, app2, not on web1/],
                  [['restart', 'app-gateway', '--machine', 'web1'], qr/app-gateway is on app1, app2, not on web1/],
                  [['rollback', '--machine', 'app1'], qr/all machines run one topology; .*mpsup rollback WORKER --machine app1/]) {
        ($code, $out, $err) = $cluster->on('app2')->mpsup(@{ $case->[0] });
        is $code, 2, "@{ $case->[0] }";
        like $err, $case->[1], '  and why' or diag $out;
    }
    my $file = $cluster->topology(workers({pool => 2}));
    like +($cluster->on('web1')->mpsup('plan', $file))[1], qr/^app1:.*^app2:/ms, 'plan is about all';
    ($code, $out) = $cluster->on('web1')->mpsup('plan', $file, '--machine', 'app2');
    is $code, 0, 'or of one';
    like $out, qr/^app2:\n/, 'that one';
    unlike $out, qr/app1|web1/, 'alone';
    is +($cluster->on('web1')->mpsup('plan', $file, '--machine', 'app7'))[0], 2, 'which there is';
    ($code, $out) = $cluster->on('app1')->mpsup('links', 'check', '--machine', 'web1');
    is $code, 0, 'the pages of one' or diag $out;
    ($code, $out, $err) = $cluster->on('app1')->mpsup('links', 'check', '--machine', 'app1');
    is $code, 2, 'one that clients do not ask';
    like $err, qr/no worker of app1 listens where a client could ask/, 'has none';
    ($code, $out, $err) = $cluster->on('app1')->mpsup('links', 'check', '--machine', 'web1', '--start', 'http://10.9.0.2:8081/');
    is $code, 2, 'a start on another machine is refused';
    like $err, qr{of web1 nothing listens at http://10\.9\.0\.2:8081; listeners are http://10\.9\.0\.1:8080$}, 'and it is said why' or diag $out;
    $cluster->on('web1')->must('up', $cluster->topology(workers()), '--timeout', '60s');
    is_deeply decode_json(($cluster->on('web1')->mpsup('plan', $newer, '-o', 'json'))[1])->{notes}, [], 'where all run one topology a plan has no notes';
};

subtest 'a supervisor that is killed while somebody waits for it' => sub {
    my $finish = $cluster->begin('app1', 'restart', '--timeout', '60s');
    wait_until(20, 'it is under way', sub { (($cluster->change // {})->{phase} // '') eq 'rolling' });
    $cluster->end('app1', 'KILL');
    my ($code, $out, $err) = $finish->();
    is $code, 4, 'is missed' or diag $out;
    like $err, qr/^mpsup: no supervisor runs for site test; its workers serve on: .*takes them over\. What was begun goes on under the lead of another machine: `mpsup status` there$/, 'and it is said where to look';
    $cluster->supervise('app1');
    wait_until(60, 'another one ends it', sub { ($cluster->change->{phase} // '') !~ /checking|rolling|undoing/ });
    ok $cluster->wait_converged(20), 'and all is as it was';
};

subtest 'drain' => sub {
    my $finish = load();
    is +($cluster->on('web1')->mpsup('drain', 'app1', '--wait'))[0], 0, 'a machine is drained';
    my %machines = map { get('/')->{headers}{'x-machine'} // 'none' => 1 } 1 .. 20;
    is_deeply [sort keys %machines], ['app2'], 'then nothing new is sent there';
    like +($cluster->on('web1')->mpsup('explain', '/'))[1], qr/^passes by +app1: it is drained.*^machine +app2$/ms, 'and explain says so';
    my ($code, $out, $err) = $cluster->on('web1')->mpsup('drain', 'app2');
    is $code, 1, 'the last machine of a pool is not drained by accident';
    like $err, qr/app2 is the last machine of pool app, which front needs \(app1 is drained\).*--force/, 'and it is said why' or diag $err;
    is +($cluster->on('web1')->mpsup('uncordon', 'app1'))[0], 0, 'it is let in again';
    ok wait_until(20, 'app1 answers', sub { get('/')->{headers}{'x-machine'} eq 'app1' }), 'and serves';
    nothing_failed($finish, 'meanwhile');
};

subtest 'a machine that is gone, and comes back' => sub {
    my $finish = load();
    $cluster->network->kill_machine('app2');
    delete $cluster->{pids}{app2};
    wait_until(25, 'it is missed', sub { !$cluster->machine('app2') });
    my ($code, $out, $err) = $cluster->on('web1')->mpsup('up', $cluster->topology(workers({pool => 3})), '--timeout', '60s');
    is $code, 0, 'the others are brought up' or diag $out, $err;
    like "$out$err", qr/app2/, 'and it is named';
    ($code, $out, $err) = $cluster->on('web1')->mpsup('restart', 'app');
    is $code, 0, 'what is there is restarted';
    like "$out$err", qr/absent, so what runs there was not restarted: app2/, 'and who was not is named' or diag $out, $err;
    is +($cluster->on('web1')->mpsup('status'))[0], 5, 'status counts on it';
    like +($cluster->on('web1')->mpsup('plan', $cluster->topology(workers({pool => 3}))))[1], qr/^app2: nothing changes\n +\(does not say what it runs \(absent: /m, 'a plan says that it was not asked';
    is +($cluster->on('web1')->mpsup('remove', 'app2'))[0], 0, 'remove';
    ($code, $out) = $cluster->on('web1')->mpsup('status');
    is $code, 0, 'then it is counted no more' or diag $out;
    like $out, qr/^app2 +removed .*uncordon/m, 'and has its row';
    is +($cluster->on('web1')->mpsup('events'))[0], 0, 'nor asked for events';
    $cluster->network->boot('app2');
    $cluster->supervise('app2');
    is +($cluster->on('web1')->mpsup('uncordon', 'app2'))[0], 0, 'uncordon brings it back';
    ok $cluster->wait_converged(20), 'when it is on again it comes to what is wanted by itself';
    my ($worker) = grep { $_->{name} eq 'app' } @{ $cluster->machine('app2')->{workers} };
    is $worker->{wanted}, 3, 'which is the new topology';
    ok eval { wait_until(20, 'app2 answers', sub { get('/')->{headers}{'x-machine'} eq 'app2' }) }, 'and serves'
        or diag $cluster->on('web1')->mpsup('status'), $cluster->on('web1')->log_of('front'), $cluster->network->run('web1', 'ip', 'neigh');
    my $sum = $finish->();
    note "$sum->{failed} of $sum->{requests} requests failed: those that app2 had";
    is_deeply [grep { !/ POST | half of one/ } @{ $sum->{failures} }], [], 'all that may be asked twice were, of the other, but for what was answered in part';
    cmp_ok $sum->{failed}, '<=', 6, 'no more requests failed than were under way on it' or diag join "\n", @{ $sum->{failures} };
};

subtest 'a cordoned machine is passed by' => sub {
    is +($cluster->on('web1')->mpsup('cordon', 'app1'))[0], 0, 'cordon';
    my ($code, $out, $err) = $cluster->on('web1')->mpsup('up', $cluster->topology(workers()), '--timeout', '60s');
    is $code, 0, 'the others are brought up' or diag $out, $err;
    like "$out$err", qr/app1/, 'it is named';
    my $number = $cluster->machine('app1')->{number};
    isnt $number, $cluster->wanted, 'and runs what it ran';
    like +($cluster->on('web1')->mpsup('plan', $cluster->topology(workers())))[1],
        qr/^app1: nothing changes\n +\(runs topology $number; these steps begin with topology @{[$cluster->wanted]}\)$/m, 'a plan says so';
    is +($cluster->on('web1')->mpsup('uncordon', 'app1'))[0], 0, 'uncordon';
    ok $cluster->wait_converged(20), 'then it comes to it by itself';
};

subtest 'history' => sub {
    $cluster->on('web1')->must('up', $cluster->topology(workers({pool => 1})), '--timeout', '60s');
    my $out = ($cluster->on('web1')->mpsup('history', '-n', 100))[1];
    unlike $out, qr/\brunning\b/, 'knows the end of a change as soon as it is told';
    like $out, qr/root\@app2/, 'says where something was ordered';
    like $out, qr/rolled_back/, 'and how it ended' or diag $out;
    like $out, qr/-  +done +root\@web1 +restart of app on app2$/m, 'a restart too' or diag $out;
    like $out, qr/-  +done +root\@web1 +rollback of app on app1$/m, 'and what was rolled back';
    like $out, qr/-  +done +root\@web1 +$_$/m, "$_ too" for 'drain app1', 'remove app2', 'uncordon app2', 'cordon app1';
    my $number = $cluster->wanted;
    $cluster->on('app1')->must('rollback', '--timeout', '60s');
    isnt $cluster->wanted, $number, 'another one is wanted';
    like +($cluster->on('web1')->mpsup('history'))[1], qr/^\S+ +@{[$cluster->wanted]} +done +root\@app1 +rollback$/m, 'which one is said';
};

subtest 'drain --wait' => sub {
    my $client = IO::Socket::INET->new(PeerAddr => '10.9.0.1', PeerPort => 8080) or die;
    print $client "GET /held HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    my $finish = $cluster->begin('app1', 'drain', 'web1', '--wait');
    ok wait_until(10, 'it is counted', sub { ($cluster->machine('web1')->{in_flight} // 0) == 1 }), 'a request at the accelerator is in flight';
    ok !$finish->('has ended'), 'and waited for';
    $files->write('go', '');
    my $reply = do { local $/; <$client> };
    like $reply, qr/\AHTTP\/1\.1 200 /, 'it is answered';
    my ($code, $out, $err) = $finish->();
    is $code, 0, 'then it has nothing in flight' or diag $out, $err;
    like $out, qr/^web1 has 1 request in flight$/m, 'meanwhile it was said how many';
    is +($cluster->on('app1')->mpsup('uncordon', 'web1'))[0], 0, 'back';
};

subtest 'down on one machine' => sub {
    is $cluster->end('app1', 'TERM'), 0, 'a supervisor that is asked to end does so well';
    ok wait_until(5, 'the key is gone', sub { !$cluster->machine('app1') }), 'and the others know at once';
};

done_testing;

# A site on three machines: brought up, restarted, changed and refused from any of them; machines that are drained, cordoned, gone,
# and come back. Clients check each answer all the while.
use strict;
use warnings;
use Mpsup::Cluster;
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
$files->write('app.psgi', application());

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

subtest 'up' => sub {
    my ($code, $out, $err) = $cluster->on('app2')->mpsup('up', $cluster->topology(workers()), '--timeout', '60s');
    is $code, 0, 'on any of them, for all' or diag $out, $err, map { $cluster->log($_) } $cluster->names;
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
    isnt $code, 0, 'is refused';
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
    ok $code == 6 || $code == 7, 'is taken back' or diag $code, $out, $err;
    like "$out$err", qr/app2/, 'with the machine';
    is $cluster->key('wanted')->{digest}, $wanted, 'what ran before is wanted';
    ok $cluster->wait_converged(10), 'and runs, everywhere';
};

subtest 'one worker alone' => sub {
    my ($code, $out, $err) = $cluster->on('web1')->mpsup('restart', 'app');
    is $code, 0, 'is restarted where it is' or diag $out, $err;
    ($code, $out, $err) = $cluster->on('app1')->mpsup('restart', 'nosuch');
    is $code, 2, 'one that no machine has is refused';
    like "$out$err", qr/no worker nosuch; there is .*\bapp\b/, 'and what there is is said';
};

subtest 'drain' => sub {
    my $finish = load();
    is +($cluster->on('web1')->mpsup('drain', 'app1', '--wait'))[0], 0, 'a machine is drained';
    my %machines = map { get('/')->{headers}{'x-machine'} // 'none' => 1 } 1 .. 20;
    is_deeply [sort keys %machines], ['app2'], 'then nothing new is sent there';
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
    $cluster->network->boot('app2');
    $cluster->supervise('app2');
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
    isnt $cluster->machine('app1')->{number}, $cluster->wanted, 'and runs what it ran';
    is +($cluster->on('web1')->mpsup('uncordon', 'app1'))[0], 0, 'uncordon';
    ok $cluster->wait_converged(20), 'then it comes to it by itself';
};

subtest 'history' => sub {
    my $out;
    wait_until(10, 'it knows', sub { $out = ($cluster->on('web1')->mpsup('history', '-n', 100))[1]; $out !~ /\brunning\b/ });
    like $out, qr/root\@app2/, 'says where something was ordered';
    like $out, qr/rolled_back/, 'and how it ended' or diag $out;
};

subtest 'down on one machine' => sub {
    is $cluster->end('app1', 'TERM'), 0, 'a supervisor that is asked to end does so well';
    ok wait_until(5, 'the key is gone', sub { !$cluster->machine('app1') }), 'and the others know at once';
};

done_testing;

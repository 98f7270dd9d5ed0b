# Pools that grow and shrink, and what they are told meanwhile.
use strict;
use warnings;
use JSON::PP    qw(decode_json);
use Mpsup::Load qw(application start_load);
use Mpsup::Test qw(new_site free_port request connect_to exchange wait_until read_file);
use Test::More;
use Time::HiRes qw(time sleep);

my $site = new_site();
my %port = map { $_ => free_port() } qw(fixed dynamic lazy auto spare);
my $hold = q{use Time::HiRes (); my $n = 0; sub { my $e = shift; ++$n;
    if ($e->{PATH_INFO} eq '/hold') { Time::HiRes::sleep(0.01) until -e $ENV{RELEASE} }
    [200, ['Content-Type' => 'text/plain'], ["$$ $n\n"]] }};
$site->write('app.psgi', $hold);
my $release = $site->dir . '/release';
my $common  = qq{kind: dynamic, app: app.psgi, health: {every: 60s}, env: {RELEASE: "$release"}};
my %pool    = (
    fixed   => 'pool: 2',
    dynamic => 'pool: {mode: dynamic, min: 1, max: 5, min_spare: 1, max_spare: 1, idle_timeout: 300ms}',
    lazy    => 'pool: {mode: ondemand, max: 3, idle_timeout: 1500ms}',
    auto    => 'pool: {mode: dynamic, min: 1, max: auto, min_spare: 2, max_spare: 4, idle_timeout: 10s}',
    spare   => 'pool: {mode: dynamic, min: 1, max: 3, min_spare: 0, max_spare: 0, idle_timeout: 300ms}',
);
sub yaml {
    my (%other) = (%pool, @_);
    return join '', map { qq(  $_: {$common, listen: "127.0.0.1:$port{$_}", $other{$_}}\n) } sort keys %other;
}
$site->must('up', $site->topology(yaml()));

sub children { my ($name) = @_; my @pids = sort { $a <=> $b } $site->pids($name, 'child'); return @pids }
sub idle     { my ($name) = @_; return scalar grep { $_->{role} eq 'child' && $_->{state} eq 'idle' } @{ $site->worker($name)->{processes} } }
sub has      { my ($name, $count) = @_; wait_until(8, "$name has $count", sub { $count == children($name) }); return $count }

# Requests that are not answered until release().
sub hold {
    my ($name, $count) = @_;
    return map { my $s = connect_to($port{$name}); syswrite $s, "GET /hold HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"; $s } 1 .. $count;
}
sub release {
    my (@held) = @_;
    Mpsup::Test::write_file($release, '');
    my @status = map { my $reply = Mpsup::Test::read_reply($_); $reply ? $reply->{status} : 0 } @held;
    unlink $release;
    return @status;
}
sub cpu { my ($pid) = @_; return (split ' ', read_file("/proc/$pid/schedstat"))[0] / 1e9 } # seconds

subtest 'on demand' => sub {
    is has('lazy', 0), 0, 'nobody is there but while somebody asks, as the probes of its gate did';
    is $site->worker('lazy')->{state}, 'ready', 'and that is as it should be';
    is +($site->mpsup('status'))[0], 0, 'for status too';
    is request($port{lazy}, '/')->{status}, 200, 'who asks is answered';
    is has('lazy', 1), 1, 'by one';
    my @held = hold('lazy', 3);
    is has('lazy', 3), 3, 'as many come as clients wait';
    push @held, hold('lazy', 2);
    my ($master) = $site->pids('lazy', 'master');
    my $before = cpu($master);
    sleep 0.5;
    cmp_ok cpu($master) - $before, '<', 0.25, 'a queue that is longer than the pool does not keep its master awake';
    is scalar(children('lazy')), 3, 'nor does it make it grow';
    is_deeply [release(@held)], [(200) x 5], 'each is answered';
    is has('lazy', 0), 0, 'idle ones leave, all of them';
    is request($port{lazy}, '/')->{status}, 200, 'and it begins anew';
    ok !(grep { $_->{worker} eq 'lazy' && $_->{event} eq 'child_exited' && ($_->{exit_code} // 1) != 0 } $site->events), 'each left in order';
};

subtest 'dynamic' => sub {
    has('dynamic', 1);
    my @held = hold('dynamic', 1);
    is has('dynamic', 2), 2, 'one spare more than is busy';
    push @held, hold('dynamic', 2);
    is has('dynamic', 4), 4, 'whatever the number';
    push @held, hold('dynamic', 3);
    is has('dynamic', 5), 5, 'up to its largest size';
    my @all = children('dynamic');
    is_deeply [release(@held)], [(200) x 6], 'each is answered';
    is has('dynamic', 1), 1, 'and back to its smallest';
    my ($last) = children('dynamic');
    ok scalar(grep { $_ == $last } @all), 'without a single one that was forked for it';
    my $old = $site->log_of('dynamic');
    sleep 0.7;
    is_deeply [children('dynamic')], [$last], 'where it stays';
};

subtest 'without spare ones' => sub {
    my @held = hold('spare', 1);
    wait_until(5, 'it is busy', sub { !idle('spare') });
    push @held, hold('spare', 1);
    is has('spare', 2), 2, 'it grows for a client that waits';
    is_deeply [release(@held)], [200, 200], 'and answers it';
    is has('spare', 1), 1, 'and shrinks';
};

subtest 'as memory allows' => sub {
    my @held = hold('auto', 6);
    # Six are busy, so two to four more; each that is forked for a busy one may find that one idle again.
    wait_until(8, 'auto has 8 to 10', sub { my $count = children('auto'); $count >= 8 && $count <= 10 });
    is $site->worker('auto')->{pool}{max}, 'auto', 'there is no number';
    is_deeply [release(@held)], [(200) x 6], 'six at a time';
    my ($code, $out, $err) = $site->mpsup('scale', 'auto=+1');
    is $code, 2, 'and none to add to';
    like $err, qr/max: auto/, 'which is said';
};

subtest 'scale' => sub {
    my ($master) = $site->pids('fixed', 'master');
    my @first = children('fixed');
    like $site->must('scale', 'fixed=4'), qr/from 2 to 4/, 'a number';
    is scalar(children('fixed')), 4, 'it waits until all are there';
    $site->must('scale', 'fixed=+2');
    is scalar(children('fixed')), 6, 'more';
    $site->must('scale', 'fixed=-1');
    has('fixed', 5);
    $site->must('scale', 'fixed=2', 'dynamic=3');
    has('fixed', 2);
    is $site->worker('dynamic')->{pool}{max}, 3, 'of a dynamic pool the bound';
    is_deeply [$site->pids('fixed', 'master')], [$master], 'all of it without a new generation';
    is $site->worker('fixed')->{restarts}{crash}, 0, 'nobody was lost';
    for my $bad (['fixed=0', qr/from 1 to 1000/], ['fixed=-2', qr/from 1 to 1000/], ['fixed=1001', qr/from 1 to 1000/],
        ['nosuch=2', qr/no worker nosuch/], ['fixed', qr/is no WORKER=NUMBER/], ['fixed=+-1', qr/is no WORKER=NUMBER/])
    {
        my ($code, $out, $err) = $site->mpsup('scale', $bad->[0]);
        is $code, 2, "$bad->[0]: exit 2";
        like $err, $bad->[1], '  and why';
    }
    $site->mpsup('scale', 'fixed=5', 'dynamic=0');
    is $site->worker('fixed')->{wanted}, 2, 'all orders or none';
    my ($event) = grep { $_->{event} eq 'resized' } $site->events;
    is $event->{reason}, '2 to 4', 'it is an event';
};

subtest 'by signals' => sub {
    my $supervisor = $site->supervisor_pid;
    kill 'TTIN', $supervisor;
    has('fixed', 3);
    is $site->worker('dynamic')->{pool}{max}, 4, 'every pool that has a number';
    kill 'TTOU', $supervisor;
    has('fixed', 2);
    kill 'TTOU', $supervisor;
    has('fixed', 1);
    kill 'TTOU', $supervisor;
    wait_until(5, 'the others shrink on', sub { $site->worker('dynamic')->{pool}{max} == 1 });
    is $site->worker('fixed')->{wanted}, 1, 'never fewer than one';
};

subtest 'none is lost while it is scaled' => sub {
    $site->write('load.psgi', application());
    my $port = free_port();
    my $with = sub { my ($pool) = @_; yaml() . qq(  busy: {kind: dynamic, listen: "127.0.0.1:$port", app: load.psgi, pool: $pool}\n) };
    $site->must('up', $site->topology($with->(3)));
    my $finish = start_load(port => $port, seconds => 3, keep_alive => 8, one_shot => 2);
    $site->must('scale', "busy=$_") for 6, 2, 4;
    my $sum = $finish->();
    is $sum->{failed}, 0, "none of $sum->{requests} requests failed" or diag join "\n", @{ $sum->{failures} };
    is $site->worker('busy')->{restarts}{crash}, 0, 'and no child';
    $site->must('up', $site->topology(yaml()));
};

subtest 'up' => sub {
    my ($master) = $site->pids('fixed', 'master');
    is $site->worker('fixed')->{wanted}, 2, 'a topology undoes what was scaled by hand';
    has('fixed', 2);
    my $out = $site->must('up', $site->topology(yaml(fixed => 'pool: 3')));
    like $out, qr/fixed: its pool has another size/, 'only another size';
    has('fixed', 3);
    $site->must('up', $site->topology(yaml(fixed => 'pool: {mode: dynamic, min: 2, max: 4}')));
    is $site->worker('fixed')->{pool}{mode}, 'dynamic', 'or another mode';
    is_deeply [$site->pids('fixed', 'master')], [$master], 'needs no new generation';
    is $site->worker('fixed')->{generation}, 1, 'indeed';
    $site->must('up', $site->topology(yaml(fixed => 'pool: 3, slow: 9s')));
    is $site->worker('fixed')->{generation}, 2, 'another size and something else does';
    # What a worker is told of the others (the first one's address) changes, and its pool with it.
    $port{auto} = free_port();
    $site->must('up', $site->topology(yaml(fixed => 'pool: 1, slow: 9s')));
    is $site->worker('fixed')->{generation}, 3, 'and so does another size and another address of another worker';
    has('fixed', 1);
};

done_testing;

# What can befall a site on several machines: links that are cut, an etcd that is gone, paused, emptied, of an earlier day, or that
# talks rubbish, supervisors that die or freeze in the midst of a change, two operators at once. All the while clients check each answer,
# and every change ends one way. With MPSUP_LONG=1 for longer, and in one direction.
use strict;
use warnings;
use Mpsup::Cluster;
use JSON::PP    qw(decode_json);
use Mpsup::Load qw(application start_load);
use Mpsup::Test qw(read_file request wait_until write_file);
use Test::More;
use Time::HiRes qw(time sleep);

plan skip_all => Mpsup::Cluster::reason() if Mpsup::Cluster::reason();

my $cluster = Mpsup::Cluster->new(machines => [qw(web1 app1 app2)], proxy => 1);
$cluster->files->write('app.psgi', application());
my $network = $cluster->network;
my $etcd    = $cluster->etcd;
my $proxy   = $cluster->proxy;

# A number of the pool for each topology, so that none is as the one before.
my $pool = 1;

sub next_topology { ++$pool; return topology(@_) }

sub topology {
    my ($more, $front) = @_;
    $front //= 'backoff: 50ms';
    return $cluster->topology(<<"YAML", name => "site-$pool.yaml");
  front: {kind: accelerator, on: web1, listen: 8080, restart: {$front}, routes: [{path: /, to: app, cache: off}]}
  app:
    kind: dynamic
    on: [app1, app2]
    app: app.psgi
    gateway: 8081
    pool: 2
    env: {NUMBER: "$pool"}
    restart: {backoff: 50ms}
@{[$more // '']}
YAML
}

sub load { return start_load(address => '10.9.0.1', port => 8080, keep_alive => 3, one_shot => 2, pause => 0.01) }

# `is_cut`: a machine was cut off; what it had then, one request each client, fails if it may be asked once only, or was answered in part.
sub served {
    my ($finish, $is_cut) = @_;
    my $sum = $finish->();
    my @failures = @{ $sum->{failures} };
    is_deeply [$is_cut ? grep { !/ POST | half of one/ } @failures : @failures], [], "$sum->{failed} of $sum->{requests} requests failed";
    cmp_ok $sum->{failed}, '<=', 5, '  one a client' if $is_cut;
    cmp_ok $sum->{requests}, '>', 20, '  and clients were served';
    note sprintf 'the longest took %.0f ms', $sum->{longest} * 1000;
    return;
}

sub up { my ($name, @more) = @_; return $cluster->on($name)->mpsup('up', next_topology(@more), '--timeout', '60s') }

sub is_refused {
    my ($ordered, $says) = @_;
    my ($code, $out, $err) = $ordered->();
    isnt $code, 0, 'nothing new begins';
    like "$out$err", $says, 'and it is said why' or diag $out, $err;
    return;
}

sub is_over {
    return wait_until(40, 'the change is over', sub { my $change = $cluster->change; $change->{phase} =~ /checking|rolling|undoing/ ? undef : $change });
}

# It has ended, and all run what is wanted.
sub ended {
    my (@phases) = @_;
    my $change = is_over();
    ok scalar(grep { $change->{phase} eq $_ } @phases), "it ended one way: $change->{phase}" or diag explain $change;
    ok $cluster->wait_converged(30), 'and all run what is wanted';
    return;
}

# A child of a pool, so that it is seen that what dies is restarted.
sub restarts_what_dies {
    my ($name) = @_;
    my $pids = sub {
        my ($code, $out) = $cluster->on($name)->mpsup('workers', '--machine', $name, '-o', 'json');
        my $answer = eval { decode_json($out) } or return;
        return map { $_->{pid} } grep { ($_->{role} // '') eq 'child' && ($_->{phase} // '') ne 'sleeping' }
            map { @{ $_->{processes} } } grep { $_->{name} eq 'app' } @{ $answer->{workers} };
    };
    my ($victim) = wait_until(10, "the pool of $name is whole", sub { my @now = $pids->(); @now == 2 ? $now[0] : undef });
    kill 'KILL', $victim;
    return wait_until(10, 'it was restarted', sub { my @now = $pids->(); @now == 2 && !grep { $_ == $victim } @now });
}

$cluster->supervise;
is +(up('web1'))[0], 0, 'it is up';

my @cuts = $ENV{MPSUP_LONG} ? ([5], [30], [30, 'out'], [30, 'in']) : ([5]);
for my $cut (@cuts) {
    my ($seconds, @direction) = @$cut;
    subtest "a link is cut for $seconds s @direction" => sub {
        my $finish = load();
        $network->cut('app1', @direction);
        sleep $seconds;
        $network->heal('app1');
        $cluster->wait_for_state('app1', 'connected');
        ok $cluster->wait_converged(30), 'all is as it was';
        served($finish, 'cut');
    };
}

subtest 'etcd is gone' => sub {
    my $finish = load();
    $etcd->stop;
    $cluster->wait_for_state($_, 'alone') for $cluster->names;
    my $ordered = $cluster->begin('web1', 'up', next_topology(), '--timeout', '60s'); # it waits for a while
    ok restarts_what_dies('app1'), 'what dies is restarted';
    kill 'KILL', $cluster->pid('app2');
    waitpid $cluster->pid('app2'), 0;
    $cluster->supervise('app2');
    ok restarts_what_dies('app2'), 'by a supervisor that never heard of etcd too';
    my ($code, $out) = $cluster->on('app2')->mpsup('status');
    is $code, 5, 'which says that not all is well';
    like $out, qr/^web1 +unknown .*not heard of/m, 'and that it has not heard of the others' or diag $out;
    is_refused($ordered, qr/etcd|store/);
    $etcd->start;
    $cluster->wait_for_state($_, 'connected') for $cluster->names;
    served($finish);
    is +(up('app2'))[0], 0, 'when it is there again changes are made';
};

# The machine is off, and $meanwhile is done, before it boots; $afterwards when its supervisor answers.
sub boots_without_etcd {
    my ($meanwhile, $afterwards) = @_;
    $etcd->crash;
    $cluster->end('app1', 'KILL');
    $network->signal('app1', 'KILL');
    wait_until(5, 'nothing runs there', sub { !$network->pids('app1') });
    $meanwhile->() if $meanwhile;
    my $finish = load();
    $cluster->supervise('app1');
    $afterwards->() if $afterwards;
    ok wait_until(20, 'it serves', sub { (eval { request(8081, '/', address => '10.9.0.2') } // {status => 0})->{status} == 200 }), 'it runs what it ran last';
    is $cluster->seen_by('app1')->{state}, 'alone', 'and says that it is alone';
    $etcd->start;
    $cluster->wait_for_state($_, 'connected') for $cluster->names;
    ok $cluster->wait_converged(30), 'then it is one of them';
    served($finish);
    return;
}

subtest 'a machine boots without etcd' => sub {
    is +($cluster->on('web1')->mpsup('up', topology('', 'backoff: 60ms'), '--timeout', '60s'))[0], 0, 'what changed last is nothing to it';
    boots_without_etcd();
};

subtest 'a machine boots without etcd, and the application comes later' => sub {
    my $app = $cluster->files->dir . '/app.psgi';
    is +(up('web1'))[0], 0, 'something runs';
    boots_without_etcd(
        sub { rename $app, "$app.away" or die "rename: $!" },
        sub {
            wait_until(30, 'it was tried and failed', sub { $cluster->log('app1') =~ m{\[error\] up: } });
            is eval { request(8081, '/', address => '10.9.0.2')->{status} }, undef, 'nothing serves';
            rename "$app.away", $app or die "rename: $!";
        });
};

subtest 'power fails before the last topology is in the file' => sub {
    my $file   = $cluster->files->dir . '/app1/test/cluster';
    my $before = read_file($file);
    is +(up('web1'))[0], 0, 'it is in the database';
    boots_without_etcd(sub { write_file($file, $before) });
};

subtest 'etcd is paused' => sub {
    my $finish  = load();
    my $seconds = $ENV{MPSUP_LONG} ? 60 : 5;
    $etcd->pause;
    sleep $seconds;
    $etcd->resume;
    $cluster->wait_for_state($_, 'connected') for $cluster->names;
    ok $cluster->wait_converged(30), 'all are there';
    served($finish);
};

subtest 'etcd talks rubbish' => sub {
    my $finish = load();
    for my $what ('status', 'rubbish', 'wrong', 'huge', 'half', 'cut', 'swallow', 'delay 1') {
        $proxy->be($what);
        # Their renewals meet it: one each five seconds.
        wait_until(15, "$what is noticed", sub { $cluster->seen_by('app1')->{state} eq 'alone' }) if $what !~ /swallow|delay/;
        sleep 2 if $what =~ /swallow|delay/;
        my $memory = read_file('/proc/' . $cluster->pid('app1') . '/status') =~ /^VmHWM:\s+(\d+) kB/m ? $1 / 1024 : 0;
        cmp_ok $memory, '<', 200, sprintf '%s: the supervisor lives, and never took more than %.0f MB', $what, $memory;
        $proxy->be('pass');
        $cluster->wait_for_state($_, 'connected') for $cluster->names;
        ok $cluster->wait_converged(30), '  then all is as it was';
    }
    served($finish);
    is +(up('web1'))[0], 0, 'and changes are made';
};

subtest 'what happened meanwhile is compacted away' => sub {
    my $finish = load();
    $proxy->be('cut');
    $cluster->wait_for_state($_, 'alone') for $cluster->names;
    $etcd->write("/mpsup/test/other/$_", $_) for 1 .. 5;
    $etcd->compact;
    $proxy->be('pass');
    $cluster->wait_for_state($_, 'connected') for $cluster->names;
    ok $cluster->wait_converged(30), 'all is as it was';
    is +(up('app1'))[0], 0, 'and changes are made';
    served($finish);
};

subtest 'etcd is another one' => sub {
    my $finish = load();
    $etcd->empty->start;
    $cluster->wait_for_state($_, 'unaccepted') for $cluster->names;
    my $ordered = $cluster->begin('web1', 'up', next_topology(), '--timeout', '60s');
    ok restarts_what_dies('app1'), 'what dies is restarted';
    is_refused($ordered, qr/accept/);
    is +($cluster->on('web1')->mpsup('status'))[0], 5, 'status tells that';
    is +($cluster->on('web1')->mpsup('cluster', 'accept'))[0], 0, 'an operator accepts it';
    $cluster->wait_for_state($_, 'connected') for $cluster->names;
    ok wait_until(5, 'history', sub { ($cluster->on('web1')->mpsup('history'))[1] =~ /^.* done .*\n +what ran, taken over into this store/m }), 'history has it';
    ok $cluster->wait_converged(30), 'all run what they ran';
    served($finish);
    is +(up('app1'))[0], 0, 'and changes are made';
};

subtest 'etcd is of an earlier day' => sub {
    my $finish = load();
    my $copy   = $etcd->backup;
    is +(up('web1'))[0], 0, 'something changes';
    $etcd->restore($copy)->start;
    $cluster->wait_for_state($_, 'unaccepted') for $cluster->names;
    is +($cluster->on('app2')->mpsup('cluster', 'accept'))[0], 0, 'an operator accepts it';
    $cluster->wait_for_state($_, 'connected') for $cluster->names;
    ok $cluster->wait_converged(30), 'all run one thing';
    served($finish);
    is +(up('app1'))[0], 0, 'and changes are made';
};

subtest 'two operators at once' => sub {
    my @files = map { next_topology() } 1 .. 2;
    my $finish = load();
    my ($one, $two) = map { $cluster->begin($_ ? 'app2' : 'web1', 'up', $files[$_], '--timeout', '60s') } 0, 1;
    my @said = ([$one->()], [$two->()]);
    is_deeply [sort map { $_->[0] } @said], [0, 8], 'one is done, the other is told that a change runs' or diag explain \@said;
    ended('done');
    served($finish);
};

# The owner of a change dies, or freezes, while the first machine is at it.
sub while_rolling {
    my ($name, $do) = @_;
    $cluster->files->write('slow.psgi', "select undef, undef, undef, 1;\n" . application());
    my $file = next_topology() =~ s{/site-(\d+)\.yaml\z}{/slow-$1.yaml}r;
    Mpsup::Test::write_file($file, read_file($file =~ s/slow-/site-/r) =~ s/app\.psgi/slow.psgi/r);
    my $finish = $cluster->begin('web1', 'up', $file, '--timeout', '60s');
    wait_until(20, 'it rolls', sub { my $change = $cluster->change; $change->{phase} eq 'rolling' && grep { $_ eq 'granted' } values %{ $change->{parts} } });
    $do->($cluster->change);
    return $finish;
}

subtest 'the supervisor that leads a change is killed, and started again' => sub {
    my $load   = load();
    my $finish = while_rolling(web1 => sub {
        my ($change) = @_;
        my $pid = $cluster->pid($change->{owner});
        kill 'KILL', $pid;
        waitpid $pid, 0;
        $cluster->supervise($change->{owner});
    });
    $finish->();
    ended('done'); # machines that are at it go on, and whoever leads it then finds them done
    served($load);
};

subtest 'the supervisor of a machine that is at it is killed, and started again' => sub {
    my $load   = load();
    my $finish = while_rolling(web1 => sub {
        my ($change) = @_;
        my ($at_it) = grep { $change->{parts}{$_} eq 'granted' } keys %{ $change->{parts} };
        my $pid = $cluster->pid($at_it);
        kill 'KILL', $pid;
        waitpid $pid, 0;
        $cluster->supervise($at_it);
    });
    $finish->();
    ended('done'); # its next supervisor begins anew
    served($load);
};

if ($ENV{MPSUP_LONG}) {
    subtest 'the supervisor that leads a change freezes for longer than its lease' => sub {
        my $load  = load();
        my $owner;
        my $finish = while_rolling(web1 => sub { $owner = $_[0]{owner}; kill 'STOP', $cluster->pid($owner) });
        my $over = is_over();
        kill 'CONT', $cluster->pid($owner);
        my ($code, $out, $err) = $finish->();
        is $code, 0, 'who ordered it hears how it ended' or diag $out, $err;
        $cluster->wait_for_state($owner, 'connected');
        ended('done');
        is_deeply $cluster->change, $over, 'whoever woke up has changed nothing of that';
        cmp_ok $over->{term}, '>', 1, 'another had taken it over';
        isnt $over->{owner}, $owner, '  from who slept';
        served($load);
    };
}

subtest 'history' => sub {
    my $said = sub { ($cluster->on('web1')->mpsup('history', '-n', 200))[1] };
    ok wait_until(10, 'it knows', sub { $said->() !~ /\brunning\b/ }), 'every change has ended';
    note $said->();
};

done_testing;

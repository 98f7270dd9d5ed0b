# kill -9 of the supervisor: nobody outside notices, and the next one takes over what runs, with the same pids.
use strict;
use warnings;
use Mpsup::Test qw(new_site free_port request connect_to wait_until);
use JSON::PP ();
use POSIX    ();
use Socket;
use Test::More;
use Time::HiRes qw(time sleep);

my $site = new_site();
my ($files, $pages) = (free_port(), free_port());
$site->write('app.psgi', <<'APP');
sub {
    my $env = shift;
    select undef, undef, undef, 1 if $env->{PATH_INFO} eq '/slow';
    return [200, ['Content-Type' => 'text/plain'], ["$$\n"]];
}
APP
mkdir $site->dir . '/root';
$site->write('root/a.txt', "a\n");
my $topology = $site->topology(<<"YAML");
  docs: {kind: static, listen: "127.0.0.1:$files", root: root, stop: {grace: 5s}}
  app: {kind: dynamic, listen: "127.0.0.1:$pages", app: app.psgi, pool: 2, stop: {grace: 5s}}
YAML

sub processes {
    return sort { $a <=> $b } map { $_->{pid} } map { @{ $_->{processes} } } @{ $site->status->{workers} };
}
sub is_alive { my ($pid) = @_; my $stat = Mpsup::Test::read_file("/proc/$pid/stat"); return $stat ne '' && $stat !~ /\) Z / }

sub kill_supervisor {
    my $pid = $site->supervisor_pid;
    kill 'KILL', $pid;
    wait_until(5, 'the supervisor is gone', sub { !is_alive($pid) });
    return;
}

sub serves {
    return request($files, '/a.txt')->{body} eq "a\n" && request($pages, '/')->{status} == 200;
}

# What the next supervisor says when it has taken over: "nothing changed".
sub take_over {
    my $began = time;
    my $out   = $site->must('up', $topology);
    return ($out, time - $began);
}

sub contract_connection {
    socket my $socket, AF_UNIX, SOCK_SEQPACKET, 0 or die "socket: $!";
    my ($path) = split /\n/, `find $site->{state} -name socket -path '*contract*'`;
    connect $socket, pack_sockaddr_un($path) or die "connect $path: $!";
    return $socket;
}

# Requests on new connections all the time, by a process of its own, until load_failures() asks.
sub start_load {
    pipe my $from, my $to or die;
    my $pid = fork // die;
    if (!$pid) {
        my ($failed, $stop) = (0, 0);
        $SIG{TERM} = sub { $stop = 1 };
        until ($stop) {
            for my $case ([$files, '/a.txt'], [$pages, '/']) {
                my $reply = eval { request(@$case) };
                $failed++ if !$stop && (!$reply || $reply->{status} != 200); # the signal cuts a request short
            }
        }
        syswrite $to, $failed;
        POSIX::_exit(0);
    }
    close $to;
    return {pid => $pid, from => $from};
}

sub load_failures {
    my ($load) = @_;
    kill 'TERM', $load->{pid};
    my $said = readline $load->{from};
    waitpid $load->{pid}, 0;
    return $said;
}

$site->must('up', $topology);
my @before = processes();

subtest 'the supervisor is killed' => sub {
    my $slow = connect_to($pages);
    syswrite $slow, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";
    sleep 0.1; # it has to be in the application when the supervisor dies
    kill_supervisor();
    my ($code, $out) = $site->mpsup('status');
    is $code, 4, 'status says that there is no supervisor';
    like $out, qr/no supervisor runs.*docs/s, 'and shows what was recorded last';
    ok serves(), 'everything serves on';
    like +(Mpsup::Test::read_reply($slow) // {})->{body}, qr/^\d+$/, 'the request in hand is answered';
    my ($told, $took) = take_over();
    like $told, qr/nothing changed/, 'the next one has nothing to do';
    is_deeply [processes()], \@before, 'every process is the same';
    is $site->worker($_)->{state}, 'ready', "$_ is ready" for qw(docs app);
    is $site->worker('app')->{ready}, 2, 'both children are known';
    ok serves(), 'and serves';
    cmp_ok $took, '<', 5, 'in a moment';
    diag sprintf 'taken over in %.2f s', $took;
};

subtest 'what is adopted is looked after' => sub {
    my ($child) = $site->pids('app', 'child');
    kill 'KILL', $child;
    wait_until(5, 'a child that dies is replaced', sub { my $app = $site->worker('app'); $app->{ready} == 2 && !grep { $_ == $child } $site->pids('app', 'child') });
    my ($light) = $site->pids('docs', 'light');
    kill 'KILL', $light;
    wait_until(5, 'a light worker that dies is replaced', sub { my $docs = $site->worker('docs'); $docs->{state} eq 'ready' && ($site->pids('docs', 'light'))[0] != $light });
    ok serves(), 'it serves';
    is $site->worker('docs')->{restarts}{crash}, 1, 'the crash is counted';
    my ($master) = $site->pids('app', 'master');
    kill 'KILL', $master;
    wait_until(10, 'a child of a dead master becomes master', sub { my ($now) = $site->pids('app', 'master'); $now && $now != $master && $site->worker('app')->{state} eq 'ready' });
    ok serves(), 'it serves';
};

subtest 'again, with a master that was a child' => sub {
    my @then = processes();
    kill_supervisor();
    ok serves(), 'everything serves on';
    take_over();
    is_deeply [processes()], \@then, 'every process is the same';
    is $site->worker('docs')->{restarts}{crash}, 1, 'what was counted is counted on';
};

subtest 'what dies while no supervisor runs' => sub {
    my ($child) = $site->pids('app', 'child');
    my ($light) = $site->pids('docs', 'light');
    kill_supervisor();
    kill 'KILL', $child;
    wait_until(5, 'the pool replaces its children by itself', sub { !is_alive($child) && request($pages, '/')->{status} == 200 });
    kill 'KILL', $light;
    take_over();
    ok serves(), 'a light worker is started again';
    is $site->worker('app')->{ready}, 2, 'the pool is whole';
    ok !(grep { $_ == $light } processes()), 'the dead are not listed';
};

subtest 'a master that dies while no supervisor runs' => sub {
    my ($master)   = $site->pids('app', 'master');
    my @children   = $site->pids('app', 'child');
    my $generation = $site->worker('app')->{generation};
    kill_supervisor();
    kill 'KILL', $master;
    wait_until(5, 'it is gone', sub { !is_alive($master) });
    ok serves(), 'its children serve on';
    take_over();
    wait_until(10, 'one of them becomes master', sub { my $app = $site->worker('app'); $app->{state} eq 'ready' && $app->{generation} == $generation });
    my ($heir) = $site->pids('app', 'master');
    ok +(grep { $_ == $heir } @children), 'of the same generation';
    ok serves(), 'it serves';
};

subtest 'a restart afterwards' => sub {
    like $site->must('restart'), qr/restarted/, 'is done';
    ok serves(), 'it serves';
};

subtest 'a changed topology at the takeover' => sub {
    my ($light) = $site->pids('docs', 'light');
    my ($master) = $site->pids('app', 'master');
    kill_supervisor();
    my $other = $site->topology(<<"YAML", 'other.yaml');
  docs: {kind: static, listen: "127.0.0.1:$files", root: root, stop: {grace: 5s}}
  app: {kind: dynamic, listen: "127.0.0.1:$pages", app: app.psgi, pool: 2, env: {COLOUR: blue}, stop: {grace: 5s}}
YAML
    $site->must('up', $other);
    is +($site->pids('docs', 'light'))[0], $light, 'what is unchanged is adopted';
    isnt +($site->pids('app', 'master'))[0], $master, 'what is changed is replaced';
    ok serves(), 'it serves';
    my ($sleeper) = grep { $_->{phase} eq 'sleeping' } @{ $site->worker('app')->{processes} };
    is $sleeper->{pid}, $master, 'the old one sleeps';
};

subtest 'one that says nothing' => sub {
    my ($light) = $site->pids('docs', 'light');
    kill 'STOP', $light;
    kill_supervisor();
    take_over();
    ok !is_alive($light), 'is killed';
    ok serves(), 'and replaced';
};

subtest 'the history is lost' => sub {
    my ($light)  = $site->pids('docs', 'light');
    my ($master) = $site->pids('app',  'master');
    kill_supervisor();
    unlink glob "$site->{state}/test/state.db*";
    my $load = start_load();
    take_over();
    is load_failures($load), 0, 'no request is lost';
    ok serves(), 'what runs is found by its hello, and replaced: nobody knows what it was started with';
    is $site->worker($_)->{state}, 'ready', "$_ is ready" for qw(docs app);
    ok !is_alive($_), 'the old one has gone' for $light, $master;
};

subtest 'a pid that is somebody else\'s now' => sub {
    my ($light) = $site->pids('docs', 'light');
    kill_supervisor();
    kill 'KILL', $light;
    my $stranger = fork // die;
    if (!$stranger) { exec 'sleep', '60' or die }
    my $changed = `sqlite3 $site->{state}/test/state.db 'UPDATE processes SET pid = $stranger WHERE pid = $light AND ended_ms IS NULL; SELECT changes()'`;
    is $changed + 0, 1, 'the record says its pid';
    take_over();
    ok serves(), 'the worker is started again';
    ok is_alive($stranger), 'the process that has its pid was not touched';
    kill 'KILL', $stranger;
    waitpid $stranger, 0;
};

subtest 'a process that says it is one of ours' => sub {
    my ($light) = $site->pids('docs', 'light');
    my $start  = (split ' ', Mpsup::Test::read_file("/proc/$$/stat") =~ s/.*\) //sr)[19];
    my %hello  = (type => 'hello', contract => 3, role => 'light', site => 'test', worker => 'docs', generation => 1, uuid => 'x', pid => $$, start_time => $start + 0, build => '', stage => 'serving', wanted => 0, fds => []);
    for my $case ([pid => $light], [start_time => 1], [fds => ['public_listener']], [contract => 99], [stage => 'asleep']) {
        my ($key, $value) = @$case;
        my $connection = contract_connection();
        send $connection, JSON::PP::encode_json({%hello, $key => $value}), 0;
        my $ended = !sysread $connection, my $nothing, 1;
        ok $ended, "with a wrong $key it is hung up on";
    }
    is +($site->pids('docs', 'light'))[0], $light, 'and nothing has changed';
    ok serves(), 'it serves';
};

subtest 'a service manager that starts it with a file that is bad' => sub {
    my @then = processes();
    kill_supervisor();
    my $good = Mpsup::Test::read_file($site->dir . '/app.psgi');
    $site->write('app.psgi', 'die "no database";');
    my $bad = $site->write('bad.yaml', Mpsup::Test::read_file($topology) =~ s/pool: 2/pool: 2, env: {A: "1"}/r);
    my $pid = fork // die;
    if (!$pid) {
        open STDOUT, '>', '/dev/null' or die;
        open STDERR, '>', $site->dir . '/foreground.err' or die;
        exec Mpsup::Test::build_dir() . '/mpsup', '--state-dir', $site->{state}, 'up', '--foreground', $bad or die;
    }
    wait_until(20, 'it says what is wrong', sub { Mpsup::Test::read_file($site->dir . '/foreground.err') =~ /no database/ });
    sleep 1;
    is waitpid($pid, 1), 0, 'it stays: there is something to supervise';
    is_deeply [processes()], \@then, 'all is as it was';
    is $site->worker('app')->{state}, 'ready', 'and can be asked for';
    $site->write('app.psgi', $good);
    kill 'KILL', $pid;
    waitpid $pid, 0;
    take_over();
};

subtest 'down without a supervisor' => sub {
    my @then = processes();
    kill_supervisor();
    like $site->must('down'), qr/down/, 'is done by a new one';
    is_deeply [grep { is_alive($_) } @then], [], 'nothing is left';
    like +($site->mpsup('down'))[2], qr/not running/, 'again: nothing to do';
};

done_testing;

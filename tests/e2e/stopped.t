# Processes that are there and do nothing: found and replaced. Nobody is killed for standing still with the whole machine.
use strict;
use warnings;
use Mpsup::Test qw(new_site free_port request connect_to wait_until);
use Test::More;
use Time::HiRes qw(sleep time);

use constant patience => 10; # the aim is 3 s; other work on the machine may take its time

my $site = new_site();
my ($files, $pages) = (free_port(), free_port());
$site->write('app.psgi', <<'APP');
use Time::HiRes ();
$SIG{USR1} = sub { 1 while 1 };
sub {
    my $env = shift;
    Time::HiRes::sleep($1) if $env->{PATH_INFO} =~ m{\A/sleep/([0-9.]+)\z};
    [200, ['Content-Type' => 'text/plain'], ["$$\n"]];
}
APP
mkdir $site->dir . '/root';
$site->write('root/a.txt', "a\n");
$site->must('up', $site->topology(<<"YAML"));
  docs: {kind: static, listen: "127.0.0.1:$files", root: root, health: {every: 60s}}
  app: {kind: dynamic, listen: "127.0.0.1:$pages", app: app.psgi, pool: 3, health: {every: 60s}}
YAML

# Until the process is gone and all is whole again: the time it took.
sub replaced {
    my ($name, $role, $pid) = @_;
    my $began = time;
    wait_until(patience, "$role $pid of $name is gone", sub { !grep { $_ == $pid } $site->pids($name, $role) });
    my $took = sprintf '%.1f', time - $began;
    wait_until(patience * 2, "$name is whole again", sub { my $w = $site->worker($name); $w->{state} eq 'ready' && $w->{ready} == $w->{wanted} });
    note "$role of $name: found after $took s";
    return $took;
}

subtest 'an idle child that is stopped' => sub {
    my ($master) = $site->pids('app', 'master');
    my ($pid)    = $site->pids('app', 'child');
    kill 'STOP', $pid;
    replaced('app', 'child', $pid);
    like join("\n", map { $_->{reason} // '' } $site->events), qr/was stopped \(SIGSTOP\)/, 'it is said why';
    is_deeply [$site->pids('app', 'master')], [$master], 'the master is the same';
    is request($pages, '/')->{status}, 200, 'and it serves';
};

subtest 'all children stopped at once' => sub {
    my @pids = $site->pids('app', 'child');
    kill 'STOP', @pids;
    is request($pages, '/')->{status}, 200, 'a client waits for their successors, and is served';
    replaced('app', 'child', $_) for @pids;
    my @ends = grep { my $e = $_; $e->{event} eq 'child_exited' && grep { $_ == $e->{pid} } @pids } $site->events;
    is_deeply [grep { $_->{reason} !~ /SIGSTOP/ } @ends], [], 'each for what it was';
};

subtest 'an idle child that spins outside of any request' => sub {
    my ($pid) = $site->pids('app', 'child');
    kill 'USR1', $pid;
    sleep 0.2;
    request($pages, '/') for 1 .. 3; # somebody has to be busy before anybody looks
    cmp_ok replaced('app', 'child', $pid), '<', patience, 'is replaced';
    like join("\n", map { $_->{reason} // '' } $site->events), qr/idle and did not answer/, 'and it is said why';
};

subtest 'a busy child' => sub {
    my $socket = connect_to($pages);
    syswrite $socket, "GET /sleep/6 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    my $until = time + 5;
    while (time < $until) { request($pages, '/'); sleep 0.1 } # looked at again and again
    my $reply = Mpsup::Test::read_reply($socket);
    is $reply->{status}, 200, 'is left alone, however long it takes';
    ok scalar(grep { $_ == $reply->{body} } $site->pids('app', 'child')), 'and lives on';
};

subtest 'a light process that is stopped' => sub {
    my ($pid) = $site->pids('docs', 'light');
    kill 'STOP', $pid;
    replaced('docs', 'light', $pid);
    is request($files, '/a.txt')->{status}, 200, 'its successor serves';
};

subtest 'a pool master that is stopped' => sub {
    my ($pid) = $site->pids('app', 'master');
    my $generation = $site->worker('app')->{generation};
    kill 'STOP', $pid;
    replaced('app', 'master', $pid);
    is request($pages, '/')->{status}, 200, 'the pool serves';
    is $site->worker('app')->{generation}, $generation, 'nothing was loaded again';
};

subtest 'stopped and continued at once' => sub {
    my @before = map { $site->pids('app', $_) } qw(master child);
    kill 'STOP', @before;
    sleep 0.7;
    kill 'CONT', @before;
    sleep 3.5;
    is_deeply [map { $site->pids('app', $_) } qw(master child)], \@before, 'is no reason to kill anybody';
};

subtest 'a supervisor that is stopped for a while' => sub {
    my @all = (['app', 'master'], ['app', 'child'], ['docs', 'light']);
    my @before = map { $site->pids(@$_) } @all;
    my $supervisor = $site->supervisor_pid;
    kill 'STOP', $supervisor;
    sleep 5;
    is request($pages, '/')->{status}, 200, 'its workers serve meanwhile';
    kill 'CONT', $supervisor;
    sleep 4;
    is $site->supervisor_pid, $supervisor, 'goes on';
    is_deeply [map { $site->pids(@$_) } @all], \@before, 'and kills nobody';
};

subtest 'everything is stopped for a while' => sub {
    my @all = (['app', 'master'], ['app', 'child'], ['docs', 'light']);
    my @before = map { $site->pids(@$_) } @all;
    my @processes = ($site->supervisor_pid, @before);
    kill 'STOP', @processes;
    sleep 5;
    kill 'CONT', reverse @processes;
    sleep 4;
    is_deeply [map { $site->pids(@$_) } @all], \@before, 'and goes on as it was';
};

done_testing;
